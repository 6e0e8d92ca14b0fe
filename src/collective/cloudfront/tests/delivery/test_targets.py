"""Specification: several sites may name the same distribution."""

from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.targets import is_covered
from collective.cloudfront.delivery.targets import merged
from collective.cloudfront.delivery.targets import Target
from hypothesis import given
from hypothesis import strategies as st


A, B, C = (Credentials(role_arn=name) for name in "abc")
DEFAULT = Credentials()

credentials = st.sampled_from(
    [
        DEFAULT,
        A,
        B,
        Credentials(profile="p"),
        Credentials(access_key_id="k", secret_access_key="1"),
        Credentials(access_key_id="k", secret_access_key="2"),
        Credentials(profile="p", role_arn="a"),
    ]
)
targets = st.builds(
    Target,
    distribution=st.sampled_from(["E1", "E2"]),
    window=st.sampled_from([0.0, 0.5, 1.0, 60.0]),
    credentials=credentials.map(lambda one: (one,)),
    budget=st.sampled_from([0, 10, 1000]),
    history_days=st.integers(1, 3650),
)


def test_the_shortest_window_and_the_longest_history_count():
    found = merged(
        [
            Target("E1", window=5.0, history_days=10),
            Target("E1", window=1.0, history_days=400),
            Target("E2", window=9.0),
        ]
    )
    assert (found["E1"].window, found["E1"].history_days) == (1.0, 400)
    assert found["E2"].window == 9.0


def test_the_smallest_budget_that_is_set_counts():
    found = merged(Target("E1", budget=budget) for budget in (0, 500, 100, 0))
    assert found["E1"].budget == 100
    assert merged([Target("E1"), Target("E1")])["E1"].budget == 0


def test_all_credentials_are_kept_and_those_of_the_machine_come_last():
    found = merged(Target("E1", credentials=(each,)) for each in (DEFAULT, B, A, B))
    assert found["E1"].credentials == (A, B, DEFAULT)


@given(st.lists(targets), st.randoms())
def test_the_order_of_the_sites_does_not_matter(all_targets, random):
    shuffled = list(all_targets)
    random.shuffle(shuffled)
    assert merged(shuffled) == merged(all_targets)


@given(st.lists(targets))
def test_merging_again_changes_nothing(all_targets):
    found = merged(all_targets)
    assert merged(found.values()) == found
    assert merged([*found.values(), *all_targets]) == found


@given(st.lists(targets))
def test_no_site_loses_anything(all_targets):
    found = merged(all_targets)
    for each in all_targets:
        one = found[each.distribution]
        assert one.window <= each.window
        assert one.history_days >= each.history_days
        assert set(each.credentials) <= set(one.credentials)
        assert not each.budget or 0 < one.budget <= each.budget
        assert is_covered(each, one)


def test_what_would_add_something_is_not_covered():
    known = Target("E1", credentials=(A, B), window=1.0)
    assert is_covered(Target("E1", credentials=(B,), window=2.0), known)
    assert not is_covered(Target("E1", credentials=(C,)), known)
    assert not is_covered(Target("E1", credentials=(A,), window=0.5), known)
    assert not is_covered(Target("E1"), None)
