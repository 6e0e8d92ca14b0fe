"""The health in one sentence, what of it counts seconds, and what to say after a click."""

from collections.abc import Callable
from collective.cloudfront.controlpanel.health import Code
from collective.cloudfront.controlpanel.health import flow
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.values import Waiting

import math


def headline(health: Health) -> str:
    """Return how purging is, in one sentence."""
    return _HEADLINES[health.code](health)


def report(health: Health) -> str:
    """Return the headline, and in further sentences why it is so and what to do."""
    names = ("first", "second", "third")
    texts = [headline(health), *filter(None, (reason(health), advice(health)))]
    return _SENTENCES[len(texts)](dict(zip(names, texts, strict=False)))


# zope.i18n takes a message within a message of the same id for a circle.
_SENTENCES: dict[int, Callable[[dict[str, str]], str]] = {
    1: lambda mapping: mapping["first"],
    2: lambda mapping: _(
        "two_sentences", default="${first} ${second}", mapping=mapping
    ),
    3: lambda mapping: _(
        "three_sentences", default="${first} ${second} ${third}", mapping=mapping
    ),
}


def reason(health: Health) -> str:
    """Return why something is wrong, as a sentence; or ""."""
    if health.code in (Code.UNAVAILABLE, Code.IN_MEMORY):
        return full_sentence(health.trouble)
    if health.code in (Code.PAUSED, Code.WAITING) and health.waiting is not None:
        return full_sentence(health.waiting.reason)
    return ""


def advice(health: Health) -> str:
    """Return what to do about it, as a sentence; or ""."""
    if health.code is Code.UNAVAILABLE:
        return OUTBOX_UNREADABLE
    if health.code is Code.IN_MEMORY:
        return OUTBOX_UNWRITABLE
    if health.code is Code.UNATTENDED:
        return START_WORKER
    if health.code in (Code.PAUSED, Code.WAITING) and health.waiting is not None:
        return full_sentence(health.waiting.advice)
    return ""


OUTBOX_UNREADABLE = _(
    "outbox_unreadable",
    default="Check the disk, and the permissions of the outbox file, on the machine "
    "that Plone runs on. Editors can save meanwhile, and their changes are kept.",
)
OUTBOX_UNWRITABLE = _(
    "outbox_unwritable",
    default="Free space on the disk, or correct the permissions of the outbox file. Do "
    "not restart Zope before: the items would be lost. They are tried again every second.",
)
START_WORKER = _(
    "start_worker",
    default="Start “cloudfront worker”, or set CLOUDFRONT_COURIER=on and restart Zope.",
)


def _unavailable(health: Health) -> str:
    return _(
        "state_unknown",
        default="The outbox cannot be read, so the status is not known.",
    )


def _off(health: Health) -> str:
    if not health.pending:
        return _("state_off", default="Nothing is purged.")
    return _(
        "state_off_kept",
        default="Nothing is purged; items kept: ${count}.",
        mapping={"count": health.pending},
    )


def _in_memory(health: Health) -> str:
    return _(
        "state_in_memory",
        default="The outbox cannot be written; items waiting in memory: ${count}.",
        mapping={"count": health.pending},
    )


def _unattended(health: Health) -> str:
    return _(
        "state_unattended",
        default="This Zope process leaves the delivery to workers, and no worker is "
        "running; items waiting: ${count}.",
        mapping={"count": health.pending},
    )


def _paused(health: Health) -> str:
    return _(
        "state_paused",
        default="Purging is paused for ${distributions}; nothing is lost, items kept: "
        "${count}.",
        mapping={
            "count": health.pending,
            "distributions": " ".join(health.paused),
        },
    )


def _waiting(health: Health) -> str:
    return _(
        "state_waiting",
        default="CloudFront accepts nothing at the moment; items waiting: ${count}.",
        mapping={"count": health.pending},
    )


