"""Interfaces that integrators and our own ZCML rely on."""

from zope.interface import Attribute
from zope.interface import Interface
from zope.publisher.interfaces.browser import IDefaultBrowserLayer


#: Our permissions, by their titles. To configure, ``cloudfront.managePurging``:
MANAGE_PURGING = "collective.cloudfront: Manage purging"
#: ``cloudfront.viewStatus``, to see what is going on, without the settings:
VIEW_STATUS = "collective.cloudfront: View status"
#: ``cloudfront.purgeEverything``, of the site:
PURGE_EVERYTHING = "collective.cloudfront: Purge everything"
#: ``cloudfront.purgeContent``, of each object, so that local roles count:
PURGE_CONTENT = "collective.cloudfront: Purge content"

PERMISSIONS = (MANAGE_PURGING, VIEW_STATUS, PURGE_EVERYTHING, PURGE_CONTENT)


class ICloudFrontLayer(IDefaultBrowserLayer):
    """The requests of sites where the add-on is installed."""


#: Its name in 2.0. Sites pickle their layers by name: without the alias, one that is
#: not upgraded yet could not load its components.
ICollectiveCloudfrontLayer = ICloudFrontLayer


class ICheck(Interface):
    """Something that may be wrong: a named adapter of the site and the request.

    It is shown on the CloudFront page, and counted at its tab, also on pages of Plone's:
    it must be quick, and must not write. If it fails, only its own row says so. A factory
    that returns None shows nothing. ``controlpanel.checks.Check`` is a base class.
    """

    level = Attribute("A ``controlpanel.checks.Level``")
    title = Attribute("What is looked at, a few words")
    text = Attribute("What was found, a sentence")
    advice = Attribute("What to do, a sentence, or empty")
    link = Attribute("Where to do it: a path below the site, ``#id``, or empty")
    action = Attribute("What the button for ``act`` says; empty if there is none")

    def act():
        """Put it right, and return what was done, a sentence.

        Called for a POST request of somebody with ``cloudfront.managePurging``.
        """


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


class IDependencies(Interface):
    """What the responses of an object depend on besides what Plone searches and opens.

    A subscription adapter of the published object and the request. It is called when
    the response is complete.
    """

    def objects():
        """Return content objects, or UIDs, of which the response may show anything."""

    def tags():
        """Return names of your own. You must purge them when something changes."""
