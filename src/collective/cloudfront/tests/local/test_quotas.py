"""Which quotas there are, and when a batch exceeds them."""

from .helpers import DISTRIBUTION
from collective.cloudfront.local import ApiError
from collective.cloudfront.local.quotas import Bucket
from hypothesis import given
from hypothesis import strategies as st

import itertools
import pytest


@pytest.fixture
def send():
    """Send a batch of paths and wildcards; return whether it was accepted."""
    numbers = itertools.count()

    def send(control, paths=0, wildcards=0, distribution=DISTRIBUTION):
        number = next(numbers)
        items = [f"/{number}/{index}" for index in range(paths)]
        items += [f"/{number}/{index}/*" for index in range(wildcards)]
        try:
            control.create_invalidation(distribution, str(number), items)
        except ApiError as error:
            if (error.code, error.status) != ("TooManyInvalidationsInProgress", 400):
                raise
            return False
        return True

    return send


def test_three_thousand_paths_may_be_in_progress(make_control, clock, send):
    control = make_control(quota_model="in_progress", completion_delay=20)
    assert send(control, paths=2999)
    assert not send(control, paths=2)
    assert send(control, paths=1)
    clock.advance(19.9)
    assert not send(control, paths=1)
    clock.advance(0.1)
    assert send(control, paths=3000)


def test_fifteen_wildcards_may_be_in_progress(make_control, clock, send):
    control = make_control(quota_model="in_progress", completion_delay=20)
    assert send(control, wildcards=15)
    assert not send(control, wildcards=1)
    clock.advance(20)
    assert not send(control, wildcards=16)
    assert send(control, wildcards=15)


def test_paths_and_wildcards_have_quotas_of_their_own(make_control, send):
    control = make_control(quota_model="in_progress")
    assert send(control, paths=2985, wildcards=15)
    assert send(control, paths=15)
    assert not send(control, wildcards=1)


def test_cache_tags_count_like_paths(make_control, send):
    control = make_control(paths_in_progress=2)
    control.create_invalidation(DISTRIBUTION, "r", ["#a", "#b*"])
    assert not send(control, paths=1)
    assert send(control, wildcards=1)


def test_each_distribution_has_quotas_of_its_own(make_control, send):
    control = make_control(wildcards_in_progress=1)
    assert send(control, wildcards=1)
    assert not send(control, wildcards=1)
    assert send(control, wildcards=1, distribution="EOTHER")


def test_a_hundred_and_fifty_paths_come_back_each_second(make_control, clock, send):
    control = make_control(quota_model="rate")
    assert send(control, paths=1000)
    assert not send(control, paths=1)
    clock.advance(1)
    assert not send(control, paths=151)
    assert send(control, paths=150)
    clock.advance(3600)
    assert not send(control, paths=1001)
    assert send(control, paths=1000)


def test_one_wildcard_comes_back_each_second(make_control, clock, send):
    control = make_control(quota_model="rate")
    assert send(control, wildcards=15)
    assert not send(control, wildcards=1)
    clock.advance(1)
    assert send(control, paths=100, wildcards=1)
    assert not send(control, paths=100, wildcards=1)
    assert send(control, paths=100)


def test_a_refused_batch_uses_nothing_of_either_quota(make_control, send):
    control = make_control(quota_model="both")
    for _ in range(5):
        assert not send(control, paths=500, wildcards=16)
    assert send(control, paths=1000, wildcards=15)


def test_both_models_are_enforced_together(make_control, clock, send):
    control = make_control(quota_model="both", completion_delay=100)
    for _ in range(3):
        assert send(control, paths=1000)
        clock.advance(10)
    assert not send(control, paths=1)  # 3,000 in progress, though the rate has room


@pytest.mark.parametrize("model", ["rate", "none"])
def test_without_the_model_any_number_is_in_progress(make_control, clock, model, send):
    control = make_control(quota_model=model, completion_delay=1e6)
    for _ in range(10):
        assert send(control, paths=1000, wildcards=10)
        clock.advance(10)


def test_the_quotas_can_be_switched_off_while_it_runs(make_control, send):
    control = make_control()
    assert not send(control, wildcards=16)
    control.change_options(quota_model="none")
    assert send(control, wildcards=16)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), max_size=30),
    st.floats(0.1, 100),
    st.integers(1, 60),
)
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(requests, rate, burst):
    bucket, now, taken = Bucket(), 0.0, 0
    for pause, amount in requests:
        now += pause
        if bucket.holds(amount, now, rate, burst):
            bucket.take(amount, now, rate, burst)
            taken += amount
    assert taken <= burst + rate * now + 0.001 * len(requests) + 0.001


@given(st.integers(1, 60), st.floats(0.1, 100), st.integers(1, 60))
def test_who_waits_exactly_as_long_as_needed_gets_the_tokens(amount, rate, burst):
    bucket, now = Bucket(), 1_800_000_000.0
    amount = min(amount, burst)
    bucket.take(burst, now, rate, burst)
    assert not bucket.holds(amount, now, rate, burst)
    assert bucket.holds(amount, now + amount / rate + 1e-6, rate, burst)


@given(st.floats(1e9, 4e9), st.floats(0.5, 1000), st.integers(1, 1000))
def test_the_last_bits_of_the_time_do_not_add_up(start, rate, burst):
    bucket, now = Bucket(), start
    for _ in range(200):
        assert bucket.holds(burst, now, rate, burst)
        bucket.take(burst, now, rate, burst)
        now += burst / rate
