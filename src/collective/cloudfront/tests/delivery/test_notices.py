"""Specification: the log says what is new, and no more than people read."""

from collective.cloudfront.delivery.notices import EVERY
from collective.cloudfront.delivery.notices import HOUR
from collective.cloudfront.delivery.notices import MOST_KINDS
from collective.cloudfront.delivery.notices import MOST_OF_ALL
from collective.cloudfront.delivery.notices import MOST_OF_ONE
from collective.cloudfront.delivery.notices import Notices
from collective.cloudfront.tests.outbox.clock import Clock

import logging
import pytest


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock, caplog):
    caplog.set_level(logging.INFO)
    notices = Notices(clock.monotonic)

    def log(topic, sentence, kind="", level=logging.WARNING):
        return notices.log_once(level, topic, sentence, kind)

    log.notices, log.lines = notices, lambda: caplog.messages
    return log


def test_the_same_trouble_is_logged_again_after_a_while(log, clock):
    assert log("wait E1", "Slow; 3 wait.")
    assert not log("wait E1", "Slow; 4 wait.")
    clock.advance(EVERY)
    assert log("wait E1", "Slow; 5 wait.")


def test_the_same_kind_is_the_same_trouble_in_any_words(log):
    assert log("wait E1", "Denied at 10:01.", kind="denied")
    assert not log("wait E1", "Denied at 10:02.", kind="denied")
    assert log("wait E1", "Denied at 10:03.", kind="expired")
    assert not log("wait E1", "Denied at 10:04.", kind="denied")


def test_a_clock_that_is_set_back_changes_nothing(log, clock):
    log("wait E1", "Slow.")
    clock.set(clock.now - 10 * 365 * 86400)
    clock.advance(EVERY)
    assert log("wait E1", "Slow.")


def test_trouble_that_was_over_is_new_when_it_comes_again(log):
    log("pause E1", "Denied.")
    log("pause E2", "Denied.")
    log.notices.forget("E1")
    assert log("pause E1", "Denied.")
    assert not log("pause E2", "Denied.")


def test_waiting_for_quotas_is_not_over_when_something_is_accepted(log):
    log("quota E1", "Many.")
    log.notices.forget("E1")
    assert not log("quota E1", "Many.")
    assert log.notices.end("quota E1")
    assert not log.notices.end("quota E1")
    assert log("quota E1", "Many.")


def test_an_hour_has_few_lines_about_a_distribution(log, clock):
    for number in range(600):
        log(f"{['wait', 'pause', 'refused'][number % 3]} E1", f"Trouble {number}.")
        log.notices.forget("E1")
        clock.advance(HOUR / 100)
    assert 5 * MOST_OF_ONE <= len(log.lines()) <= 6 * MOST_OF_ONE
    # Others, and errors, are not drowned by them.
    assert log("wait E2", "Slow.")
    assert log("pause E1", "Denied.", level=logging.ERROR)


def test_an_hour_has_few_lines_in_all_and_the_last_one_says_so(log, clock):
    for number in range(600):
        for distribution in ("E1", "E2", "E3"):
            log(f"wait {distribution}", f"Trouble {number}.")
            log.notices.forget(distribution)
        clock.advance(HOUR / 100)
    assert 5 * MOST_OF_ALL <= len(log.lines()) <= 6 * MOST_OF_ALL
    first, last = log.lines()[0], log.lines()[MOST_OF_ALL - 1]
    assert "control panel" not in first
    assert "control panel" in last


def test_what_is_remembered_does_not_grow(log, clock):
    for number in range(10_000):
        log("wait E1", f"Trouble {number}.")
        clock.advance(HOUR)
    assert len(log.notices.logged["wait E1"]) <= MOST_KINDS
