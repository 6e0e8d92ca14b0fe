"""The state in one sentence, and what of it counts seconds."""

from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.values import Waiting

import math


def headline(state: Overview, is_off: bool) -> str:
    """Return the state in a sentence. With ``is_off`` the site purges nothing."""
    if state.unavailable:
        return _("state_unknown", default="The state is not known now.")
    if is_off:
        return _off(state)
    waiting = _hindrance(state)
    if waiting and waiting.paused:
        return _paused(state, waiting)
    if waiting:
        return _(
            "state_waiting",
            default="Items waiting: ${count}. ${reason}",
            mapping={"count": state.pending, "reason": _full(waiting.reason)},
        )
    if state.pending:
        return _(
            "state_pending",
            default="Items on their way to CloudFront: ${count}.",
            mapping={"count": state.pending},
        )
    if state.in_progress:
        return _(
            "state_in_progress",
            default="Everything is delivered. Invalidations that CloudFront is "
            "working on: ${count}.",
            mapping={"count": state.in_progress},
        )
    return _("state_delivered", default="Everything is delivered.")


def _hindrance(state: Overview) -> Waiting | None:
    """Return why something waits that a person should know of, if anything does."""
    for waiting in state.waiting:
        if waiting.paused or state.pending:
            return waiting
    return None


def _off(state: Overview) -> str:
    if not state.pending:
        return _("state_off", default="Nothing is purged.")
    return _(
        "state_off_kept",
        default="Nothing is purged. Nothing is lost either; items kept: ${count}.",
        mapping={"count": state.pending},
    )


def _paused(state: Overview, waiting: Waiting) -> str:
    return _(
        "state_paused",
        default="Purging is paused for ${distributions}: ${reason} Nothing is lost; "
        "items kept: ${count}. ${advice}",
        mapping={
            "count": state.pending,
            "distributions": " ".join(state.paused),
            "reason": _full(waiting.reason),
            "advice": _full(waiting.advice),
        },
    )


def _full(message: Message) -> str:
    """Return a message as a sentence with a full stop; AWS's texts often have none."""
    translated = sentence(message)
    if not message or str(message).endswith((".", "!", "?")):
        return translated
    return _("full_stop", default="${sentence}.", mapping={"sentence": translated})


def clock(state: Overview, is_off: bool, now: float) -> str:
    """Return a sentence that goes with the headline and is another one soon, or ""."""
    if state.unavailable or is_off:
        return ""
    waiting = _hindrance(state)
    if waiting:
        return next_try(waiting, now)
    if state.pending or not state.history:
        return ""
    return _since(max(0.0, now - state.history[0].accepted))


def next_try(waiting: Waiting, now: float) -> str:
    """Say when a waiting distribution is tried again."""
    seconds = math.ceil(waiting.until - now)
    if seconds <= 0:
        return _("next_try_now", default="It is tried again now.")
    if waiting.paused:
        return _(
            "next_try_paused",
            default="It is tried again in ${seconds} s, and at once when you save "
            "the settings.",
            mapping={"seconds": seconds},
        )
    return _(
        "next_try",
        default="It is tried again in ${seconds} s.",
        mapping={"seconds": seconds},
    )


def _since(seconds: float) -> str:
    if seconds < 100:
        return _(
            "last_invalidation_seconds",
            default="Last invalidation ${count} s ago.",
            mapping={"count": round(seconds)},
        )
    if seconds < 100 * 60:
        return _(
            "last_invalidation_minutes",
            default="Last invalidation ${count} minutes ago.",
            mapping={"count": round(seconds / 60)},
        )
    if seconds < 48 * 3600:
        return _(
            "last_invalidation_hours",
            default="Last invalidation ${count} hours ago.",
            mapping={"count": round(seconds / 3600)},
        )
    return _(
        "last_invalidation_days",
        default="Last invalidation ${count} days ago.",
        mapping={"count": round(seconds / 86400)},
    )
