"""The doctor: compares a live distribution with the one that is right for Plone.

::

    reading ──► rules ──► findings ──► words       what people and machines read
                             │
    asking ──────────────────┘──► mending          two of the changes, when a person asks

It knows no Zope. *Test connection*, the REST API and ``cloudfront doctor`` show the same.
"""
