"""Tells people outside of Plone when somebody must act, and when that is over.

::

    thread, every 30 s ──► of each site: troubles ──► known: what is new, what is over
                                                        │
                 outbox (one process sends for all) ◄───┤ message, kept until it is sent
                 memory, if the outbox is the trouble ◄─┘        │
                                                                 ▼
                                              sending ──► mail, webhook; tried again

A thread of its own does this: no save and no courier waits for a mail server.
"""
