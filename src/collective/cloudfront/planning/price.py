"""What AWS bills for invalidations: so far this month, and probably at its end.

AWS bills items by the account: the first 1,000 of a calendar month are free, and each
further one costs the same. So a distribution has no price of its own. Its share of the
bill is its share of the items.

Laws, which property tests hold:

* A bill is never negative, it never falls when there are more items, and up to the free
  items it is nothing.
* The shares of all distributions add up to the bill.
* A forecast is never below what is there already, and at the end of the month it is that.

What is not known here: what other programs purge in the same account, whether the
distributions belong to several accounts, and what flat-rate pricing plans include.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import datetime
from datetime import timedelta
from decimal import Decimal


#: Items of a calendar month (UTC) that AWS does not bill, for an account.
#: https://aws.amazon.com/cloudfront/pricing/ (November 2026)
FREE = 1_000
#: US dollars for each further one. A wildcard and a cache tag count as one item, too.
EACH = Decimal("0.005")
#: Before this much of a month is over, its days say nothing about its end.
ENOUGH = timedelta(days=2)


def cost(items: int) -> Decimal:
    """Return what AWS bills (US dollars) for so many items in a month."""
    return max(0, items - FREE) * EACH


def shares(by_distribution: Mapping[str, int]) -> dict[str, Decimal]:
    """Return what part of the bill is each distribution's, in proportion to its items."""
    total = sum(by_distribution.values())
    whole = cost(total)
    return {
        distribution: whole * items / total if total else Decimal(0)
        for distribution, items in by_distribution.items()
    }


def forecast(items: int, now: datetime) -> int | None:
    """Return how many items there will be at the month's end, if it goes on like this.

    ``items`` are those of this month until ``now`` (UTC). None if the month is too young
    to tell.
    """
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    over = now - begin
    if over < ENOUGH:
        return None
    whole = timedelta(days=monthrange(now.year, now.month)[1])
    return max(items, round(items * (whole / over)))
