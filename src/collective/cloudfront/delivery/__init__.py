"""Delivery: batches become accepted invalidations, whatever AWS answers.

``courier`` polls the outbox, ``sending`` plans, freezes and sends one batch and does what
follows from the answer, ``follow_up`` looks up what CloudFront works on. ``aws`` talks to
CloudFront and types its answers. ``events`` is what others hear. No Zope in this room.
"""
