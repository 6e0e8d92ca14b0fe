"""Interfaces that integrators and our own ZCML rely on."""

from zope.interface import Attribute
from zope.interface import Interface
from zope.publisher.interfaces.browser import IDefaultBrowserLayer


#: Our permissions, by their titles. To configure, ``cloudfront.managePurging``:
MANAGE_PURGING = "collective.cloudfront: Manage purging"
#: ``cloudfront.purgeEverything``, of the site:
PURGE_EVERYTHING = "collective.cloudfront: Purge everything"
#: ``cloudfront.purgeContent``, of each object, so that local roles count:
PURGE_CONTENT = "collective.cloudfront: Purge content"

PERMISSIONS = (MANAGE_PURGING, PURGE_EVERYTHING, PURGE_CONTENT)


class ICloudFrontLayer(IDefaultBrowserLayer):
    """The requests of sites where the add-on is installed."""


#: Its name in 2.0. Sites pickle their layers by name: without the alias, one that is
#: not upgraded yet could not load its components.
ICollectiveCloudfrontLayer = ICloudFrontLayer


class IInvalidationEvent(Interface):
    """Something happened to an invalidation.

    Sent through ``zope.event`` in the courier's thread: there is no request, no
    site and no ZODB connection.
    """


class IInvalidationAccepted(IInvalidationEvent):
    """CloudFront accepted an invalidation."""

    settled = Attribute("An ``outbox.contract.Settled``")


class IInvalidationCompleted(IInvalidationEvent):
    """CloudFront reports an invalidation as completed."""

    settled = Attribute("An ``outbox.contract.Settled``")


class IInvalidationFailed(IInvalidationEvent):
    """Items are not delivered, and a person must do something."""

    distribution = Attribute("The distribution's id")
    items = Attribute("The items, a tuple of str")
    reason = Attribute("What happened, a sentence")
    advice = Attribute("What to do, a sentence")
    kept = Attribute("True while the items wait; False if they are in quarantine")
