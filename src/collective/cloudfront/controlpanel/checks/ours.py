"""The checks of this add-on.

They are also asked on pages of Plone's own, for the number at our tab, so they read
settings and little else.
"""

from collective.cloudfront.controlpanel.checks import Check
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.overview import this_month
from collective.cloudfront.controlpanel.rules import CACHING
from collective.cloudfront.controlpanel.rules import lifetime
from collective.cloudfront.controlpanel.rules import operations
from collective.cloudfront.controlpanel.rules import options
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import is_installed
from collective.cloudfront.settings import overrides
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.settings import variable
from collective.cloudfront.upgrades.to_3000 import old_settings
from collective.cloudfront.upgrades.to_3000 import remove_2_0
from functools import cached_property
from plone import api
from plone.registry.interfaces import IRegistry
from typing import Any
from ZODB.blob import BlobStorage
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage
from zope.component import getUtility


_TYPES = "plone.app.caching.interfaces.IPloneCacheSettings.purgedContentTypes"
_PROXIES = "plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"
_IMPORT = "@@caching-controlpanel-import"

#: The rules of what people look at.
_VIEWS = ("plone.content.itemView", "plone.content.folderView")
#: Parts of an ETag by which Plone tells visitors from others.
_PERSONAL = {"userid", "roles", "anonymousOrRandom"}
#: Only one process at a time can have such a database open.
# A storage around another one for its blobs: ZEO's and RelStorage do that themselves
_STORAGES_OF_ONE_PROCESS = (FileStorage, BlobStorage, MappingStorage, DemoStorage)


class SiteCheck(Check):
    """A check that looks at the registry."""

    @cached_property
    def registry(self) -> IRegistry:
        """The site's registry."""
        return getUtility(IRegistry)


class Lifetime(SiteCheck):
    """Does Plone tell CloudFront to keep pages?"""

    title = _("check_lifetime", default="Lifetime of pages at the edge")

    @cached_property
    def level(self) -> Level:
        """A warning where caching is disabled, or pages are not kept."""
        wrong = not self.is_enabled or self.short
        return Level.WARNING if wrong else Level.OK

    @cached_property
    def is_enabled(self) -> bool:
        """Whether Plone says anything about caching."""
        return bool(self.registry.get(f"{CACHING}.enabled"))

    @cached_property
    def short(self) -> list[str]:
        """The rules by which pages are not kept."""
        return [rule for rule in _VIEWS if _is_short(self.registry, rule)]

    @property
    def text(self) -> str:
        """What is wrong, if anything."""
        if not self.is_enabled:
            return _(
                "check_lifetime_disabled",
                default="Caching is disabled in the Caching control panel. Plone therefore "
                "does not tell CloudFront how long it may cache a page, or which "
                "pages are private.",
            )
        if self.short:
            return _(
                "check_lifetime_short",
                default="The caching operations set no lifetime for pages in shared caches "
                "(s-maxage), so Plone serves most visitors itself: ${rules}.",
                mapping={"rules": ", ".join(self.short)},
            )
        return _("check_lifetime_ok", default="CloudFront caches pages.")

    @property
    def advice(self) -> str:
        """Our caching profile."""
        if not self.level:
            return ""
        return _(
            "advice_lifetime", default="Import the caching profile “With CloudFront”."
        )

    @property
    def link(self) -> str:
        """Where to import it."""
        return _IMPORT if self.level else ""


class Sharing(SiteCheck):
    """Are answers to logged-in people kept for visitors?"""

    title = _("check_sharing", default="Pages of logged-in users")

    @cached_property
    def shared(self) -> list[str]:
        """The rules by which they are."""
        if not self.registry.get(f"{CACHING}.enabled"):
            return []
        return [rule for rule in _VIEWS if _is_shared(self.registry, rule)]

    @property
    def level(self) -> Level:
        """A warning where they are."""
        return Level.WARNING if self.shared else Level.OK

    @property
    def text(self) -> str:
        """What is wrong, if anything."""
        if not self.shared:
            return _("check_sharing_ok", default="Plone marks these pages as private.")
        return _(
            "check_sharing_wrong",
            default="Plone does not mark these pages as private, so visitors may see "
            "an editor's page unless editors never use CloudFront: ${rules}.",
            mapping={"rules": ", ".join(self.shared)},
        )

    @property
    def advice(self) -> str:
        """The one option, or all of them."""
        if not self.shared:
            return ""
        return _(
            "advice_sharing",
            default="Select “Only cache for anonymous users” in the caching operation, "
            "or import the caching profile “With CloudFront”.",
        )

    @property
    def link(self) -> str:
        """Where to import them."""
        return _IMPORT if self.shared else ""


