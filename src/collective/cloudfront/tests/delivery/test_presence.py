"""Specification: who uses an outbox can be seen by others."""

from collective.cloudfront.delivery.presence import EVERY
from collective.cloudfront.delivery.presence import GONE_AFTER
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.presence import RUN
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.clock import Clock

import os
import pytest
import socket


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/outbox.sqlite"


@pytest.fixture
def outbox(url):
    outbox = open_outbox(url)
    yield outbox
    outbox.end()


@pytest.fixture
def clock():
    return Clock()


def kinds(outbox, clock):
    return [each.kind for each in present(outbox, clock())]


def test_nobody_is_there_at_first(outbox, clock):
    assert present(outbox, clock()) == []


def test_each_says_what_and_where_it_is(outbox, clock):
    Presence(outbox, Kind.WORKER, clock).say()
    Presence(outbox, Kind.SAVES_ONLY, clock).say()
    worker, zope = present(outbox, clock())
    assert (worker.kind, worker.delivers) == (Kind.WORKER, True)
    assert (worker.host, worker.pid) == (socket.gethostname(), os.getpid())
    assert (zope.kind, zope.delivers) == (Kind.SAVES_ONLY, False)


def test_who_says_nothing_for_a_minute_is_gone(outbox, clock):
    Presence(outbox, Kind.WORKER, clock).say()
    clock.advance(GONE_AFTER - 1)
    assert kinds(outbox, clock) == [Kind.WORKER]
    clock.advance(2)
    assert kinds(outbox, clock) == []


def test_it_is_written_only_when_it_is_time(outbox, clock):
    presence = Presence(outbox, Kind.ZOPE, clock)
    presence.say()
    before = outbox.run(RUN)
    clock.advance(EVERY / 2)
    presence.say()
    assert outbox.run(RUN) == before
    clock.advance(EVERY / 2)
    presence.say()
    assert outbox.run(RUN) != before


def test_who_ends_says_so(outbox, clock):
    one, other = (
        Presence(outbox, Kind.ZOPE, clock),
        Presence(outbox, Kind.WORKER, clock),
    )
    one.say()
    other.say()
    one.end()
    assert kinds(outbox, clock) == [Kind.WORKER]


def test_a_killed_process_is_gone_at_once_where_that_can_be_seen(outbox, url):
    code = """
from collective.cloudfront.delivery.presence import Kind, Presence
Presence(open_as(), Kind.WORKER).say()
die()
"""
    processes.run(url, code)
    assert outbox.run(RUN)
    assert present(outbox, Clock()()) == []


@pytest.mark.parametrize("nonsense", [7, {"me": 7}, {"me": ["x", "h", 1, 2.0]}])
def test_what_makes_no_sense_was_never_there(outbox, clock, nonsense):
    assert outbox.claim_run(RUN, 5)
    outbox.keep_run(RUN, nonsense, 0)
    Presence(outbox, Kind.WORKER, clock).say()
    assert kinds(outbox, clock) == [Kind.WORKER]
