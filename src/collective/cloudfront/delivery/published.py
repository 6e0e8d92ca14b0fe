"""What Zope lets others know of its sites, in the outbox: where to deliver, and as whom.

::

    Zope: settings of its sites ──► publish ──► the outbox ──► published ──► a worker,
                                                                             the command line

There are never key pairs in it. What is signed with one can only be sent by Zope.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.targets import HISTORY_DAYS
from collective.cloudfront.delivery.targets import merged
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.contract import ClaimLost
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any


#: The outbox remembers it under this name, and holds the claim for so long (seconds).
RUN = "targets"
_CLAIM_SECONDS = 5.0
#: What deleted sites delivered to is remembered under this name; see ``sites``.
RUN_OF_SITES = "sites"
#: What was not published again for so long (seconds) is of a Zope that does not exist any
#: more. It is published again long before.
FORGET_AFTER = 30 * 86400.0
PUBLISH_AGAIN = 86400.0


@dataclass(frozen=True, slots=True)
class Place:
    """A distribution, and which part of a site it serves: see
    ``settings.distributions.Distribution``.
    """

    distribution: str
    root: str = ""
    prefix: str = ""
    tag_header: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of a site without Plone.

    ``key`` identifies it, ``path`` is where it is in Zope. ``targets`` may be delivered
    to, by distribution, without key pairs; ``with_keys`` are the distributions that have
    one. ``hosts`` are those of visitors, without ports, and empty if they are not known.
    ``has_api``: pages have a twin in the REST API.
    """

    key: str
    path: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    with_keys: frozenset[str] = frozenset()
    places: tuple[Place, ...] = ()
    hosts: tuple[str, ...] = ()
    has_api: bool = False
    is_classic: bool = True


@dataclass(frozen=True, slots=True)
class Published:
    """What all Zopes have published, and what deleted sites have left to be delivered."""

    sites: tuple[Site, ...] = ()
    ended: Mapping[str, Target] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, Target]:
        """What can be delivered to without Zope, by distribution."""
        of_sites = [each for site in self.sites for each in site.targets.values()]
        found = merged(each for each in of_sites if each.credentials)
        return {**self.ended, **found}

    @property
    def only_with_keys(self) -> list[str]:
        """The distributions that only Zope can deliver to: of every site that names
        them, the credentials are a key pair.
        """
        named = {each for site in self.sites for each in site.with_keys}
        return sorted(named - self.targets.keys())

    @property
    def distributions(self) -> list[str]:
        """The distributions of all sites, each once, in their order."""
        found = (each.distribution for site in self.sites for each in site.places)
        return list(dict.fromkeys(found))


def published(outbox: Outbox, now: float) -> Published:
    """Read what was published; ``now`` in Unix seconds. Raises ``OutboxUnavailable``."""
    stored = outbox.run(RUN)
    sites = (
        _site_from_json(key, values)
        for key, values in sorted(_values(stored).items())
        if not _is_old(values, now)
    )
    return Published(
        tuple(each for each in sites if each is not None),
        ended_from_json(outbox.run(RUN_OF_SITES), now),
    )


def publish(
    outbox: Outbox, sites: Iterable[Site], gone: Collection[str], now: float
) -> bool:
    """Publish what has changed of ``sites``, and withdraw the sites whose keys are
    ``gone``; returns whether something was written.

    Raises ``OutboxUnavailable``, and ``ClaimLost`` or ``MemoryChanged`` if another process
    does the same at this moment; then nothing was written.
    """
    wanted = {site.key: _site_as_json(site) for site in sites}
    if not _changed(outbox.run(RUN), wanted, gone, now):
        return False
    with outbox.together():
        if not outbox.claim_run(RUN, _CLAIM_SECONDS):
            raise ClaimLost("Another process publishes its sites.")
        stored = outbox.run(RUN)
        changed = _changed(stored, wanted, gone, now)
        kept = {
            key: values
            for key, values in _values(stored).items()
            if key not in gone and not _is_old(values, now)
        }
        news = {key: {**wanted[key], "at": now} for key in changed if key in wanted}
        outbox.keep_run(RUN, {**kept, **news}, 0)
    return True


