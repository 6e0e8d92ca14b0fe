"""What to think of the cache behaviors of a distribution: pure functions.

Each check looks at every behavior and has one verdict about all of them: the worst one,
with the behaviors that it is about. The law: where nothing is known of one behavior and
nothing is wrong with the others, the verdict is the reply that says why.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.blueprint.patterns import matches
from collective.cloudfront.blueprint.values import Kind
from collective.cloudfront.delivery.aws.behaviors import Caching
from collective.cloudfront.delivery.aws.behaviors import DEFAULT
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.doctor import changes
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.reading import Resolved
from collective.cloudfront.doctor.wanted import kind_of
from collective.cloudfront.doctor.wanted import Use
from collective.cloudfront.doctor.wanted import wanted
from dataclasses import dataclass


#: Seconds. "With CloudFront" has pages kept for so long.
DAY = 86_400
#: CloudFront allows only the first two, these and OPTIONS, or all seven.
_TO_CHANGE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WRONG = (Level.INFO, Level.WARNING)
#: A request of Volto's.
_API_PATH = "/++api++/news"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to think of one behavior; ``detail`` is shown beside its pattern, and ``edits``
    make it right.
    """

    level: Level
    code: str
    detail: str = ""
    edits: tuple[Edit, ...] = ()


#: None: the check does not concern this behavior.
_Opinion = Verdict | Reply | None


@dataclass(frozen=True, slots=True)
class Judgment:
    """What to think of all behaviors."""

    level: Level
    code: str
    mapping: Mapping[str, str]
    edits: tuple[Edit, ...] = ()


def judge_behaviors(
    name: str, behaviors: Sequence[Resolved], use: Use
) -> Judgment | Reply:
    """Return what the check ``name`` says of all behaviors, or the reply because of which
    it is not known.
    """
    if name == "api":
        return _judge_api(behaviors, use)
    judge = JUDGES[name]
    opinions = {each.pattern: judge(each, use) for each in behaviors}
    verdicts = {
        pattern: verdict
        for pattern, verdict in opinions.items()
        if isinstance(verdict, Verdict)
    }
    wrong = [each for each in verdicts.values() if each.level in _WRONG]
    unknown = [each for each in opinions.values() if isinstance(each, Reply)]
    if unknown and not wrong:
        return unknown[0]
    if not verdicts:
        return Judgment(Level.UNKNOWN, "behaviors_none", {})
    chosen = (wrong or list(verdicts.values()))[0]
    same = {
        pattern: verdict
        for pattern, verdict in verdicts.items()
        if verdict.code == chosen.code
    }
    edits = [edit for each in same.values() for edit in each.edits]
    return Judgment(chosen.level, chosen.code, _mapping(same, use), tuple(edits))


def _mapping(verdicts: Mapping[str, Verdict], use: Use) -> dict[str, str]:
    concerned = [
        f"{pattern}: {verdict.detail}" if verdict.detail else pattern
        for pattern, verdict in verdicts.items()
    ]
    return {
        "behaviors": "; ".join(concerned),
        "cookie": use.session,
        "cookies": ", ".join(wanted(use, Kind.PAGES).cache_policy.cookies.names),
        "header": use.tag_header,
    }


def _judge_api(behaviors: Sequence[Resolved], use: Use) -> Judgment:
    """Volto's requests for data must not be kept as its pages are."""
    if use.is_classic:
        return Judgment(Level.OK, "api_classic", {})
    found = [
        each.pattern
        for each in behaviors
        if each.pattern != DEFAULT and matches(each.pattern, _API_PATH)
    ]
    if found:
        return Judgment(Level.OK, "api", {"behaviors": "; ".join(found)})
    if not behaviors:
        return Judgment(Level.UNKNOWN, "behaviors_none", {})
    origins = [each.behavior.origin for each in behaviors]
    with_plone = [each for each in origins if each.names_host]
    new = wanted(use, Kind.API)
    edits = changes.new_behavior(new, (with_plone or origins)[0].id, use.tag_header)
    mapping = {"pattern": new.path_pattern}
    return Judgment(Level.WARNING, "api_missing", mapping, edits)


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
    everything = wanted(use, kind_of(behavior.behavior, caching)).cache_policy
    edits = changes.key(behavior.behavior, query_strings=everything.query_strings)
    names = ", ".join(chosen.names)
    return Verdict(level, code, names, edits if level is Level.WARNING else ())


