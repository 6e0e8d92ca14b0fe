"""What a response was made from, noted while it is made.

::

    begin ── a request enters the site ──► readset.ReadSet, kept with the request
                                              ▲ ▲ ▲
    patches ── searches, objects, UIDs, ──────┘ │ │
      │        dates that Plone reads           │ │
      ├── queries ── what a search depends on   │ │
      └── callers ── who shows only labels      │ │
    ram_cache ── what is kept in memory ────────┘ │
    integrators ── what add-ons report ───────────┘

    published ── what was asked for ──► resolution ── facts become dependencies
                                                      (``vocabulary``)

A *fact* (``queries.Fact``) is cheap: a kind and a path, as Plone has it. ``resolution``
looks up UIDs once, when the response is complete.

``hooks`` of the add-on lists everything in Plone that this package relies on.
``selfcheck`` tries the recording points out.
"""
