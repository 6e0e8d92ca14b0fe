"""For what a person must act, by key: ``kind`` or ``kind:distribution``.

Health is read as everywhere: ``controlpanel.health``.
"""

from collections.abc import Iterator
from collective.cloudfront.controlpanel.headline import budget_exceeded
from collective.cloudfront.controlpanel.headline import full_sentence
from collective.cloudfront.controlpanel.headline import report
from collective.cloudfront.controlpanel.health import health
from collective.cloudfront.controlpanel.health import OF_THE_OUTBOX
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.values import Work
from dataclasses import dataclass
from typing import Any


#: Trouble with the outbox: it cannot be remembered there.
OUTBOX = "outbox"
PAUSED, LATE, QUARANTINED, BUDGET = "paused", "late", "quarantined", "budget"


@dataclass(frozen=True, slots=True)
class Limits:
    """When a site wants an alert: after so many minutes, and above so many items a month
    (0: never).
    """

    minutes: int
    budget: int


def troubles(state: Overview, limits: Limits, now: float) -> dict[str, Any]:
    """Return a sentence for each trouble at ``now``."""
    return dict(_troubles(state, limits, now))


def over_budget(billed: int, limits: Limits) -> dict[str, Any]:
    """Return the same for the items that all who use the outbox have sent this month."""
    if limits.budget and billed > limits.budget:
        return {BUDGET: budget_exceeded(limits.budget)}
    return {}


def _troubles(state: Overview, limits: Limits, now: float) -> Iterator[tuple[str, Any]]:
    whole = health(state, False, now)
    if whole.code in OF_THE_OUTBOX:
        yield OUTBOX, report(whole)
    for work in state.work:
        yield from _of_distribution(work, limits, now)


def _of_distribution(
    work: Work, limits: Limits, now: float
) -> Iterator[tuple[str, Any]]:
    waiting = work.waiting
    if waiting is not None and waiting.paused:
        alone = health(Overview(work=(work,)), False, now)
        yield f"{PAUSED}:{work.distribution}", report(alone)
    elif work.pending and _is_late(work, limits, now):
        yield f"{LATE}:{work.distribution}", _late(work, limits)
    if work.quarantined:
        yield f"{QUARANTINED}:{work.distribution}", _quarantined(work.distribution)


def _is_late(work: Work, limits: Limits, now: float) -> bool:
    return work.oldest is not None and now - work.oldest > 60.0 * limits.minutes


def _late(work: Work, limits: Limits) -> Any:
    mapping: dict[str, Any] = {
        "distribution": work.distribution,
        "minutes": limits.minutes,
        "count": work.pending,
    }
    if work.waiting is None:
        return _(
            "alert_late",
            default="Items for ${distribution} have been waiting for more than ${minutes} "
            "minutes; items waiting: ${count}.",
            mapping=mapping,
        )
    reason = full_sentence(work.waiting.reason)
    return _(
        "alert_late_because",
        default="Items for ${distribution} have been waiting for more than ${minutes} "
        "minutes; items waiting: ${count}. ${reason}",
        mapping={**mapping, "reason": reason},
    )


def _quarantined(distribution: str) -> Any:
    return _(
        "alert_quarantined",
        default="CloudFront refuses some items for ${distribution}. Everything else is "
        "delivered. See the status page for the reason, and try the items again or "
        "discard them.",
        mapping={"distribution": distribution},
    )


def over(key: str) -> Any:
    """Return the sentence that says that a trouble is over."""
    kind, _colon, distribution = key.partition(":")
    return _with_distribution(_OVER.get(kind, _OVER[OUTBOX]), distribution)


def _with_distribution(sentence: Any, distribution: str) -> Any:
    return type(sentence)(sentence, mapping={"distribution": distribution})


_OVER = {
    OUTBOX: _("alert_outbox_over", default="The outbox can be used again."),
    PAUSED: _(
        "alert_paused_over",
        default="Purging is no longer paused for ${distribution}.",
    ),
    LATE: _(
        "alert_late_over",
        default="Items for ${distribution} no longer wait for too long.",
    ),
    QUARANTINED: _(
        "alert_quarantined_over",
        default="No items for ${distribution} are refused any longer.",
    ),
    BUDGET: _(
        "alert_budget_over",
        default="The number of items is within the monthly budget again.",
    ),
}
