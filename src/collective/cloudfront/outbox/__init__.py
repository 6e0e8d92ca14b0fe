"""The outbox: items committed in Plone and not yet accepted by CloudFront.

``contract`` says what an outbox does, ``stored`` does it over a ``store``, ``sqlite`` is
one, and ``intake`` keeps its failures away from editors. Nothing in this room imports Zope.
"""

from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.factory import open_outbox


__all__ = ["Outbox", "OutboxUnavailable", "open_outbox"]
