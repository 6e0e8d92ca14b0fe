"""Specification: what is missing, and from when on dates count."""

from collective.cloudfront.dates import known
from collective.cloudfront.dates.known import Known
from collective.cloudfront.dates.known import Run

import json
import pytest


NOW = 1_800_000_000.0
DAY = 86400.0
WANTED = {"E1": "a-b", "E2": "c-d"}
DONE = Known({"E1": ("a-b", NOW - DAY), "E2": ("c-d", NOW - DAY)})


def missing(state, satisfied=(), now=NOW):
    return set(known.missing(state, WANTED, dict(satisfied), now))


def test_a_new_outbox_knows_nothing():
    assert missing(known.from_json(None)) == {"E1", "E2"}


def test_what_is_done_is_not_missing():
    assert missing(DONE) == set()


def test_what_would_be_written_differently_is_missing():
    assert missing(Known({**DONE.done, "E2": ("c-x", NOW - DAY)})) == {"E2"}


def test_unless_this_process_has_seen_it_done():
    other = Known({**DONE.done, "E2": ("c-x", NOW - DAY)})
    assert missing(other, {"E2": "c-d"}) == set()
    assert missing(Known(), {"E1": "a-b", "E2": "c-d"}) == {"E1", "E2"}


def test_once_a_week_all_is_done_again():
    assert missing(DONE, now=NOW + 5 * DAY) == set()
    assert missing(DONE, now=NOW + 7 * DAY) == {"E1", "E2"}
    # Also if the clock was years ahead then
    assert missing(DONE, now=NOW - 365 * DAY) == {"E1", "E2"}


def test_dates_count_since_a_site_began_to_purge():
    run = known.started(Known(), WANTED, NOW - 3600, NOW).run
    assert run == Run(WANTED, NOW - 3600)


@pytest.mark.parametrize("since", [0.0, NOW - 40 * DAY, NOW + 9])
def test_or_since_a_moment_ago_where_nobody_knows(since):
    run = known.started(Known(), WANTED, since, NOW).run
    assert run == Run(WANTED, NOW - known.LOOK_BACK)


def test_a_run_goes_on_where_it_was():
    state = known.advanced(known.started(Known(), WANTED, 0.0, NOW), "/Plone/x")
    stored = known.from_json(json.loads(json.dumps(known.as_json(state))))
    assert stored == state
    assert known.started(stored, WANTED, 0.0, NOW + 9 * DAY) == state


def test_one_for_other_distributions_begins_anew_and_misses_nothing():
    state = known.advanced(known.started(Known(), {"E1": "a-b"}, 0.0, NOW), "/Plone/x")
    run = known.started(state, WANTED, 0.0, NOW + 9 * DAY).run
    assert run == Run(WANTED, NOW - known.LOOK_BACK)


def test_what_is_finished_is_done():
    state = known.finished(known.started(DONE, {"E2": "c-x"}, 0.0, NOW), NOW)
    assert state == Known({"E1": DONE.done["E1"], "E2": ("c-x", NOW)})


def test_a_place_that_nobody_purged_before_is_unseen():
    assert known.unseen(DONE, ["E2"], {"E2": "c-x"}) == []
    assert known.unseen(DONE, ["E2"], {"E2": "x-d"}) == ["E2"]
    assert known.unseen(DONE, ["E3"], {"E3": "a-b"}) == ["E3"]
    # A new outbox knows of nothing
    assert known.unseen(Known(), ["E3"], {"E3": "a-b"}) == []


def test_a_process_that_purges_nothing_leaves_dates_behind_but_no_unseen_place():
    state = known.without_purging(DONE)
    assert missing(state) == {"E1", "E2"}
    assert known.unseen(state, ["E1", "E2"], WANTED) == []