class ContentTypes(SiteCheck):
    """Which content types are purged from other proxies?

    Ours hears of all types. So it only matters where there is another proxy: behind
    CloudFront, it would give CloudFront the old page.
    """

    title = _("check_types", default="Content types to purge")

    @cached_property
    def missing(self) -> list[str]:
        """The types that there is content of, and that are not purged."""
        purged = set(self.registry.get(_TYPES) or ())
        index = api.portal.get_tool("portal_catalog").Indexes["portal_type"]
        return sorted(set(index.uniqueValues()) - purged)

    @property
    def level(self) -> Level:
        """A warning where there are other proxies."""
        matters = self.missing and self.registry.get(_PROXIES)
        return Level.WARNING if matters else Level.OK

    @property
    def text(self) -> str:
        """What is purged from where."""
        if not self.missing:
            return _("check_types_ok", default="All content types are purged.")
        if not self.level:
            return _(
                "check_types_ours",
                default="All content types are purged from CloudFront. These are not "
                "purged from other proxies: ${types}.",
                mapping={"types": ", ".join(self.missing)},
            )
        return _(
            "check_types_missing",
            default="These content types are not purged from the caching proxies in "
            "the Caching control panel: ${types}. CloudFront may get old pages "
            "from the proxies.",
            mapping={"types": ", ".join(self.missing)},
        )

    @property
    def action(self) -> str:
        """Add those that are missing."""
        if not self.missing:
            return ""
        return _("action_types", default="Purge all content types")

    def act(self) -> str:
        """Set all types that there are, also those without content."""
        purged = self.registry.get(_TYPES) or ()
        types = sorted(api.portal.get_tool("portal_types").objectIds())
        self.registry[_TYPES] = tuple(dict.fromkeys([*purged, *types]))
        return _("types_purged", default="All content types are now purged.")


class Outboxes(SiteCheck):
    """Do several Zope processes have an outbox each?"""

    title = _("check_outbox", default="Outbox")

    @cached_property
    def level(self) -> Level:
        """A warning where there may be several, and no common path is set; or where it
        is in a place that is not good for it.
        """
        return Level.WARNING if self.is_separate or self.concerns else Level.OK

    @cached_property
    def is_separate(self) -> bool:
        """Whether other processes may have an outbox of their own."""
        is_known = self.is_set or this_process().is_outbox_beside
        return not is_known and self.may_be_several

    @cached_property
    def concerns(self) -> list[Message]:
        """What a person should know of its place."""
        return [*this_process().concerns, *this_process().outbox.concerns()]

    @property
    def is_set(self) -> bool:
        """Whether somebody has thought about it."""
        return bool(this_process().environ.get("CLOUDFRONT_OUTBOX"))

    @property
    def may_be_several(self) -> bool:
        """Whether other processes can use this database."""
        connection = connection_of(self.site)
        if connection is None:
            return False
        return not isinstance(connection.db().storage, _STORAGES_OF_ONE_PROCESS)

    @property
    def text(self) -> str:
        """What is known about it."""
        if self.concerns:
            return sentence(self.concerns[0])
        if self.is_separate:
            return _(
                "check_outbox_separate",
                default="This Zope process has an outbox in its own folder, but other "
                "processes may use the same database. With separate outboxes, each "
                "process applies CloudFront's quotas on its own, and waiting items "
                "depend on the process that saved them.",
            )
        if self.is_set:
            return _(
                "check_outbox_set", default="The outbox is set in CLOUDFRONT_OUTBOX."
            )
        if this_process().is_outbox_beside:
            return _(
                "check_outbox_beside",
                default="The outbox is in the database of the site. All Zope processes "
                "use it.",
            )
        return _(
            "check_outbox_ok",
            default="Only this Zope process uses the database, so it needs no shared "
            "outbox.",
        )

    @property
    def advice(self) -> str:
        """The variable, where it matters."""
        if self.concerns and self.concerns[0].code.startswith("redis_"):
            return ""  # it says what to do
        if self.concerns:
            return _(
                "advice_outbox_place",
                default="Keep the outbox on a local disk or volume, and use the same "
                "version of collective.cloudfront in all processes.",
            )
        if not self.is_separate:
            return ""
        return _(
            "advice_outbox",
            default="Set CLOUDFRONT_OUTBOX to the same file for all Zope processes on "
            "this machine.",
        )


