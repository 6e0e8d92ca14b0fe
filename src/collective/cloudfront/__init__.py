"""CloudFront invalidation for Plone: an edit becomes one CreateInvalidation.

This module imports nothing: the rooms ``outbox``, ``planning``, ``delivery`` and
``local`` run without Zope, and importing them must not bring Zope in.
"""
