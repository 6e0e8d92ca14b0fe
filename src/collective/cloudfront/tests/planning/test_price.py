"""Specification: what AWS bills for a month's items, and what it probably will."""

from collective.cloudfront.planning.price import cost
from collective.cloudfront.planning.price import ENOUGH
from collective.cloudfront.planning.price import forecast
from collective.cloudfront.planning.price import FREE
from collective.cloudfront.planning.price import shares
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from decimal import Decimal
from hypothesis import given
from hypothesis import strategies as st

import pytest


ITEMS = st.integers(0, 10_000_000)
BY_DISTRIBUTION = st.dictionaries(
    st.sampled_from(["E1", "E2", "E3", "dt_4"]), ITEMS, max_size=4
)
MOMENTS = st.datetimes(
    datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(timezone.utc)
)


@pytest.mark.parametrize(
    ("items", "dollars"),
    [(0, "0"), (FREE, "0"), (1_001, "0.005"), (1_874, "4.37"), (101_000, "500")],
)
def test_items_above_the_free_ones_cost_half_a_cent_each(items, dollars):
    assert cost(items) == Decimal(dollars)


@given(ITEMS, ITEMS)
def test_more_items_never_cost_less(some, more):
    assert Decimal(0) <= cost(some) <= cost(some + more)


@given(BY_DISTRIBUTION)
def test_the_shares_of_all_distributions_add_up_to_the_bill(items):
    found = shares(items)
    assert found.keys() == items.keys()
    assert abs(sum(found.values()) - cost(sum(items.values()))) < Decimal("0.000001")
    assert all(share >= 0 for share in found.values())


@given(BY_DISTRIBUTION)
def test_whoever_has_more_items_has_no_smaller_share(items):
    found = shares(items)
    for one in items:
        for other in items:
            assert items[one] < items[other] or found[one] >= found[other]


def test_half_of_the_month_is_half_of_the_items():
    assert forecast(500, datetime(2026, 11, 16, tzinfo=timezone.utc)) == 1_000


@given(ITEMS, MOMENTS)
def test_a_forecast_is_never_below_what_is_there_already(items, now):
    found = forecast(items, now)
    assert found is None or found >= items


@given(ITEMS, MOMENTS)
def test_at_the_end_of_the_month_the_forecast_is_what_is_there(items, now):
    first = now.replace(day=28, hour=0) + timedelta(days=4)
    last = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last -= timedelta(microseconds=1)
    assert forecast(items, last) == pytest.approx(items, abs=1, rel=1e-9)


@given(ITEMS, MOMENTS)
def test_a_month_that_has_just_begun_says_nothing_about_its_end(items, now):
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert (forecast(items, now) is None) == (now - begin < ENOUGH)
