"""Of which distributions the dates of a site's content are scheduled, and how far a run is.

Pure. The outbox remembers it for each site. It is false, and all is scheduled again, for a
new outbox, which remembers nothing, and when what a date reaches would be written
differently: the distribution has another root folder, paths became tags, and so on.
"""

from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.settings import Settings
from dataclasses import dataclass
from dataclasses import field
from hashlib import sha256
from typing import Any

import json


#: After so long (seconds) all is scheduled again: of what recurs only the next occurrences
#: are, and an error may have kept something from being.
REFRESH = 7 * 86400.0
#: Dates that arrived so long ago (seconds) are purged at once, if nobody knows since when
#: they are missing.
LOOK_BACK = 600.0
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is under way: for which ``distributions``, each with its fingerprint,
    ``since`` when (Unix seconds) dates count, and ``after`` which path it goes on.
    """

    distributions: Mapping[str, str]
    since: float
    after: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a site: for each distribution that is ``done`` its fingerprint and
    when it was, and the ``run`` under way.
    """

    done: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    run: Run | None = None


def as_json(known: Known) -> dict[str, Any]:
    """Return what is known as JSON can hold it."""
    found: dict[str, Any] = {"done": {k: list(v) for k, v in known.done.items()}}
    if known.run is not None:
        run = known.run
        found["run"] = [dict(run.distributions), run.since, run.after]
    return found


def from_json(stored: dict[str, Any] | None) -> Known:
    """Return what ``as_json`` was given."""
    stored = stored or {}
    done = {k: (str(v[0]), float(v[1])) for k, v in stored.get("done", {}).items()}
    return Known(done, Run(*stored["run"]) if "run" in stored else None)


def fingerprints(settings: Settings, since: float) -> dict[str, str]:
    """Return, for each distribution of a site, what decides which items its dates reach:
    where it answers, a hyphen, and how it is purged.

    ``since`` is when the site began to purge.
    """
    how = [
        settings.by_tags,
        settings.by_paths,
        settings.classic,
        settings.site_on_navigation,
        since,
    ]
    return {
        identifier: f"{_hash([*_places(settings, identifier), settings.api])}-{_hash(how)}"
        for identifier in settings.distribution_ids
    }


def _places(settings: Settings, identifier: str) -> list[tuple[str, str]]:
    found = settings.distributions
    return sorted((each.root, each.prefix) for each in found if each.id == identifier)


def _hash(values: list[Any]) -> str:
    return sha256(json.dumps(values).encode()).hexdigest()[:8]


def unseen(
    known: Known, missing: Iterable[str], wanted: Mapping[str, str]
) -> list[str]:
    """Return those of the ``missing`` distributions that answer where the site purged
    nothing before, although the outbox knows the site: what the edge holds is unknown.
    """
    if not known.done:
        return []
    return [
        each
        for each in missing
        if known.done.get(each, ("?", 0.0))[0].split("-")[0]
        not in ("", wanted[each].split("-")[0])
    ]


def without_purging(known: Known) -> Known:
    """Return what is known when a process begins to work that purges nothing: what it
    saves has told nobody of its dates.
    """
    return Known(dict.fromkeys(known.done, ("", 0.0)))


def missing(
    known: Known,
    wanted: Mapping[str, str],
    satisfied: Mapping[str, str],
    now: float,
) -> dict[str, str]:
    """Return those of the ``wanted`` distributions that are to be scheduled now.

    ``satisfied`` are fingerprints that this process has seen done. A process with other
    settings, in its environment, does not make it do the same again.
    """
    return {
        identifier: fingerprint
        for identifier, fingerprint in wanted.items()
        if _is_missing(
            known.done.get(identifier), fingerprint, satisfied.get(identifier), now
        )
    }


def _is_missing(
    done: tuple[str, float] | None, wanted: str, satisfied: str | None, now: float
) -> bool:
    if done is None:
        return True
    fingerprint, when = done
    if wanted not in (fingerprint, satisfied):
        return True
    # A time in the future is a wrong clock's
    return not now - REFRESH < when <= now + _DAY


def started(
    known: Known, distributions: Mapping[str, str], since: float, now: float
) -> Known:
    """Return what is known when a run begins, or goes on, for ``distributions``.

    ``since`` is when the site began to purge.
    """
    run = known.run
    if run is not None and run.distributions == distributions:
        return known
    first = since if now - _DAY < since <= now else now - LOOK_BACK
    if run is not None:
        first = min(first, run.since)
    return Known(known.done, Run(dict(distributions), first))


def advanced(known: Known, after: str) -> Known:
    """Return what is known when all up to the path ``after`` is scheduled."""
    run = known.run
    assert run is not None
    return Known(known.done, Run(run.distributions, run.since, after))


def finished(known: Known, now: float) -> Known:
    """Return what is known when the run is over."""
    run = known.run
    assert run is not None
    done = {k: (fingerprint, now) for k, fingerprint in run.distributions.items()}
    return Known({**known.done, **done})
