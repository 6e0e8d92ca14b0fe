"""Pure decisions: what an item may look like, what covers what, how fast to send.

Nothing in this room performs I/O, reads a clock or imports Zope.
"""
