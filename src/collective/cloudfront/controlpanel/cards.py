"""The few numbers that the page begins with: one card each."""

from collections.abc import Sequence
from collective.cloudfront.controlpanel.headline import clock
from collective.cloudfront.controlpanel.headline import every_page_in
from collective.cloudfront.controlpanel.health import Code
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.numbers import dollars
from collective.cloudfront.controlpanel.numbers import NONE
from collective.cloudfront.controlpanel.numbers import number
from collective.cloudfront.controlpanel.numbers import seconds
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.i18n import _
from collective.cloudfront.i18n import message_id
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.planning.price import cost
from collective.cloudfront.planning.price import forecast
from collective.cloudfront.planning.price import FREE
from dataclasses import dataclass
from DateTime import DateTime
from datetime import datetime
from datetime import timezone
from plone import api
from statistics import mean

import math


@dataclass(frozen=True, slots=True)
class Card:
    """A number with a word above, and what else there is to say below.

    ``counts``: it is another one each second, so it is not said aloud again.
    """

    name: str
    label: str
    value: str
    notes: tuple[str, ...] = ()
    counts: bool = False


def cards(state: Overview, health: Health, now: float) -> list[Card]:
    """Return the cards at ``now`` (Unix seconds); none if the outbox cannot be read."""
    if health.code is Code.UNAVAILABLE:
        return []
    return [
        _freshness(state, health, now),
        _waiting(state, health, now),
        _month(state, now),
        _speed(state.history),
    ]


def _freshness(state: Overview, health: Health, now: float) -> Card:
    oldest = _oldest(state)
    if oldest is not None and health.code is not Code.OFF:
        return Card(
            "fresh",
            _("card_oldest", default="Oldest change on its way"),
            _age(now - oldest),
            counts=True,
        )
    done = [each.completed or each.accepted for each in state.history]
    last = max((each.accepted for each in state.history), default=None)
    said = clock(health, last, now)
    is_fresh = health.code is Code.DELIVERED and done
    return Card(
        "fresh",
        _("card_fresh", default="Fresh since")
        if is_fresh
        else _("card_completed", default="Last completed"),
        _when(max(done), now) if done else NONE,
        (said,) if said else (),
        counts=True,
    )


def _age(past: float) -> str:
    """Return how long ago something was, in one unit."""
    units = (
        (100, 1, _AGES[0]),
        (100 * 60, 60, _AGES[1]),
        (48 * 3600, 3600, _AGES[2]),
        (math.inf, 86400, _AGES[3]),
    )
    size, text = next((size, text) for most, size, text in units if past < most)
    return message_id(
        str(text), str(text.default), {"count": number(max(0, round(past / size)))}
    )


_AGES = (
    _("age_seconds", default="${count} s"),
    _("age_minutes", default="${count} min"),
    _("age_hours", default="${count} h"),
    _("age_days", default="${count} days"),
)


def _oldest(state: Overview) -> float | None:
    """Return when the oldest change was made of which something is on its way."""
    moments = [each.oldest for each in state.work if each.oldest is not None]
    moments += [each.since for each in state.history if each.completed is None]
    if not (state.pending or state.in_progress):
        return None
    return min(moments, default=None)


def _when(timestamp: float, now: float) -> str:
    """Return a time as people here write it, without the date if that is today."""
    then, today = DateTime(timestamp), DateTime(now)
    is_today = then.Date() == today.Date()
    return str(
        api.portal.get_localized_time(then, long_format=True, time_only=is_today)
    )


def _waiting(state: Overview, health: Health, now: float) -> Card:
    notes = []
    # Why something else waits, and until when, is said above.
    if health.code is Code.COALESCED and health.coalesced_until is not None:
        notes.append(every_page_in(health.coalesced_until, now))
    if state.in_progress:
        notes.append(
            _(
                "card_in_progress",
                default="Invalidations in progress: ${count}.",
                mapping={"count": number(state.in_progress)},
            )
        )
    return Card(
        "waiting",
        _("card_waiting", default="Waiting items"),
        number(state.pending),
        tuple(notes),
        counts=True,
    )


def _month(state: Overview, now: float) -> Card:
    items = state.billed_by_all
    notes = [_price(items)]
    expected = forecast(items, datetime.fromtimestamp(now, timezone.utc))
    if expected is not None and expected > FREE:
        notes.append(
            _(
                "card_forecast",
                default="Estimate for the whole month: ${items} items, ≈ ${amount}.",
                mapping={"items": number(expected), "amount": dollars(cost(expected))},
            )
        )
    return Card(
        "month",
        _("card_month", default="Items this month"),
        number(items),
        tuple(notes),
    )


def _price(items: int) -> str:
    mapping = {"amount": dollars(cost(items)), "free": number(FREE)}
    if items <= FREE:
        return _(
            "price_free",
            default="Free of charge: the first ${free} a month.",
            mapping=mapping,
        )
    return _(
        "price_above", default="≈ ${amount} above the free ${free}.", mapping=mapping
    )


def _speed(history: Sequence[Settled]) -> Card:
    label = _("card_speed", default="From saving to CloudFront")
    if not history:
        return Card("speed", label, NONE)
    accepted = mean(each.accepted - each.since for each in history)
    completed = [
        each.completed - each.since for each in history if each.completed is not None
    ]
    notes = [
        _(
            "card_average",
            default="Average of the last ${count} invalidations.",
            mapping={"count": number(len(history))},
        )
        if len(history) > 1
        else _("card_last", default="The last invalidation.")
    ]
    if completed:
        notes.append(
            _(
                "card_completed_after",
                default="Completed everywhere after ${seconds}.",
                mapping={"seconds": seconds(mean(completed))},
            )
        )
    return Card("speed", label, seconds(accepted), tuple(notes))
