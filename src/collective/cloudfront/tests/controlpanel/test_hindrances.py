"""Specification: why distributions wait is said once for each reason."""

from collective.cloudfront.controlpanel.hindrances import hindrances
from collective.cloudfront.controlpanel.overview import Overview
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Waiting
from collective.cloudfront.outbox.values import Work


NOW = 1_000_000.0


def waits(distribution, reason, paused=True, ready=1):
    waiting = Waiting(
        distribution, plain(reason), plain("Do it."), paused, NOW - 9, NOW + 8, 1
    )
    return Work(distribution, ready, 0, 0, None, waiting)


def found(*works):
    return [
        (each.distributions, each.reason, each.needs_person)
        for each in hindrances(Overview(work=works), NOW)
    ]


def test_distributions_that_wait_for_the_same_reason_are_named_together():
    one, two = waits("E1", "Denied."), waits("E2", "Denied.")
    assert found(one, two) == [(("E1", "E2"), "Denied.", True)]


def test_what_needs_a_person_is_first():
    slow, denied = waits("E1", "Slow.", paused=False), waits("E2", "Denied.")
    assert found(slow, denied) == [
        (("E2",), "Denied.", True),
        (("E1",), "Slow.", False),
    ]


def test_one_that_waits_with_nothing_to_send_is_none():
    assert found(waits("E1", "Slow.", paused=False, ready=0)) == []


def test_one_that_is_paused_is_one_even_with_nothing_to_send():
    assert found(waits("E1", "Denied.", ready=0)) == [(("E1",), "Denied.", True)]