def _quarantined(health: Health) -> str:
    if flow(health) in (Code.DELIVERED, Code.IN_PROGRESS):
        return _(
            "state_refused",
            default="CloudFront refuses some items; everything else is delivered.",
        )
    return _(
        "state_refused_pending",
        default="CloudFront refuses some items; other items on their way: ${count}.",
        mapping={"count": health.pending},
    )


def _pending(health: Health) -> str:
    return _(
        "state_pending",
        default="Items on their way to CloudFront: ${count}.",
        mapping={"count": health.pending},
    )


def _in_progress(health: Health) -> str:
    return _(
        "state_in_progress",
        default="Everything is delivered, and CloudFront is removing the old copies.",
    )


def _delivered(health: Health) -> str:
    return _("state_delivered", default="Everything is delivered.")


_HEADLINES = {
    Code.UNAVAILABLE: _unavailable,
    Code.OFF: _off,
    Code.IN_MEMORY: _in_memory,
    Code.UNATTENDED: _unattended,
    Code.PAUSED: _paused,
    Code.WAITING: _waiting,
    Code.QUARANTINED: _quarantined,
    Code.PENDING: _pending,
    Code.COALESCED: _pending,
    Code.IN_PROGRESS: _in_progress,
    Code.DELIVERED: _delivered,
}


def full_sentence(message: Message) -> str:
    """Return a message as a sentence with a full stop; AWS's texts often have none."""
    translated = sentence(message)
    if not message or str(message).endswith((".", "!", "?")):
        return translated
    return _("full_stop", default="${sentence}.", mapping={"sentence": translated})


def budget_exceeded(budget: int) -> str:
    """Return what to know where this month's items are more than the budget."""
    return _(
        "budget_exceeded",
        default="This month's budget of ${budget} items is used up. Purging "
        "continues with fewer, broader items, so Plone serves more "
        "visitors itself.",
        mapping={"budget": budget},
    )


# --- what counts seconds -------------------------------------------------------------


def clock(health: Health, last: float | None, now: float) -> str:
    """Return a sentence about the last invalidation, or about the next one; or "".

    It is another one soon.

    ``last`` is when CloudFront accepted the last invalidation.
    """
    if health.code in (Code.UNAVAILABLE, Code.OFF, Code.IN_MEMORY):
        return ""
    if health.coalesced_until is not None:
        return every_page_in(health.coalesced_until, now)
    if health.pending or last is None:
        return ""
    return _since(max(0.0, now - last))


def every_page_in(until: float, now: float) -> str:
    """Say when every page is purged again, which happens once in an interval."""
    return _(
        "every_page_in",
        default="Every page: in ${seconds} s.",
        mapping={"seconds": max(0, math.ceil(until - now))},
    )


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


# --- after somebody has purged -------------------------------------------------------

OUTBOX_FAILS = _(
    "click_in_memory",
    default="The outbox cannot be used now, so this is kept in memory, and goes to "
    "CloudFront when the outbox works again. It would be lost if this Zope process "
    "ended before.",
)
_AFTER_CLICK = {
    Code.UNAVAILABLE: OUTBOX_FAILS,
    Code.IN_MEMORY: OUTBOX_FAILS,
    Code.UNATTENDED: _(
        "click_unattended",
        default="No worker is running, so this waits in the outbox. Nothing is lost; the "
        "CloudFront control panel says what to do.",
    ),
    Code.PAUSED: _(
        "click_paused",
        default="Purging is paused, so this waits in the outbox. Nothing is lost; the "
        "CloudFront control panel says what to do.",
    ),
    Code.WAITING: _(
        "click_waiting",
        default="CloudFront does not accept it now, so this waits in the outbox. It "
        "is tried again without your help.",
    ),
}


def after_click(health: Health, thanks: str, is_scheduled: bool) -> tuple[str, str]:
    """Return what to say to a person who has something purged, and the kind of message.

    ``thanks`` where nothing is in the way. What ``is_scheduled`` for later only needs
    the outbox.
    """
    text = _AFTER_CLICK.get(health.code)
    if text is None or (is_scheduled and text is not OUTBOX_FAILS):
        return thanks, "info"
    return text, "warning"
