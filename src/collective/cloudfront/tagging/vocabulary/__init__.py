"""The vocabulary of cache tags, for responses and for changes. Pure: no Zope.

A response carries tags, a change purges tags. The two sides agree because both ask
this package::

    response ─► dependencies ─► of_response ─► fit ──► at most 50 tags in the header
                      │              │
                      └── levels ────┤ spelling
                                     │
    change   ─────────────────► of_change ──► fold ──► items of the invalidation

``dependencies``
    what a response can depend on: kinds, facets, one function for each
``of_response``
    the tags that a response carries for its dependencies
``of_change``
    the tags to purge for a change
``levels``
    which containers have tags for their subtree and for navigation
``spelling``
    how each tag is written
``fit``
    fewer and broader tags for a response that has too many
``fold``
    fewer and broader tags for many changes at once

**The law** (``tests/tagging``): if a change gives a dependency another answer, the
response that has this dependency carries a tag that the change purges. ``fit`` and
``fold`` keep the law.

====================  ==================================  ============================
dependency            what the response asked for         tags that it carries
====================  ==================================  ============================
``own(X)``            all of X                            ``X``
``label(X)``          what listings show of X             ``X.l``
``names(C)``          what a name in C leads to           ``C.n``, ``C.c``
``children(C)``       which children, and their labels    ``C.c``
``below(C)``          the same for a whole subtree        ``C.b``
``within(C, 3)``      the same to a depth, as navigation  ``C.b3``, ``C.bl3``
``of_type(T)``        the same for a type, anywhere       ``S.t.T``, ``S.m``
``group(G)``          the same for a translation group    ``G.g``, ``S.m``
``undated(T)``        what "date" of a type sorts by      ``S.d.T``
``chrome()``          registry, actions, theme, portlets  ``S.x``
====================  ==================================  ============================

X and C are UIDs. S is the UID of the site. A query with the *facet* EDIT (sorted by the
date of change, or full text) depends on any edit. It carries ``C.ce`` *and* ``C.c``
(``C.be`` and ``C.b``, ``S.te.T`` and ``S.t.T``), so a change of a label only needs to
name the latter.

**Navigation** asks, to a certain depth below a navigation root, for content of certain
types that is not excluded from navigation. Only such content purges its tags. Plone's
tabs show titles only: with the facet TITLE, navigation carries ``C.b3`` alone, and a
new description does not purge it.

**Moves.** When a folder moves, is deleted or is hidden with everything below it, the
change purges only the tags of the folder and ``S.m`` ("with everything below"),
however much is below. So a response that depends on X must notice when something above
X moves. A page usually does: its breadcrumbs give it the label of each ancestor.
``of_response`` gives ``S.m`` to a response that would not notice.

**Deep sites.** Only containers down to ``LEVELS`` below the site have tags for their
subtree. A deeper subtree counts as the subtree of its ancestor at that level. So a
change names a bounded number of ancestors.
"""
