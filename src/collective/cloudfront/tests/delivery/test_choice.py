"""Specification: the next credentials are tried when one set is misconfigured."""

from collective.cloudfront.delivery.aws.choice import Choice
from collective.cloudfront.delivery.aws.choice import in_turn
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.tests.delivery.gateways import E1
from hypothesis import given
from hypothesis import strategies as st

import pytest


A, B, C = (Credentials(access_key_id=name, secret_access_key="s") for name in "ABC")
KIND = ("create", "E1")
credentials = st.sampled_from([A, B, C, Credentials()])


class Asked:
    """Answers by credentials, and notes who was asked."""

    def __init__(self, outcomes):
        self.outcomes = outcomes
        self.order = []

    def __call__(self, credentials):
        self.order.append(credentials)
        outcome = self.outcomes.get(credentials, Outcome.ACCEPTED)
        return Answer(outcome, reason=plain(credentials.access_key_id))


def test_the_first_that_is_not_misconfigured_answers():
    ask = Asked({A: Outcome.MISCONFIGURED, B: Outcome.THROTTLED})
    answer = Choice().first_answer(KIND, (A, B, C), ask)
    assert (answer.outcome, ask.order) == (Outcome.THROTTLED, [A, B])


@pytest.mark.parametrize(
    "outcome", [each for each in Outcome if each is not Outcome.MISCONFIGURED]
)
def test_nothing_else_makes_it_try_another(outcome):
    ask = Asked({A: outcome})
    assert Choice().first_answer(KIND, (A, B), ask).outcome is outcome
    assert ask.order == [A]


def test_what_worked_last_is_asked_first():
    choice, ask = Choice(), Asked({A: Outcome.MISCONFIGURED})
    choice.first_answer(KIND, (A, B), ask)
    choice.first_answer(KIND, (A, B), ask)
    assert ask.order == [A, B, B]


def test_it_is_remembered_for_each_distribution_and_operation():
    choice, ask = Choice(), Asked({A: Outcome.MISCONFIGURED})
    choice.first_answer(KIND, (A, B), ask)
    choice.first_answer(("look up", "E1"), (A, B), ask)
    choice.first_answer(("create", "E2"), (A, B), ask)
    assert ask.order == [A, B] * 3


def test_what_worked_once_and_is_gone_is_not_asked():
    choice, ask = Choice(), Asked({})
    choice.first_answer(KIND, (B,), ask)
    choice.first_answer(KIND, (A,), ask)
    assert ask.order == [B, A]


def test_where_all_are_misconfigured_the_first_one_is_answered_with():
    ask = Asked({A: Outcome.MISCONFIGURED, B: Outcome.MISCONFIGURED})
    choice = Choice()
    answer = choice.first_answer(KIND, (A, B), ask)
    assert (answer.outcome, str(answer.reason)) == (Outcome.MISCONFIGURED, "A")
    assert ask.order == [A, B]
    # Also when another one has worked before
    ask.outcomes = {A: Outcome.MISCONFIGURED}
    choice.first_answer(KIND, (A, B), ask)
    ask.outcomes = {A: Outcome.MISCONFIGURED, B: Outcome.MISCONFIGURED}
    assert str(choice.first_answer(KIND, (A, B), ask).reason) == "A"


@given(st.lists(credentials), st.none() | credentials)
def test_each_set_is_tried_once(all_credentials, last):
    order = in_turn(all_credentials, last)
    assert len(order) == len(set(order))
    assert set(order) == set(all_credentials)
    if last in all_credentials:
        assert order[0] == last
    others = [each for each in order if each != last]
    assert others == [e for e in dict.fromkeys(all_credentials) if e != last]


def test_the_gateway_signs_with_the_set_that_may(cloudfront):
    cloudfront.control.change_options(accepted_access_keys=["B"])
    gateway = Boto3Gateway()
    answer = gateway.create(E1, (A, B), "r1", ["/a"])
    assert answer.outcome is Outcome.ACCEPTED
    assert gateway.look_up(E1, (A, B), answer.invalidation).status == "InProgress"
    assert gateway.create(E1, (A,), "r2", ["/b"]).outcome is Outcome.MISCONFIGURED