@_knows_caching
def _judge_cookies(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if not caching.keeps:
        return Verdict(Level.OK, "behaviors_uncached")
    cookies = caching.cookies
    if cookies.behavior == "all":
        right = wanted(use, kind_of(behavior.behavior, caching)).cache_policy.cookies
        edits = changes.key(behavior.behavior, cookies=right)
        return Verdict(Level.WARNING, "cookies_all", edits=edits)
    if cookies.includes(use.session):
        return Verdict(Level.OK, "cookies_key")
    forwarded = behavior.forwarded
    if forwarded.found is None:
        return forwarded
    edits = changes.key(
        behavior.behavior, cookies=changes.with_name(cookies, use.session)
    )
    if forwarded.found.cookies.includes(use.session):
        return Verdict(Level.WARNING, "cookies_shared", edits=edits)
    if behavior.pattern == DEFAULT and caching.headers.includes("authorization"):
        # Here people log in
        return Verdict(Level.WARNING, "cookies_lost", edits=edits)
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
    edits = changes.key(
        behavior.behavior, headers=changes.with_name(caching.headers, "Authorization")
    )
    if forwarded.found.headers.includes("authorization"):
        return Verdict(Level.WARNING, "authorization_shared", edits=edits)
    if caching.cookies.includes(use.session):
        # Here people log in
        return Verdict(Level.WARNING, "authorization_lost", edits=edits)
    return Verdict(Level.OK, "authorization_removed")


@_knows_caching
def _judge_host(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    """The public host name is either in the origin path, or in the header Host."""
    own = behavior.behavior
    if own.origin.path is None or not own.origin.is_custom:
        return None
    in_key = caching.headers.includes("host")
    forwarded = behavior.forwarded
    if forwarded.found is None and not in_key:
        return forwarded
    passed = forwarded.found is not None and forwarded.found.headers.includes("host")
    if own.origin.names_host:
        if not (in_key or passed):
            return Verdict(Level.OK, "host_path")
        edits = _without_host(behavior, caching, in_key, passed)
        return Verdict(Level.WARNING, "host_unexpected", own.origin.domain, edits)
    if in_key or passed:
        return Verdict(Level.OK, "host_forwarded")
    edits = changes.key(own, headers=changes.with_name(caching.headers, "Host"))
    if not caching.keeps:
        # A policy that keeps nothing has nothing in its key
        request = changes.ALL_VIEWER
        edits = (changes.on_behavior(own, request, "OriginRequestPolicyId"),)
    return Verdict(Level.WARNING, "host_missing", own.origin.domain, edits)


def _without_host(
    behavior: Resolved, caching: Caching, in_key: bool, passed: bool
) -> tuple[Edit, ...]:
    own = behavior.behavior
    edits: tuple[Edit, ...] = ()
    if in_key:
        edits += changes.key(own, headers=changes.without_name(caching.headers, "host"))
    if passed and own.request_policy == changes.ALL_VIEWER:
        policy = changes.ALL_VIEWER_EXCEPT_HOST
        edits += (changes.on_behavior(own, policy, "OriginRequestPolicyId"),)
    elif passed:
        left = changes.without_name(behavior.forwarded.found.headers, "host")
        edits += (changes.request_headers(own, left),)
    return edits


@_knows_caching
def _judge_minimum_ttl(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if caching.keeps and caching.min_ttl > 0:
        edits = changes.ttl(behavior.behavior, min_ttl=0)
        ttl = f"{caching.min_ttl} s"
        return Verdict(Level.WARNING, "minimum_ttl_above", ttl, edits)
    return Verdict(Level.OK, "minimum_ttl")


@_knows_caching
def _judge_lifetime(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    own = behavior.behavior
    right = wanted(use, kind_of(own, caching)).cache_policy
    if not caching.keeps:
        # For some patterns, such as those of forms, that is what somebody wants
        if behavior.pattern != DEFAULT:
            return Verdict(Level.OK, "behaviors_uncached")
        edits = changes.new_cache_policy(own, right)
        return Verdict(Level.WARNING, "lifetime_none", edits=edits)
    if caching.max_ttl < DAY:
        edits = changes.ttl(own, max_ttl=right.max_ttl)
        return Verdict(Level.WARNING, "lifetime_short", f"{caching.max_ttl} s", edits)
    if use.is_classic and caching.default_ttl > 0:
        edits = changes.ttl(own, min_ttl=0, default_ttl=0)
        ttl = f"{caching.default_ttl} s"
        return Verdict(Level.WARNING, "lifetime_default", ttl, edits)
    if not use.is_classic and behavior.pattern == DEFAULT and not caching.default_ttl:
        edits = changes.ttl(own, default_ttl=right.default_ttl)
        return Verdict(Level.WARNING, "lifetime_volto", edits=edits)
    return Verdict(Level.OK, "lifetime")


def _judge_methods(behavior: Resolved, use: Use) -> _Opinion:
    if behavior.is_for_files:
        return None
    own = behavior.behavior
    right = wanted(use, kind_of(own))
    edit = changes.methods(own, right.allowed_methods, right.cached_methods)
    if not own.methods >= _TO_CHANGE:
        return Verdict(Level.WARNING, "methods_few", edits=(edit,))
    if own.cached_methods > set(right.cached_methods) and not _knows_origin(behavior):
        return Verdict(Level.WARNING, "methods_cached", edits=(edit,))
    return Verdict(Level.OK, "methods")


def _knows_origin(behavior: Resolved) -> bool:
    """Whether each website that asks has answers to OPTIONS of its own."""
    caching = behavior.caching.found
    return caching is not None and caching.headers.includes("origin")


def _judge_protocol(behavior: Resolved, use: Use) -> _Opinion:
    own = behavior.behavior
    if own.viewer_protocol != "allow-all":
        return Verdict(Level.OK, "protocol")
    right = wanted(use, kind_of(own)).viewer_protocol_policy
    edit = changes.on_behavior(own, right, "ViewerProtocolPolicy")
    return Verdict(Level.WARNING, "protocol_open", edits=(edit,))


@_knows_caching
def _judge_compression(behavior: Resolved, caching: Caching, use: Use) -> _Opinion:
    if not caching.keeps:
        return Verdict(Level.OK, "behaviors_uncached")
    own = behavior.behavior
    edits: tuple[Edit, ...] = ()
    if not own.compresses:
        edits += (changes.on_behavior(own, True, "Compress"),)
    if own.cache_policy and not caching.compressed:
        edits += changes.compressed(own)
    if edits:
        return Verdict(Level.WARNING, "compression_off", edits=edits)
    return Verdict(Level.OK, "compression")


def _judge_legacy(behavior: Resolved, use: Use) -> _Opinion:
    own = behavior.behavior
    if own.cache_policy or own.caching is None:
        return Verdict(Level.OK, "legacy_none")
    return Verdict(Level.INFO, "legacy", edits=changes.modern(own, own.caching))


def _judge_tag_header(behavior: Resolved, use: Use) -> _Opinion:
    if not use.tag_header:
        return Verdict(Level.OK, "cache_tags_off")
    removed = behavior.removed.found
    if removed is None:
        return behavior.removed
    if use.tag_header.lower() in removed:
        return Verdict(Level.OK, "tag_header")
    edit = changes.removed_header(behavior.behavior, use.tag_header)
    return Verdict(Level.WARNING, "tag_header_sent", edits=(edit,))


#: By the names of the checks.
JUDGES: dict[str, Callable[[Resolved, Use], _Opinion]] = {
    "query_strings": _judge_query_strings,
    "cookies": _judge_cookies,
    "authorization": _judge_authorization,
    "host": _judge_host,
    "minimum_ttl": _judge_minimum_ttl,
    "lifetime": _judge_lifetime,
    "methods": _judge_methods,
    "protocol": _judge_protocol,
    "compression": _judge_compression,
    "legacy": _judge_legacy,
    "tag_header": _judge_tag_header,
}
#: All checks of behaviors.
BEHAVIOR_CHECKS = (*JUDGES, "api")
