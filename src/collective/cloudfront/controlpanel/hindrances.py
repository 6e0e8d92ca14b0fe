"""Why distributions wait: one hindrance for all that wait for the same reason."""

from collective.cloudfront.controlpanel.headline import full_sentence
from collective.cloudfront.controlpanel.headline import next_try
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.outbox.values import Work
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why CloudFront takes nothing for some distributions, and what to do about it.

    ``needs_person``: it does not pass by itself. ``next_try`` is another sentence soon.
    """

    distributions: tuple[str, ...]
    reason: str
    advice: str
    next_try: str
    needs_person: bool


def hindrances(state: Overview, now: float) -> list[Hindrance]:
    """Return those of a site at ``now`` (Unix seconds); first what needs a person.

    A distribution that waits, without need of a person, with nothing to send is none.
    """
    found: dict[tuple[str, str], Hindrance] = {}
    for work in sorted(state.work, key=lambda each: not _is_paused(each)):
        waiting = work.waiting
        if waiting is None or not (waiting.paused or state.pending):
            continue
        key = (str(waiting.reason), str(waiting.advice))
        same = found.get(key)
        found[key] = Hindrance(
            (*(same.distributions if same else ()), work.distribution),
            full_sentence(waiting.reason),
            full_sentence(waiting.advice),
            same.next_try if same else next_try(waiting, now),
            waiting.paused or (same is not None and same.needs_person),
        )
    return list(found.values())


def _is_paused(work: Work) -> bool:
    return work.waiting is not None and work.waiting.paused
