"""Tests over HTTP: real Zope processes, a real edge, nothing in between.

The views here are loaded into those processes only. They make happen on request
what otherwise happens by chance: conflicts, failures late in a request.
"""
