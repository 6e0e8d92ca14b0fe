"""Where a courier may deliver to: a distribution with what is configured for it."""

from collections.abc import Iterable
from collective.cloudfront.delivery.aws.port import Credentials
from dataclasses import dataclass


#: How many days the history is kept, unless a target says otherwise.
HISTORY_DAYS = 180


@dataclass(frozen=True, slots=True)
class Target:
    """A distribution as configured here; ``window`` in seconds.

    What is urgent is purged again after ``again_after`` seconds, and so is what an answer
    on its way may bring back; the longest of all targets counts. ``credentials`` are tried
    in their order. ``budget`` is how many items a month all distributions together should
    cost; 0 is none. Above it the planner is thrifty, but purging never stops for money.
    ``history_days`` is how long the history is kept; as there is one for all, the longest
    of all targets counts. ``finds_tags``: it matters whether it reads cache tags.
    """

    distribution: str
    window: float = 1.0
    credentials: tuple[Credentials, ...] = (Credentials(),)
    budget: int = 0
    history_days: int = HISTORY_DAYS
    again_after: float = 0.0
    finds_tags: bool = False


def merged(targets: Iterable[Target]) -> dict[str, Target]:
    """Return one target for each distribution, by its id.

    Several sites may name the same distribution. Whatever the order of the sites: the
    shortest window, the smallest budget that is set and the longest history count, and
    all sets of credentials are kept, each once, in an order of their own. Merging what
    is merged already changes nothing.
    """
    found: dict[str, Target] = {}
    for target in targets:
        known = found.get(target.distribution)
        found[target.distribution] = _both(known, target) if known else target
    return found


def is_covered(target: Target, known: Target | None) -> bool:
    """Say whether ``known`` has all that ``target`` would add to it."""
    return known is not None and merged([known, target])[known.distribution] == known


def _both(one: Target, other: Target) -> Target:
    budgets = [budget for budget in (one.budget, other.budget) if budget]
    return Target(
        distribution=one.distribution,
        window=min(one.window, other.window),
        credentials=_in_order({*one.credentials, *other.credentials}),
        budget=min(budgets, default=0),
        history_days=max(one.history_days, other.history_days),
        again_after=max(one.again_after, other.again_after),
        finds_tags=one.finds_tags or other.finds_tags,
    )


def _in_order(credentials: Iterable[Credentials]) -> tuple[Credentials, ...]:
    """Sort credentials: the most specific first, and boto3's default chain last."""
    return tuple(
        sorted(
            credentials,
            key=lambda each: (
                not each.role_arn,
                not each.access_key_id,
                not each.profile,
                each.role_arn,
                each.access_key_id,
                each.profile,
                each.secret_access_key,
            ),
        )
    )
