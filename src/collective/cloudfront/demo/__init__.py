"""A Plone site behind a local CloudFront, in one command. Not for production.

``instance`` runs a real Zope process, ``make_site`` creates the Plone site in it,
``scenario`` performs the main job and tells it. The tests over HTTP use them too.
"""
