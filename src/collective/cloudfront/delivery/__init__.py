"""Delivery: batches become accepted invalidations, whatever AWS answers.

``gateway`` talks to CloudFront and types its answers, ``courier`` decides what
follows from them, ``events`` is what it tells others. No Zope in this room.
"""
