"""The settings in force for one site, environment included."""

from collections.abc import Mapping
from collective.cloudfront.settings.distributions import Defaults
from collective.cloudfront.settings.distributions import Distribution
from collective.cloudfront.settings.distributions import read_distributions
from collective.cloudfront.settings.environment import value_in_force
from collective.cloudfront.settings.environment import values_in_force
from collective.cloudfront.settings.lifetimes import have_untagged_expired
from collective.cloudfront.settings.readers import is_known
from collective.cloudfront.settings.readers import read_since
from collective.cloudfront.settings.readers import ways
from collective.cloudfront.settings.records import registry_of
from collective.cloudfront.settings.records import switches_of
from collective.cloudfront.settings.schema import HISTORY_DAYS
from collective.cloudfront.settings.schema import TAGS_AUTO
from dataclasses import dataclass
from dataclasses import field
from plone.registry.interfaces import IRegistry
from typing import Any

import os


@dataclass(frozen=True, slots=True)
class Settings:
    """What a site purges, where from, and with which credentials.

    ``window``, ``site_purge_interval`` and ``again_after`` are seconds, ``monthly_budget`` items.
    """

    #: Ours, and the Caching control panel's
    enabled: bool
    distributions: tuple[Distribution, ...]
    window: float
    site_on_navigation: bool = True
    site_purge_interval: float = 60.0
    api: bool = False
    classic: bool = True
    monthly_budget: int = 0
    history_days: int = HISTORY_DAYS
    again_after: float = 0.0
    #: Purge cache tags, and paths. Both while pages without tags may still be cached.
    by_tags: bool = False
    by_paths: bool = True
    #: Whether the distributions read cache tags decides that.
    finds_tags: bool = False
    aws_profile: str = ""
    aws_access_key_id: str = ""
    aws_secret_access_key: str = field(default="", repr=False)

    @property
    def distribution_ids(self) -> tuple[str, ...]:
        """The ids of the distributions, each once."""
        return tuple(dict.fromkeys(each.id for each in self.distributions))


def read_settings(
    registry: IRegistry | None, environ: Mapping[str, str] = os.environ
) -> Settings | None:
    """Return the settings of a site, or None where the add-on is not installed.

    ``enabled`` is the conjunction of ours and the Caching control panel's.
    """
    if registry is None:
        return None
    installed, purging, volto = switches_of(registry)
    if not installed:
        return None
    values = values_in_force(registry, environ)
    distributions = _distributions(values)
    by_tags, by_paths = ways(registry, values["cache_tags"], distributions, environ)
    return Settings(
        enabled=values["enabled"] and purging,
        distributions=distributions,
        window=values["window"],
        site_on_navigation=values["navigation_changes"] == "site",
        site_purge_interval=values["site_purge_interval"],
        api=values["api_paths"] == "on" or values["api_paths"] == "auto" and volto,
        classic=not volto,
        by_tags=by_tags,
        by_paths=by_paths,
        finds_tags=values["cache_tags"] == TAGS_AUTO,
        monthly_budget=values["monthly_budget"],
        history_days=values["history_days"],
        again_after=values["again_after"],
        aws_profile=values["aws_profile"],
        aws_access_key_id=values["aws_access_key_id"],
        aws_secret_access_key=values["aws_secret_access_key"],
    )


def settings_of(site: Any, environ: Mapping[str, str] = os.environ) -> Settings | None:
    """Return the settings of ``site``, or None where the add-on is not installed."""
    return read_settings(registry_of(site), environ)


class _Former:
    """A registry in which one record has another value."""

    def __init__(self, registry: IRegistry, name: str, value: Any):
        self._registry = registry
        self._name = name
        self._value = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a record."""
        return self._value if name == self._name else self._registry.get(name, default)


def settings_before(
    site: Any, name: str, value: Any, environ: Mapping[str, str] = os.environ
) -> Settings | None:
    """Return the settings of ``site`` as they are, but for one record with its full name
    and the ``value`` that it had.
    """
    registry = registry_of(site)
    if registry is None:
        return None
    return read_settings(_Former(registry, name, value), environ)


def new_shares(
    before: Settings | None, after: Settings | None
) -> tuple[Distribution, ...]:
    """Return the distributions, each with its root folder and prefix, that a site purges
    ``after`` its settings have changed and did not purge ``before``. Nobody knows what
    the edge holds of those.
    """
    known = set(_shares(before))
    return tuple(each for share, each in _shares(after).items() if share not in known)


def _shares(settings: Settings | None) -> dict[tuple[str, ...], Distribution]:
    if settings is None or not settings.enabled:
        return {}
    found: dict[tuple[str, ...], Distribution] = {}
    for each in settings.distributions:
        found[each.id, each.root, each.prefix] = each
        if settings.api:
            # So many more addresses are purged then
            found[each.id, each.root, each.prefix, "api"] = each
    return found


#: The settings that say what the distributions are.
_OF_EACH = ("distribution_id", "public_prefix", "tag_header", "aws_role_arn")


def _distributions(values: Mapping[str, Any]) -> tuple[Distribution, ...]:
    return read_distributions(
        values["distribution_id"],
        Defaults(
            prefix=values["public_prefix"],
            tag_header=values["tag_header"],
            role_arn=values["aws_role_arn"],
        ),
    )


def distributions_in_force(
    registry: IRegistry,
    environ: Mapping[str, str] = os.environ,
    tag_header: str = "",
) -> tuple[Distribution, ...]:
    """Return the distributions of a site, as if ``tag_header`` were set, if given."""
    # Each response asks, for its header
    values = {name: value_in_force(registry, name, environ) for name in _OF_EACH}
    if tag_header:
        values["tag_header"] = tag_header
    return _distributions(values)


def may_renew(registry: IRegistry, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether a copy at the edge may be renewed ("not modified"): not while copies
    without tags may be there that are to be purged by tag one day.
    """
    if value_in_force(registry, "cache_tags", environ) != TAGS_AUTO:
        return have_untagged_expired(registry, environ)
    since = read_since(distributions_in_force(registry, environ))
    if since is None:
        return is_known()
    return have_untagged_expired(registry, environ, since)


def tag_headers(
    registry: IRegistry, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Return the headers that carry cache tags, each once: those of the distributions,
    or the site's if there are none.
    """
    headers = (each.tag_header for each in distributions_in_force(registry, environ))
    return tuple(dict.fromkeys(headers)) or (
        value_in_force(registry, "tag_header", environ),
    )