class Environment(SiteCheck):
    """Which settings does the environment override? Only to know."""

    title = _("check_environment", default="Environment variables")

    @property
    def text(self) -> str:
        """The names of the variables; the values are beside the settings."""
        names = [variable(name) for name in overrides()]
        if not names:
            return _(
                "check_environment_none",
                default="No environment variable overrides a setting.",
            )
        return _(
            "check_environment_some",
            default="Environment variables override these settings: ${names}.",
            mapping={"names": ", ".join(names)},
        )


class Leftovers(SiteCheck):
    """Are there settings of 2.0? Nothing uses them, and one may be a secret."""

    title = _("check_leftovers", default="Settings of release 2.0")

    @cached_property
    def names(self) -> list[str]:
        """What there is; never a value."""
        return sorted(old_settings(self.site))

    @property
    def level(self) -> Level:
        """A warning where there are any."""
        return Level.WARNING if self.names else Level.OK

    @property
    def text(self) -> str:
        """What there is."""
        if not self.names:
            return _(
                "check_leftovers_ok", default="There are no settings of release 2.0."
            )
        return _(
            "check_leftovers_found",
            default="These settings of release 2.0 still exist, but are not used: "
            "${names}.",
            mapping={"names": ", ".join(self.names)},
        )

    @property
    def advice(self) -> str:
        """First the upgrade, which carries them over."""
        if not self.names or self._is_upgraded:
            return ""
        return _(
            "advice_leftovers",
            default="Upgrade the add-on in the Add-ons control panel.",
        )

    @property
    def link(self) -> str:
        """Where to upgrade."""
        return "prefs_install_products_form" if self.advice else ""

    @property
    def action(self) -> str:
        """Remove them, once nobody needs them any more."""
        if not self.names or not self._is_upgraded:
            return ""
        return _("action_leftovers", default="Remove old settings")

    def act(self) -> str:
        """Remove them."""
        remove_2_0(self.site)
        return _(
            "leftovers_removed", default="The settings of release 2.0 were removed."
        )

    @cached_property
    def _is_upgraded(self) -> bool:
        return is_installed(self.registry)


class Budget(SiteCheck):
    """Is this month's budget used up?"""

    title = _("check_budget", default="Budget")

    @cached_property
    def budget(self) -> int:
        """Items a month; 0 is none."""
        return value_in_force(self.registry, "monthly_budget")

    @cached_property
    def billed(self) -> int:
        """Items of this month; without a budget the outbox is not asked."""
        if not self.budget:
            return 0
        return sum(this_process().outbox.billed(this_month()).values())

    @property
    def level(self) -> Level:
        """A warning where there were more than that."""
        return Level.WARNING if self.billed > self.budget else Level.OK

    @property
    def text(self) -> str:
        """How much of it is used."""
        if not self.budget:
            return _("check_budget_none", default="No budget is set.")
        return _(
            "check_budget_used",
            default="Items this month: ${billed} of ${budget}.",
            mapping={"billed": self.billed, "budget": self.budget},
        )

    @property
    def advice(self) -> str:
        """What it means, and what can be done."""
        if not self.level:
            return ""
        return _(
            "advice_budget",
            default="Purging continues with fewer, broader items. Raise the budget to "
            "purge more precisely.",
        )

    @property
    def link(self) -> str:
        """Where to raise it."""
        return "@@cloudfront-settings#fieldset-costs" if self.level else ""


def connection_of(site: Any) -> Any:
    """Return the connection to the database of a site; None if it is not stored."""
    return site._p_jar


def _is_short(registry: IRegistry, rule: str) -> bool:
    """Say whether all operations for a rule are known, and none lets pages be kept."""
    lifetimes = [lifetime(each) for each in options(registry, rule)]
    return not any(lifetimes) and len(lifetimes) == len(
        list(operations(registry, rule))
    )


def _is_shared(registry: IRegistry, rule: str) -> bool:
    return any(
        lifetime(each)
        and not each["anonOnly"]
        and not _PERSONAL & set(each["etags"] or ())
        for each in options(registry, rule)
    )
