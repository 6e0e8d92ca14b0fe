"""The command line, ``cloudfront``: works on an outbox, without Zope and without Plone.

``main`` has the commands' group and what they share, and each other module some of the
commands. Nothing in this room imports Zope, and nothing outside of it imports click.
"""
