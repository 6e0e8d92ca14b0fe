from collective.cloudfront.planning.cover import Allowance
from collective.cloudfront.planning.cover import next_batch
from collective.cloudfront.planning.cover import Plan
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import CLOCKS_APART
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.planning.pacing import take_call
from collective.cloudfront.planning.pacing import worth_waiting
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st
from itertools import accumulate
from itertools import combinations

import pytest


NONE = Allowance(exact=0, wildcards=0)
LIMITS = Limits()

pauses = st.floats(0, 100, allow_nan=False)
rates = st.floats(0.01, 1000, allow_nan=False)
bursts = st.floats(1, 5000, allow_nan=False)
#: Seconds that pass, and the share of what is allowed that is then taken.
steps = st.lists(st.tuples(pauses, st.floats(0, 1, allow_nan=False)), max_size=15)


def taken_in_any_interval(times, amounts):
    """Yield ``(seconds, amount)`` of every interval from one take to another."""
    sums = [0.0, *accumulate(amounts)]
    for first, last in combinations(range(len(times)), 2):
        yield times[last] - times[first], sums[last + 1] - sums[first]


# --- a bucket -------------------------------------------------------------------


@given(steps, rates, bursts)
def test_a_bucket_never_gives_more_than_its_burst_and_rate(steps, rate, burst):
    bucket, now, times, amounts = Bucket(burst, 0.0), 0.0, [], []
    for pause, share in steps:
        now += pause
        bucket = bucket.filled(now, rate, burst)
        assert bucket.tokens <= burst
        amount = int(bucket.tokens * share)
        bucket = bucket.taken(amount)
        times.append(now)
        amounts.append(amount)
    for seconds, amount in taken_in_any_interval(times, amounts):
        assert amount <= burst + rate * seconds + 1e-6 * burst


@given(st.floats(-100, 1000, allow_nan=False), pauses, rates, bursts)
def test_a_bucket_fills_at_its_rate(tokens, pause, rate, burst):
    filled = Bucket(tokens, 0.0).filled(pause, rate, burst)
    expected = min(burst, tokens + pause * rate)
    assert filled.tokens == pytest.approx(expected, rel=1e-5, abs=1e-5 * burst)
    assert filled.updated == pause


@given(st.floats(0, 1000), st.floats(0, 1e9), pauses, rates)
def test_a_clock_set_back_neither_empties_nor_fills_a_bucket(tokens, back, on, rate):
    then = Bucket(tokens, 2e9).filled(2e9 - back, rate, 1000.0)
    assert then.tokens == tokens
    # From there on, it fills as ever.
    later = then.filled(2e9 - back + on, rate, 1000.0)
    assert later.tokens == pytest.approx(min(1000.0, tokens + on * rate), abs=0.01)


# --- an allowance ---------------------------------------------------------------

in_progress = st.builds(
    Allowance, exact=st.integers(0, 4000), wildcards=st.integers(0, 20)
)
paces = st.builds(
    Pace,
    exact=st.builds(Bucket, st.floats(-1000, 1000), st.floats(0, 100)),
    wildcards=st.builds(Bucket, st.floats(-15, 15), st.floats(0, 100)),
    shrink=st.sampled_from([1.0, 1.3, 2.0, 16.0, 1024.0]),
)


@given(paces, st.floats(0, 200), in_progress)
def test_an_allowance_stays_inside_both_quota_models(pace, now, used):
    allowed = pace.allowance(now, used, LIMITS)
    assert 0 <= allowed.exact <= LIMITS.batch
    assert allowed.wildcards >= 0
    if allowed.exact:
        assert allowed.exact + used.exact <= LIMITS.exact_in_progress
        tokens = pace.exact.filled(now, LIMITS.exact_rate, LIMITS.exact_burst).tokens
        assert allowed.exact <= tokens
    if allowed.wildcards:
        assert allowed.wildcards + used.wildcards <= LIMITS.wildcards_in_progress
        tokens = pace.wildcards.filled(
            now, LIMITS.wildcard_rate, LIMITS.wildcard_burst
        ).tokens
        assert allowed.wildcards <= tokens


@given(steps)
def test_what_a_pace_allows_never_exceeds_burst_and_rate(steps):
    pace, now, times, exact, wildcards = Pace.fresh(0.0, LIMITS), 0.0, [], [], []
    for pause, share in steps:
        now += pause
        allowed = pace.allowance(now, NONE, LIMITS)
        sent = Allowance(int(allowed.exact * share), int(allowed.wildcards * share))
        pace = pace.reserved(now, sent, LIMITS).accepted()
        times.append(now)
        exact.append(sent.exact)
        wildcards.append(sent.wildcards)
    for seconds, amount in taken_in_any_interval(times, exact):
        assert amount <= LIMITS.exact_burst + LIMITS.exact_rate * seconds + 1e-3
    for seconds, amount in taken_in_any_interval(times, wildcards):
        assert amount <= LIMITS.wildcard_burst + LIMITS.wildcard_rate * seconds + 1e-3


