"""What people see: the CloudFront page among Plone's control panels.

``page`` is the page, made of ``form`` (settings) and ``overview`` (what is going
on, and why nothing is); ``purge_all`` asks before it purges everything; ``tabs``
puts the page among those of the Caching control panel.
"""
