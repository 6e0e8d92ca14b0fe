"""What happened: Plone's events become entries of the outbox, inside the transaction.

``content``, ``sitewide`` and ``comments`` hear the events, ``unannounced`` finds what has
none. ``collector`` keeps what happened in one site, asks ``reach`` what that makes stale,
and stores it once, at all its ``addresses``, with its ``causes``. ``transaction`` has the
one data manager, and ``guard`` makes sure that no error of ours fails a save.
"""
