"""Dates of content that was saved before anybody asked for them.

A save schedules what the dates of an object reach when they arrive (``reach.dates``). What
was saved before a distribution was entered, while purging was off, or for another outbox,
is scheduled from the catalog::

    Zope starts, settings change, a minute passes ──► known: what is missing?
                                                        │ claim it in the outbox
        catalog: what has dates ◄───────────────────────┘
          │ a few objects at a time, resting in between
          ▼
        run: read again what was written, compute ──► outbox: entries, and how far it is

``known`` is pure. ``run`` reads with a connection of its own, commits nothing, and writes
only to the outbox, so it conflicts with nobody. Killed, it goes on where it was, in
whichever process claims it next. ``since`` is when a site began to purge; ``thread`` is
where a Zope process does all this.
"""
