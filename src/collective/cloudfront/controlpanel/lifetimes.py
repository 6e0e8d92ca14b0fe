"""How long CloudFront keeps what Plone sends: as it is, and chosen among a few.

The values are in the records of plone.app.caching, one for each rule.
"""

from collective.cloudfront.changes.sitewide import purge_site
from collective.cloudfront.controlpanel.rules import CACHING
from collective.cloudfront.controlpanel.rules import known_operations
from collective.cloudfront.controlpanel.rules import lifetime
from collective.cloudfront.controlpanel.rules import options
from collective.cloudfront.i18n import _
from dataclasses import dataclass
from plone.registry import FieldRef
from plone.registry import Record
from plone.registry.interfaces import IRegistry
from typing import Any


#: Lifetimes by name, in seconds.
SECONDS = {
    "none": 0,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
}
WORDS = {
    "none": _("lifetime_none", default="Not at all"),
    "minute": _("lifetime_minute", default="A minute"),
    "hour": _("lifetime_hour", default="An hour"),
    "day": _("lifetime_day", default="A day"),
    "week": _("lifetime_week", default="A week"),
    "month": _("lifetime_month", default="A month (30 days)"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Responses that have one lifetime, by their rules."""

    name: str
    rules: tuple[str, ...]
    #: Names of the lifetimes that people can choose.
    choices: tuple[str, ...]


PAGES = Kind(
    "page_lifetime",
    (
        "plone.content.itemView",
        "plone.content.folderView",
        "plone.content.feed",
        "plone.content.file",
    ),
    ("hour", "day", "week", "month"),
)
#: The REST API. Its searches are purged by tag, and by no path.
API = Kind(
    "api_lifetime",
    ("plone.content.dynamic",),
    ("none", "minute", "hour", "day"),
)
KINDS = {kind.name: kind for kind in (PAGES, API)}


class CannotBeChosen(Exception):
    """The operations of ``rules`` have no lifetime for shared caches."""

    def __init__(self, rules: list[str]):
        super().__init__(", ".join(rules))
        self.rules = rules


@dataclass(frozen=True, slots=True)
class RuleLifetime:
    """What applies to a rule."""

    rule: str
    #: Message ids of plone.app.caching.
    operations: tuple[str, ...]
    #: None: Plone sends no lifetime, or nobody knows which.
    seconds: int | None


def is_caching_enabled(registry: IRegistry) -> bool:
    """Say whether Plone sends any lifetime."""
    return bool(registry.get(f"{CACHING}.enabled"))


def in_force(registry: IRegistry, rule: str) -> RuleLifetime:
    """Return what applies to a rule."""
    lifetimes = [lifetime(each) for each in options(registry, rule)]
    return RuleLifetime(
        rule,
        tuple(each.title for each in known_operations(registry, rule)),
        max(lifetimes) if lifetimes else None,
    )


def chosen(registry: IRegistry, kind: Kind) -> str | None:
    """Return the name of the lifetime of all rules of a kind; None: it is another, or
    they differ.
    """
    found = {in_force(registry, rule).seconds for rule in kind.rules}
    for name in kind.choices:
        if found == {SECONDS[name]}:
            return name
    return None


def fixed_rules(registry: IRegistry, kind: Kind) -> list[str]:
    """Return the rules of a kind whose lifetime cannot be chosen."""
    return [rule for rule in kind.rules if not _adjustable(registry, rule)]


def choose(registry: IRegistry, wanted: dict[str, str]) -> None:
    """Store lifetimes: their names, by the names of kinds. Raises ``CannotBeChosen``.

    Copies that were allowed to live longer are purged, because nobody would expect them.
    """
    fixed = [rule for name in wanted for rule in fixed_rules(registry, KINDS[name])]
    if fixed:
        raise CannotBeChosen(fixed)
    is_shorter = False
    for name, value in wanted.items():
        for rule in KINDS[name].rules:
            before = in_force(registry, rule).seconds or 0
            is_shorter = is_shorter or SECONDS[value] < before
            for operation in _adjustable(registry, rule):
                _store(registry, operation.prefix, rule, SECONDS[value])
    if is_shorter:
        purge_site()


def _adjustable(registry: IRegistry, rule: str) -> list[Any]:
    """Return the operations for a rule that have a lifetime for shared caches."""
    return [
        each
        for each in known_operations(registry, rule)
        if "smaxage" in each.options and f"{each.prefix}.smaxage" in registry.records
    ]


def _store(registry: IRegistry, prefix: str, rule: str, seconds: int) -> None:
    name, general = f"{prefix}.{rule}.smaxage", f"{prefix}.smaxage"
    if name in registry.records:
        registry[name] = seconds
        return
    # As the Caching control panel does
    field = FieldRef(general, registry.records[general].field)
    registry.records[name] = Record(field, seconds)
