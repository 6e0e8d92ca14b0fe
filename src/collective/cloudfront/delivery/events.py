"""What a courier tells others. In Zope these are sent through ``zope.event``.

They are raised in the courier's thread: no request, no ZODB connection, no site.
"""

from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.values import Settled
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InvalidationAccepted:
    """CloudFront accepted an invalidation."""

    settled: Settled


@dataclass(frozen=True, slots=True)
class InvalidationCompleted:
    """CloudFront reports an invalidation as completed."""

    settled: Settled


@dataclass(frozen=True, slots=True)
class InvalidationFailed:
    """Items are not delivered, and a person must do something.

    ``kept`` is True while they wait for that (credentials, a wrong distribution
    id), and False when CloudFront refuses the items themselves.
    """

    distribution: str
    items: tuple[str, ...]
    reason: Message
    advice: Message
    kept: bool