@given(paces, st.floats(0, 200))
def test_with_nothing_in_progress_at_least_one_may_go_once_there_is_a_token(pace, now):
    patient = now + 1024 * 15  # every bucket is full by then, however small
    allowed = pace.allowance(patient, NONE, LIMITS)
    assert allowed.exact >= 1
    assert allowed.wildcards >= 1


def test_a_fresh_pace_allows_a_full_batch_and_all_wildcards():
    allowed = Pace.fresh(0.0, LIMITS).allowance(0.0, NONE, LIMITS)
    assert allowed == Allowance(exact=1000, wildcards=15)


def test_a_batch_stays_below_its_limit_whatever_the_burst():
    limits = Limits(exact_burst=2000.0, batch=700)
    assert Pace.fresh(0.0, limits).allowance(0.0, NONE, limits).exact == 700


def test_what_is_in_progress_of_one_kind_leaves_the_other_kind_alone():
    fresh = Pace.fresh(0.0, LIMITS)
    assert fresh.allowance(0.0, Allowance(3000, 0), LIMITS) == Allowance(0, 15)
    assert fresh.allowance(0.0, Allowance(0, 15), LIMITS) == Allowance(1000, 0)


def test_the_tokens_of_what_was_accepted_are_gone():
    pace = Pace.fresh(0.0, LIMITS).reserved(0.0, Allowance(900, 14), LIMITS).accepted()
    assert pace.allowance(0.0, NONE, LIMITS) == Allowance(100, 1)
    assert pace.allowance(2.001, NONE, LIMITS) == Allowance(400, 3)


# --- learning from refusals ----------------------------------------------------


@given(paces, st.floats(0, 200), in_progress)
def test_a_refusal_never_allows_more(pace, now, used):
    before = pace.allowance(now, used, LIMITS)
    after = pace.over_quota().allowance(now, used, LIMITS)
    assert after.exact <= before.exact
    assert after.wildcards <= before.wildcards


def test_a_refusal_halves_what_is_allowed_down_to_one():
    pace = Pace.fresh(0.0, LIMITS)
    allowed = []
    for _ in range(14):
        pace = pace.over_quota()
        allowed.append(pace.allowance(0.0, NONE, LIMITS))
    assert allowed[0] == Allowance(500, 7)
    assert allowed[1] == Allowance(250, 3)
    assert allowed[-1] == Allowance(1, 1)


def test_a_refusal_halves_what_may_be_in_progress():
    pace = Pace.fresh(0.0, LIMITS).over_quota()
    assert pace.allowance(0.0, Allowance(1400, 0), LIMITS).exact == 100
    assert pace.allowance(0.0, Allowance(1500, 7), LIMITS) == NONE


def test_even_the_longest_refusal_is_forgotten_within_a_hundred_acceptances():
    pace = Pace.fresh(0.0, LIMITS)
    for _ in range(1000):
        pace = pace.over_quota()
    for _ in range(100):
        pace = pace.reserved(0.0, NONE, LIMITS).accepted()
    assert pace.shrink == 1.0


def test_acceptances_bring_the_full_quota_back():
    pace = Pace.fresh(0.0, LIMITS).over_quota().over_quota().over_quota()
    now = 0.0
    for _ in range(30):
        now += 10
        pace = pace.reserved(now, Allowance(1, 0), LIMITS).accepted()
    assert pace.shrink == 1.0
    assert pace.allowance(now + 10, NONE, LIMITS) == Allowance(1000, 15)


def test_no_number_of_refusals_stops_a_distribution_for_good():
    pace = Pace.fresh(0.0, LIMITS)
    for _ in range(1000):
        pace = pace.over_quota()
    now, sent = 0.0, 0
    while sent < 10:
        now += 1
        assert now < 200
        allowed = pace.allowance(now, NONE, LIMITS)
        sent += allowed.exact
        pace = pace.reserved(now, allowed, LIMITS).accepted()


# --- waiting for a fuller call -------------------------------------------------


def plan(items=0, wildcards=0, throttled=True):
    exact = tuple(f"/{number}" for number in range(items))
    return Plan(tuple(f"/{n}*" for n in range(wildcards)) + exact, throttled)


def test_a_small_rest_goes_at_once():
    assert not worth_waiting(plan(3, throttled=False), Pace.fresh(0.0, LIMITS), LIMITS)


def test_a_backlog_waits_until_a_call_carries_its_share():
    pace = Pace.fresh(0.0, LIMITS)
    assert worth_waiting(plan(299), pace, LIMITS)
    assert not worth_waiting(plan(300), pace, LIMITS)


def test_a_wildcard_never_waits_for_exact_paths():
    pace = Pace.fresh(0.0, LIMITS)
    assert not worth_waiting(plan(3, wildcards=1), pace, LIMITS)


