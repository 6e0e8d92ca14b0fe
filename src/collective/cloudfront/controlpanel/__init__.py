"""What people see: the CloudFront page among Plone's control panels.

``page`` is the page, made of ``form`` (settings), ``overview`` (what is going on,
and why nothing is) and ``checks`` (what may be wrong); ``purge_all`` asks before
it purges everything; ``tabs`` puts the page among those of the Caching control panel.
"""
