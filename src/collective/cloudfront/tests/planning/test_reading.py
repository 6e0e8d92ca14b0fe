"""Specification: which header a distribution reads cache tags from, look after look."""

from collective.cloudfront.planning.reading import after_failure
from collective.cloudfront.planning.reading import after_look
from collective.cloudfront.planning.reading import CERTAIN_FOR
from collective.cloudfront.planning.reading import DEPLOYING
from collective.cloudfront.planning.reading import is_due
from collective.cloudfront.planning.reading import is_lost
from collective.cloudfront.planning.reading import LOOK_AGAIN
from collective.cloudfront.planning.reading import LOOK_EVERY
from collective.cloudfront.planning.reading import Seen
from hypothesis import given
from hypothesis import strategies as st

import pytest


READS = Seen("Cache-Tag", True)
READS_NOTHING = Seen("", True)


def looks(*answers, known=None, every=100.0):
    """Return what is known after looks, from 1000 on."""
    for number, seen in enumerate(answers):
        now = 1000.0 + number * every
        if isinstance(seen, str):
            known = after_failure(known, seen, now)
        else:
            known = after_look(known, seen, now)
    return known


def test_a_header_is_read_since_it_was_first_seen_deployed():
    known = looks(READS_NOTHING, Seen("Cache-Tag", False), READS, READS)
    assert (known.header, known.since, known.seen) == ("cache-tag", 1200.0, 1300.0)


def test_nobody_relies_on_a_header_that_is_being_deployed():
    known = looks(READS_NOTHING, Seen("Cache-Tag", False))
    assert known.header == ""
    assert is_due(known, known.looked + LOOK_AGAIN)


def test_another_change_that_is_being_deployed_changes_nothing():
    known = looks(READS, Seen("Cache-Tag", False))
    assert (known.header, known.since) == ("cache-tag", 1000.0)


def test_where_it_is_not_told_whether_it_is_deployed_it_is_after_a_while():
    known = looks(READS_NOTHING, Seen("Cache-Tag", None), Seen("Cache-Tag", None))
    assert known.since == 1100.0 + DEPLOYING


def test_a_header_that_goes_is_lost_before_that_is_deployed():
    known = looks(READS)
    after = looks(Seen("", False), known=known)
    assert after.header == ""
    assert is_lost(known, after)


def test_another_header_is_as_good_as_none():
    known = looks(READS)
    assert is_lost(known, looks(Seen("X-Tags", True), known=known))


def test_names_of_headers_have_no_case():
    known = looks(READS)
    assert not is_lost(known, looks(Seen("CACHE-TAG", True), known=known))


def test_nothing_is_lost_where_nothing_was_read():
    assert not is_lost(None, looks(READS_NOTHING))
    assert not is_lost(looks(READS_NOTHING), looks(READS))


def test_a_look_that_fails_changes_nothing_of_what_is_known():
    known = looks(READS, "AccessDenied")
    assert (known.header, known.since, known.seen) == ("cache-tag", 1000.0, 1000.0)
    assert (known.looked, known.trouble) == (1100.0, "AccessDenied")
    assert looks(READS, known=known).trouble == ""


def test_what_nobody_could_see_again_for_a_day_is_not_certain():
    known = looks(READS)
    assert known.is_certain(1000.0 + CERTAIN_FOR)
    assert not known.is_certain(1001.0 + CERTAIN_FOR)
    assert not known.is_certain(999.0)


@pytest.mark.parametrize(
    ("known", "wait"),
    [
        (looks(READS), LOOK_EVERY),
        (looks("Unreachable"), LOOK_AGAIN),
        (looks(Seen("Cache-Tag", False)), LOOK_AGAIN),
    ],
    ids=["seen", "failed", "changing"],
)
def test_it_is_looked_at_every_now_and_then(known, wait):
    assert not is_due(known, known.looked + wait - 1)
    assert is_due(known, known.looked + wait)
    # The clock was set back
    assert is_due(known, known.looked - 1)
    assert is_due(None, 0.0)


def test_whoever_saves_the_settings_need_not_wait():
    known = looks(READS)
    assert is_due(known, known.looked + 10, hurry=True)
    assert not is_due(known, known.looked + 1, hurry=True)


HEADERS = st.sampled_from(["", "cache-tag", "x-tags"])


@given(st.lists(st.tuples(HEADERS, st.booleans(), st.booleans()), max_size=20))
def test_what_is_relied_on_was_read_in_each_look_since(history):
    """The law: from ``since`` on every look has seen the header, deployed at first; and
    when one is not relied on any more, that is a loss.
    """
    known, seen = None, []
    for number, (header, deployed, fails) in enumerate(history):
        now = 1000.0 + 100.0 * number
        before = known
        if fails:
            known = after_failure(known, "AccessDenied", now)
            assert known.header == (before.header if before else "")
        else:
            known = after_look(known, Seen(header, deployed), now)
            seen.append((now, header, deployed))
        if before is not None and before.header and before.header != known.header:
            assert is_lost(before, known)
        if known.header:
            relied = [each for each in seen if each[0] >= known.since]
            assert {each[1] for each in relied} == {known.header}
            assert relied[0][2]