def test_exact_paths_never_wait_for_wildcards():
    held = next_batch(["/a*", "/b"], Allowance(exact=10, wildcards=0))
    assert held.items == ("/b",)
    assert not worth_waiting(held, Pace.fresh(0.0, LIMITS), LIMITS)


def test_a_shrunk_pace_waits_for_less():
    pace = Pace.fresh(0.0, LIMITS).over_quota()
    assert worth_waiting(plan(149), pace, LIMITS)
    assert not worth_waiting(plan(150), pace, LIMITS)


some_limits = st.builds(
    Limits,
    exact_in_progress=st.integers(1, 5000),
    wildcards_in_progress=st.integers(1, 50),
    exact_rate=st.floats(0.5, 1000),
    wildcard_rate=st.floats(0.1, 50),
    exact_burst=st.floats(1, 2000),
    wildcard_burst=st.floats(1, 50),
    call_rate=st.floats(0.1, 10),
    batch=st.integers(1, 3000),
)


@given(
    some_limits,
    st.integers(0, 300),
    st.integers(0, 20),
    st.integers(0, 12),
    st.floats(0.1, 60),
)
def test_waiting_always_ends(limits, exact, wildcards, refusals, completed_after):
    """Send a backlog; the longer nothing may go, the longer we look away."""
    pending = [f"/w{number}/*" for number in range(wildcards)]
    pending += [f"/{number}" for number in range(exact)]
    now = 0.0
    pace = Pace.fresh(now, limits)
    for _ in range(refusals):
        pace = pace.over_quota()
    running, idle = [], 0.0
    while pending:
        running = [(done, items) for done, items in running if done > now]
        used = [item for _, items in running for item in items]
        allowed = pace.allowance(now, count(used), limits)
        plan = next_batch(pending, allowed)
        if not plan.items or worth_waiting(plan, pace, limits):
            now += 1.0 + idle
            idle += 1.0 + idle
            # Long after every bucket is full and everything sent is completed.
            assert idle < 100_000
            continue
        idle = 0.0
        pace = pace.reserved(now, count(plan.items), limits).accepted()
        running.append((now + completed_after, plan.items))
        pending = [item for item in pending if item not in plan.items]


def count(items):
    wildcards = sum(map(is_wildcard, items))
    return Allowance(exact=len(items) - wildcards, wildcards=wildcards)


@given(paces.filter(lambda pace: pace.shrink < 3), st.floats(0, 200), in_progress)
def test_quota_that_suffices_for_everything_never_waits(pace, now, used):
    allowed = pace.allowance(now, used, LIMITS)
    assume(allowed.exact)
    backlog = [f"/{number}" for number in range(allowed.exact)]
    assert not worth_waiting(next_batch(backlog, allowed), pace, LIMITS)


# --- the account's calls --------------------------------------------------------------


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(-30.0, 0.0)), max_size=60),
)
def test_no_interval_has_more_calls_than_burst_and_rate(steps):
    """Also where some clocks are behind others."""
    now, bucket, granted = 1000.0, None, []
    for step, behind in steps:
        now += step
        call = take_call(bucket, now + behind, LIMITS)
        if not call.wait:
            bucket = call.bucket
            granted.append(now)
    for first, start in enumerate(granted):
        for last in range(first, len(granted)):
            most = LIMITS.call_burst + (granted[last] - start + 30) * LIMITS.call_rate
            assert last - first + 1 <= most + 1e-6


@given(st.floats(0.0, 7.0), st.floats(0.0, 1e6))
def test_who_waits_as_long_as_told_gets_a_call(tokens, now):
    call = take_call(Bucket(tokens, now), now, LIMITS)
    if call.wait:
        later = now + call.wait + 0.001
        assert take_call(call.bucket, later, LIMITS).wait == 0.0


@given(st.floats(CLOCKS_APART * 1.01, 1e6))
def test_after_a_clock_was_set_back_calls_fill_from_its_time_on(back):
    call = take_call(Bucket(0.0, 1e7), 1e7 - back, LIMITS)
    assert call.wait <= 1 / LIMITS.call_rate
    assert call.bucket.updated == 1e7 - back


@given(st.integers(0, 1000), st.integers(0, 15))
def test_what_was_reserved_and_is_definitely_refused_comes_back(exact, wildcards):
    sent = Allowance(exact, wildcards)
    fresh = Pace.fresh(0.0, LIMITS)
    assert fresh.reserved(0.0, sent, LIMITS).returned(sent) == fresh


def test_a_pace_from_the_future_fills_from_now_on():
    pace = Pace.fresh(1000.0, LIMITS).reserved(1000.0, Allowance(1000, 15), LIMITS)
    assert pace.at(1000.0, LIMITS) is pace
    assert pace.at(10.0, LIMITS).exact.updated == 10.0
    assert pace.at(10.0, LIMITS).exact.tokens == pace.exact.tokens
