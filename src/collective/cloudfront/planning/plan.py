"""The plan of a round: what of one distribution goes out now.

The laws, held by ``tests/planning/test_plan.py``: every pending item is sent, reached by
what is sent, widened, or stays pending; what is sent is within the quotas; and while
something is pending and quota is there, something is sent, widened or awaited.
"""

from collections.abc import Collection
from collections.abc import Sequence
from collective.cloudfront.planning.cover import Allowance
from collective.cloudfront.planning.cover import count_items
from collective.cloudfront.planning.cover import next_batch
from collective.cloudfront.planning.cover import urgent_first
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import worth_waiting
from collective.cloudfront.planning.widen import widened
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with what is pending."""

    #: To be sent now.
    items: tuple[str, ...] = ()
    #: The pace when quota was set aside for them.
    pace: Pace | None = None
    #: To be put in the place of what they cover; then decide again.
    wider: tuple[str, ...] = ()
    #: That is because too many wildcards wait.
    is_hopeless: bool = False
    #: The quotas let nothing out.
    is_over_quota: bool = False
    #: More could be sent if CloudFront had completed what it works on.
    waits_for_completion: bool = False


def decide(
    pending: Sequence[str],
    urgent: Collection[str],
    pace: Pace,
    running: Sequence[str],
    now: float,
    limits: Limits,
    most_siblings: int,
) -> Decision:
    """Decide what goes out at ``now`` (Unix seconds).

    ``pending`` comes oldest first, ``urgent`` are those of it that must not wait for a
    larger batch. ``running`` are the items that CloudFront works on.
    """
    allowance = pace.allowance(now, count_items(running), limits)
    wider = widened(pending, allowance.wildcards + limits.wildcards, most_siblings)
    if wider.items:
        return Decision(wider=wider.items, is_hopeless=wider.is_merged)
    ordered = urgent_first(pending, urgent) if urgent else pending
    plan = next_batch(ordered, allowance)
    reserved = pace.reserved(now, plan.size, limits)
    if not plan.throttled and not plan.wildcards_throttled:
        return Decision(plan.items, reserved)
    alone = pace.allowance(now, Allowance(0, 0), limits)
    waits = not urgent and worth_waiting(plan, pace, limits)
    return Decision(
        items=() if waits else plan.items,
        pace=None if waits else reserved,
        is_over_quota=not plan.items,
        waits_for_completion=(
            (plan.throttled and allowance.exact < alone.exact)
            or (plan.wildcards_throttled and allowance.wildcards < alone.wildcards)
        ),
    )
