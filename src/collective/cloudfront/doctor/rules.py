"""What to think of the cache behaviors of a distribution: pure functions.

Each check looks at every behavior and has one verdict about all of them: the worst one,
with the behaviors that it is about. The law: where nothing is known of one behavior and
nothing is wrong with the others, the verdict is the reply that says why.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.behaviors import Caching
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.reading import Resolved
from dataclasses import dataclass


#: Seconds. "With CloudFront" has pages kept for so long.
DAY = 86_400
#: CloudFront allows only the first two, these and OPTIONS, or all seven.
_TO_CHANGE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Use:
    """How a site uses a distribution. ``tag_header`` is empty where no tags are sent;
    ``finds_tags``: whether the distribution reads them decides how changes are purged.
    """

    is_classic: bool = True
    tag_header: str = ""
    finds_tags: bool = False

    @property
    def session(self) -> str:
        """The name of the cookie of people who are logged in."""
        return "__ac" if self.is_classic else "auth_token"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to think of one behavior; ``detail`` is shown beside its pattern."""

    level: Level
    code: str
    detail: str = ""


#: None: the check does not concern this behavior.
_Opinion = Verdict | Reply | None


def judge_behaviors(
    name: str, behaviors: Sequence[Resolved], use: Use
) -> tuple[Level, str, dict[str, str]] | Reply:
    """Return what the check ``name`` says of all behaviors: level, code and mapping, or
    the reply because of which it is not known.
    """
    judge = JUDGES[name]
    opinions = {each.pattern: judge(each, use) for each in behaviors}
    verdicts = {
        pattern: verdict
        for pattern, verdict in opinions.items()
        if isinstance(verdict, Verdict)
    }
    wrong = [each for each in verdicts.values() if each.level is Level.WARNING]
    unknown = [each for each in opinions.values() if isinstance(each, Reply)]
    if unknown and not wrong:
        return unknown[0]
    if not verdicts:
        return Level.UNKNOWN, "behaviors_none", {}
    chosen = (wrong or list(verdicts.values()))[0]
    return chosen.level, chosen.code, _mapping(verdicts, chosen.code, use)


def _mapping(verdicts: Mapping[str, Verdict], code: str, use: Use) -> dict[str, str]:
    concerned = [
        f"{pattern}: {verdict.detail}" if verdict.detail else pattern
        for pattern, verdict in verdicts.items()
        if verdict.code == code
    ]
    return {
        "behaviors": "; ".join(concerned),
        "cookie": use.session,
        "header": use.tag_header,
    }


def _knows_caching(
    judge: Callable[[Resolved, Caching, Use], _Opinion],
) -> Callable[[Resolved, Use], _Opinion]:
    """Make a judge that needs what is in the cache key."""

    def judge_if_known(behavior: Resolved, use: Use) -> _Opinion:
        caching = behavior.caching
        if caching.found is not None:
            return judge(behavior, caching.found, use)
        if not caching.error:
            return Verdict(Level.UNKNOWN, "behaviors_untold")
        return caching

    return judge_if_known


@_knows_caching
def _judge_query_strings(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if behavior.is_for_files:
        return None
    if not caching.keeps:
        return Verdict(Level.OK, "behaviors_uncached")
    chosen = caching.query_strings
    level, code = {
        "all": (Level.OK, "query_strings_all"),
        "allExcept": (Level.OK, "query_strings_except"),
        "whitelist": (Level.WARNING, "query_strings_some"),
        "none": (Level.WARNING, "query_strings_none"),
    }.get(chosen.behavior, (Level.UNKNOWN, "behaviors_untold"))
    return Verdict(level, code, ", ".join(chosen.names))


@_knows_caching
def _judge_cookies(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if not caching.keeps:
        return Verdict(Level.OK, "behaviors_uncached")
    if caching.cookies.behavior == "all":
        return Verdict(Level.WARNING, "cookies_all")
    if caching.cookies.includes(use.session):
        return Verdict(Level.OK, "cookies_key")
    forwarded = behavior.forwarded
    if forwarded.found is None:
        return forwarded
    if forwarded.found.cookies.includes(use.session):
        return Verdict(Level.WARNING, "cookies_shared")
    return Verdict(Level.OK, "cookies_removed")


@_knows_caching
def _judge_authorization(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if not caching.keeps:
        return Verdict(Level.OK, "behaviors_uncached")
    if caching.headers.includes("authorization"):
        return Verdict(Level.OK, "authorization_key")
    forwarded = behavior.forwarded
    if forwarded.found is None:
        return forwarded
    if forwarded.found.headers.includes("authorization"):
        return Verdict(Level.WARNING, "authorization_shared")
    if caching.cookies.includes(use.session):
        # Here people log in
        return Verdict(Level.WARNING, "authorization_lost")
    return Verdict(Level.OK, "authorization_removed")


@_knows_caching
def _judge_minimum_ttl(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if caching.keeps and caching.min_ttl > 0:
        return Verdict(Level.WARNING, "minimum_ttl_above", f"{caching.min_ttl} s")
    return Verdict(Level.OK, "minimum_ttl")


@_knows_caching
def _judge_lifetime(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if not caching.keeps:
        # For some patterns, such as those of forms, that is what somebody wants
        is_default = behavior.pattern == DEFAULT
        level = Level.WARNING if is_default else Level.OK
        return Verdict(level, "lifetime_none" if is_default else "behaviors_uncached")
    if caching.max_ttl < DAY:
        return Verdict(Level.WARNING, "lifetime_short", f"{caching.max_ttl} s")
    if use.is_classic and caching.default_ttl > 0:
        ttl = f"{caching.default_ttl} s"
        return Verdict(Level.WARNING, "lifetime_default", ttl)
    if not use.is_classic and behavior.pattern == DEFAULT and not caching.default_ttl:
        return Verdict(Level.WARNING, "lifetime_volto")
    return Verdict(Level.OK, "lifetime")


def _judge_methods(behavior: Resolved, use: Use) -> _Opinion:
    if behavior.is_for_files:
        return None
    if behavior.methods >= _TO_CHANGE:
        return Verdict(Level.OK, "methods")
    return Verdict(Level.WARNING, "methods_few")


def _judge_tag_header(behavior: Resolved, use: Use) -> _Opinion:
    if not use.tag_header:
        return Verdict(Level.OK, "cache_tags_off")
    if behavior.removed.found is None:
        return behavior.removed
    if use.tag_header.lower() in behavior.removed.found:
        return Verdict(Level.OK, "tag_header")
    return Verdict(Level.WARNING, "tag_header_sent")


#: By the names of the checks.
JUDGES: dict[str, Callable[[Resolved, Use], _Opinion]] = {
    "query_strings": _judge_query_strings,
    "cookies": _judge_cookies,
    "authorization": _judge_authorization,
    "minimum_ttl": _judge_minimum_ttl,
    "lifetime": _judge_lifetime,
    "methods": _judge_methods,
    "tag_header": _judge_tag_header,
}
