"""Is purging healthy, as far as an outbox tells? Pure."""

from collections.abc import Sequence
from collective.cloudfront.cli.texts import sentence
from collective.cloudfront.delivery.presence import User
from collective.cloudfront.delivery.published import Published
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.values import Work
from dataclasses import dataclass


#: What goes on by itself is a warning when it lasts longer than this (seconds).
LASTS_LONG = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """How purging is: a level ("ok", "warning", "error"), a code, and sentences.

    Levels and codes are those of the REST API. ``needs_person``: it does not pass by
    itself.
    """

    level: str
    code: str
    text: str
    needs_person: bool = False


def judge(
    work: Sequence[Work], users: Sequence[User], published: Published, now: float
) -> Health:
    """Return how purging is at ``now`` (Unix seconds); of several troubles the worst."""
    pending = sum(each.pending for each in work)
    troubles = [each.waiting for each in work if each.waiting is not None]
    paused = [each for each in troubles if each.paused]
    if paused:
        return Health("error", "paused", _paused(paused, pending), True)
    if pending and not any(user.delivers for user in users):
        return Health("error", "unattended", _unattended(pending), True)
    stranded = sorted(
        {each.distribution for each in work if each.pending}
        & set(published.only_with_keys)
    )
    if stranded and all(user.kind.value == "worker" for user in users if user.delivers):
        return Health("error", "unattended", _needs_zope(stranded), True)
    if troubles and pending:
        lasts = now - min(each.since for each in troubles) > LASTS_LONG
        level = "warning" if lasts else "ok"
        return Health(level, "waiting", _waiting(troubles[0], pending))
    if any(each.quarantined for each in work):
        text = (
            "CloudFront refuses some items. “cloudfront status” lists them; send them "
            "again with “cloudfront retry”, or give them up with “cloudfront discard”."
        )
        return Health("warning", "quarantined", text, True)
    return _flow(work, pending)


def _flow(work: Sequence[Work], pending: int) -> Health:
    if pending:
        is_coalesced = pending == sum(each.coalesced for each in work)
        code = "coalesced" if is_coalesced else "pending"
        return Health("ok", code, f"Items on their way to CloudFront: {pending}.")
    if any(each.in_progress for each in work):
        text = "Everything is delivered, and CloudFront is removing the old copies."
        return Health("ok", "in_progress", text)
    return Health("ok", "delivered", "Everything is delivered.")


def _paused(troubles: Sequence[Waiting], pending: int) -> str:
    names = " ".join(each.distribution for each in troubles)
    first = troubles[0]
    return (
        f"Purging is paused for {names}; nothing is lost, items kept: {pending}. "
        f"{sentence(str(first.reason))} {sentence(str(first.advice))}"
    )


def _waiting(trouble: Waiting, pending: int) -> str:
    return (
        f"CloudFront accepts nothing at the moment; items waiting: {pending}. "
        f"{sentence(str(trouble.reason))} {sentence(str(trouble.advice))}"
    )


def _unattended(pending: int) -> str:
    return (
        f"Nobody delivers; items waiting: {pending}. Start “cloudfront worker”, or Zope "
        "with CLOUDFRONT_COURIER=on."
    )


def _needs_zope(stranded: Sequence[str]) -> str:
    return (
        f"Only Zope can deliver to {' '.join(stranded)}, because the site signs with a "
        "key pair from its settings. Use a role or a profile instead, or set "
        "CLOUDFRONT_COURIER=on in Zope."
    )