def _changed(
    stored: Any, wanted: Mapping[str, Any], gone: Collection[str], now: float
) -> set[str]:
    """Return the keys of what is to be published, again perhaps, or withdrawn."""
    known = _values(stored)
    found = {key for key in gone if key in known}
    for key, values in wanted.items():
        before = dict(known.get(key) or {})
        at = before.pop("at", 0.0)
        is_fresh = isinstance(at, float | int) and 0 <= now - at < PUBLISH_AGAIN
        if before != values or not is_fresh:
            found.add(key)
    return found


def _values(stored: Any) -> dict[str, Any]:
    # What makes no sense was never there.
    return (
        {key: values for key, values in stored.items() if isinstance(values, dict)}
        if isinstance(stored, dict)
        else {}
    )


def _is_old(values: Mapping[str, Any], now: float) -> bool:
    at = values.get("at")
    return not isinstance(at, float | int) or now - at > FORGET_AFTER


# --- as JSON --------------------------------------------------------------------------


def _site_as_json(site: Site) -> dict[str, Any]:
    return {
        "path": site.path,
        "targets": {name: target_as_json(each) for name, each in site.targets.items()},
        "with_keys": sorted(site.with_keys),
        "places": [
            [each.distribution, each.root, each.prefix, each.tag_header]
            for each in site.places
        ],
        "hosts": list(site.hosts),
        "api": site.has_api,
        "classic": site.is_classic,
    }


def _site_from_json(key: str, values: Mapping[str, Any]) -> Site | None:
    with suppress(AttributeError, KeyError, TypeError, ValueError):
        return Site(
            key,
            str(values["path"]),
            targets={
                name: target_from_json(name, each)
                for name, each in values["targets"].items()
            },
            with_keys=frozenset(values["with_keys"]),
            places=tuple(Place(*map(str, each)) for each in values["places"]),
            hosts=tuple(map(str, values["hosts"])),
            has_api=bool(values["api"]),
            is_classic=bool(values["classic"]),
        )
    return None


def target_as_json(target: Target) -> dict[str, Any]:
    """Return what is kept of a target as JSON can hold it: no keys."""
    return {
        "credentials": [[each.profile, each.role_arn] for each in target.credentials],
        "window": target.window,
        "budget": target.budget,
        "history_days": target.history_days,
        "again_after": target.again_after,
        "finds_tags": target.finds_tags,
    }


def target_from_json(identifier: str, values: Mapping[str, Any]) -> Target:
    """Return what ``target_as_json`` was given, without keys. Earlier versions kept less.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what makes no sense.
    """
    return Target(
        identifier,
        window=float(values["window"]),
        credentials=tuple(
            Credentials(profile=str(profile), role_arn=str(role))
            for profile, role in values["credentials"]
        ),
        budget=int(values.get("budget", 0)),
        history_days=int(values.get("history_days", HISTORY_DAYS)),
        again_after=float(values["again_after"]),
        finds_tags=bool(values.get("finds_tags", False)),
    )


def without_keys(target: Target) -> Target:
    """Return a target without the key pairs among its credentials."""
    kept = tuple(
        each
        for each in target.credentials
        if not (each.access_key_id or each.secret_access_key)
    )
    return replace(target, credentials=kept)


def ended_from_json(stored: Any, now: float) -> dict[str, Target]:
    """Return what deleted sites delivered to, of what ``sites`` has kept of them."""
    ended = stored.get("ended") if isinstance(stored, dict) else None
    found = {}
    for identifier, values in _values(ended).items():
        with suppress(KeyError, TypeError, ValueError):
            if now < values["until"] <= now + FORGET_AFTER:
                found[identifier] = target_from_json(identifier, values)
    return found
