"""The check that says whether changes are purged by cache tag, and why not."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.i18n import _
from collective.cloudfront.planning.reading import Reading
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import Settings
from collective.cloudfront.settings import TAGS_AUTO
from collective.cloudfront.settings import untagged_until
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.settings import VOLTO
from collective.cloudfront.settings.readers import read_since
from collective.cloudfront.settings.readers import reading_of
from collective.cloudfront.settings.readers import reads_tags
from datetime import datetime
from functools import cached_property
from plone import api

import time


_ADVICE_DENIED = _(
    "advice_tags_denied",
    default="Allow cloudfront:GetDistribution. If you know that the "
    "distributions read cache tags, you can select “Send tags and "
    "purge by tag” instead.",
)
_ADVICE_TROUBLE = _("advice_tags_trouble", default="Use “Test connection” for details.")
_ADVICE_VOLTO = _(
    "advice_tags_volto",
    default="Install the middleware for Volto, and select “Volto forwards tags”.",
)


class Tags(SiteCheck):
    """How does this site purge, and what would make that better?"""

    title = _("check_tags", default="Cache tags")

    @cached_property
    def settings(self) -> Settings | None:
        """What is in force."""
        return read_settings(self.registry)

    @cached_property
    def tags(self) -> str:
        """The setting."""
        return value_in_force(self.registry, "cache_tags")

    @cached_property
    def other(self) -> Distribution | None:
        """The first distribution that is not known to read its header."""
        if self.settings is None or self.tags != TAGS_AUTO:
            return None
        found = (each for each in self.settings.distributions if not reads_tags(each))
        return next(found, None)

    @property
    def known(self) -> Reading | None:
        """What is known of that one."""
        return reading_of(self.other) if self.other else None

    @property
    def is_untold(self) -> bool:
        """Whether AWS does not say what it reads."""
        known = self.known
        return bool(known and not known.seen and known.trouble)

    @cached_property
    def unseen(self) -> Reading | None:
        """What was seen too long ago of a distribution that read its header then."""
        if self.settings is None or self.other or self.tags != TAGS_AUTO:
            return None
        now = time.time()
        found = map(reading_of, self.settings.distributions)
        return next((each for each in found if each and not each.is_certain(now)), None)

    @property
    def level(self) -> Level:
        """A warning where it is another header, which somebody wanted, and where nobody
        can see it any more.
        """
        is_wrong = self.known and self.known.header or self.unseen
        return Level.WARNING if is_wrong else Level.OK

    @property
    def text(self) -> str:
        """Which way is used, and why."""
        settings = self.settings
        if settings is None or not settings.distributions:
            return _("check_tags_nowhere", default="No distribution is set.")
        if not settings.by_tags:
            return self._why_by_path()
        if not settings.by_paths:
            return _("check_tags_only", default="Changes are purged by cache tag.")
        if self.unseen:
            return _(
                "check_tags_unseen",
                default="Changes are purged by cache tag and by path. Since ${time}, AWS "
                "has not confirmed that all distributions read the tags (${code}).",
                mapping={
                    "time": _local(self.unseen.seen),
                    "code": self.unseen.trouble or "–",
                },
            )
        if self.waits_for_volto:
            return _(
                "check_tags_volto",
                default="Changes are purged by cache tag and by path, because Volto does "
                "not forward the tags.",
            )
        return _(
            "check_tags_both",
            default="Changes are purged by cache tag. Until ${time}, they are purged "
            "by path as well, because CloudFront may still hold older copies "
            "without tags.",
            mapping={"time": self._until()},
        )

    @property
    def waits_for_volto(self) -> bool:
        """Whether Volto's pages have no tags."""
        volto = bool(self.registry.get(VOLTO))
        return volto and not value_in_force(self.registry, "volto_tags")

    def _until(self) -> str:
        settings = self.settings
        since = read_since(settings.distributions) if settings else None
        until = untagged_until(self.registry, read_since=since or 0.0)
        return "–" if until is None else _local(until)

    def _why_by_path(self) -> str:
        other = self.other
        if other is None:
            return _("check_tags_off", default="Changes are purged by path.")
        known = self.known
        if self.is_untold:
            return _(
                "check_tags_denied",
                default="Changes are purged by path because AWS does not say whether "
                "${distribution} reads cache tags (${code}).",
                mapping={"distribution": other.id, "code": known.trouble},
            )
        if known is None or not known.seen:
            return _(
                "check_tags_unknown",
                default="Changes are purged by path. It is not yet known whether "
                "${distribution} reads cache tags.",
                mapping={"distribution": other.id},
            )
        if known.header:
            return _(
                "check_tags_other",
                default="Changes are purged by path because ${distribution} reads cache "
                "tags from ${header}, but pages carry them in ${wanted}.",
                mapping={
                    "distribution": other.id,
                    "header": known.header,
                    "wanted": other.tag_header,
                },
            )
        return _(
            "check_tags_missing",
            default="Changes are purged by path because ${distribution} does not read "
            "cache tags.",
            mapping={"distribution": other.id},
        )

    @property
    def advice(self) -> str:
        """What makes it better."""
        settings = self.settings
        if settings is None or not settings.distributions:
            return ""
        if self.unseen:
            return _advice(self.unseen.trouble)
        if settings.by_tags:
            return _ADVICE_VOLTO if self.waits_for_volto else ""
        other = self.other
        if other is None:
            return _(
                "advice_tags_auto",
                default="Select “Automatically”. With cache tags, a change purges exactly "
                "the pages that display the changed content.",
            )
        known = self.known
        if self.is_untold:
            return _advice(known.trouble)
        if known is None or not known.seen:
            return ""
        return _(
            "advice_tags_missing",
            default="Set the header ${header} in the CacheTagConfig of the "
            "distribution. Purging by tag then starts automatically.",
            mapping={"header": other.tag_header},
        )


def _advice(trouble: str) -> str:
    return _ADVICE_DENIED if "Denied" in trouble else _ADVICE_TROUBLE


def _local(timestamp: float) -> str:
    """Return a time as people of this site write it."""
    moment = datetime.fromtimestamp(timestamp)
    return api.portal.get_localized_time(moment, long_format=True)
