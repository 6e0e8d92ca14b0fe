"""A Plone site behind a local CloudFront, in one command. Not for production.

``instance`` runs a real Zope process. ``make_site`` creates the Plone site in it.
``scenario`` edits a page and prints what happens. ``connections`` asks for pages. The tests
over HTTP, the benchmarks and the freshness harness use them, too.
"""
