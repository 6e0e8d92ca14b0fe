"""Specification: what is kept in rows is short, and no text can do harm."""

from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.rows import pack_cause
from collective.cloudfront.outbox.rows import pack_causes
from collective.cloudfront.outbox.rows import pack_each
from collective.cloudfront.outbox.rows import pack_entries
from collective.cloudfront.outbox.rows import pack_message
from collective.cloudfront.outbox.rows import unite_packed
from collective.cloudfront.outbox.rows import unpack_causes
from collective.cloudfront.outbox.rows import unpack_each
from collective.cloudfront.outbox.rows import unpack_entries
from collective.cloudfront.outbox.rows import unpack_message
from collective.cloudfront.outbox.values import as_line
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import LONGEST_NAME
from collective.cloudfront.outbox.values import MOST_CAUSES
from collective.cloudfront.outbox.values import NO_CAUSES
from collective.cloudfront.outbox.values import UNKNOWN
from dataclasses import replace
from hypothesis import given
from hypothesis import strategies as st

import json
import pytest


some_causes = st.builds(
    Cause,
    st.sampled_from(["", "jane", "joé"]),
    st.lists(st.sampled_from("abcd"), max_size=2).map(tuple),
    st.integers(0, 5),
).filter(bool)
causes = st.builds(
    lambda known, more: Causes(tuple(dict.fromkeys(known)), more if known else 0),
    st.lists(some_causes, max_size=MOST_CAUSES),
    st.integers(0, 3),
)


@given(st.text(max_size=3 * LONGEST_NAME))
def test_any_text_becomes_one_printable_line_of_bounded_length(text):
    line = as_line(text)
    assert line.isprintable()
    assert len(line) <= LONGEST_NAME
    assert line == line.strip()
    assert as_line(line) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("jane: /a", "jane: /a"),
        (" jané\r\n\tadmin:  forged ", "jané admin: forged"),
        ("a\u202eb\ud800c\0d", "a b c d"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_a_line_is_cut_and_what_cannot_be_shown_is_left_out(text, line):
    assert as_line(text) == line


@given(causes)
def test_what_is_packed_is_unpacked_the_same(some):
    assert unpack_causes(pack_causes(some)) == some
    assert pack_causes(some).isascii()


@given(st.lists(st.one_of(st.just(NO_CAUSES), causes), max_size=12))
def test_the_causes_of_each_item_are_packed_together(each):
    assert unpack_each(pack_each(map(pack_causes, each)), len(each)) == tuple(each)


@given(some_causes, st.text(max_size=3 * LONGEST_NAME))
def test_the_names_in_a_cause_are_kept_as_lines(cause, text):
    packed = pack_cause(replace(cause, user=text, names=(text,)))
    for found in unpack_causes(packed).known:
        assert (found.user, found.names) == (as_line(text), (as_line(text),))


def test_no_causes_are_packed_as_nothing():
    assert pack_cause(UNKNOWN) == pack_causes(NO_CAUSES) == ""
    assert unite_packed([]) == unite_packed(["", ""]) == pack_each(["", ""]) == ""


def test_items_of_one_transaction_have_their_causes_kept_once():
    each = [pack_cause(Cause(user)) for user in ("jane", "joe") for _ in range(500)]
    assert len(pack_each(each)) < 100


@pytest.mark.parametrize(
    "packed", ["[", "{}", "7", "null", "x", "[[1]]", '[["a", "b"]]', '[["a", 2, 3]]']
)
def test_what_cannot_be_read_is_no_cause(packed):
    assert unpack_causes(packed) == NO_CAUSES
    assert unpack_each(packed, 2) == (NO_CAUSES, NO_CAUSES)


def test_a_damaged_count_makes_no_long_list():
    packed = pack_cause(Cause("jane"))
    runs = json.dumps([[packed, 1000000000000000]])
    assert unpack_each(runs, 2) == (Causes((Cause("jane"),)),) * 2


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("jane: /a", Cause(names=("jane: /a",), count=1, code="text")),
        ("settings", Cause(code="settings")),
        ("jane: undo", Cause("jane", code="undo")),
    ],
)
def test_lines_that_earlier_versions_kept_are_read(line, cause):
    assert unpack_causes(json.dumps([line, 3])) == Causes((cause,), 3)
    assert unpack_entries(json.dumps([line, ["E1", "/a"]]))[0].cause == cause
    assert str(cause) == line


def test_entries_are_packed_with_all_that_they_say():
    entries = [
        Entry("E1", "/a", cause=Cause("jane", ("/a",), 4)),
        Entry("E1", "/b", True, 5.0, 7.0, "k", cause=Cause("jane", ("/a",), 4)),
        Entry("E2", "#c"),
    ]
    found = unpack_entries(pack_entries(entries))
    assert found == entries
    assert [each.cause for each in found] == [each.cause for each in entries]


@pytest.mark.parametrize("packed", ["Access denied", "[1", '"a"'])
def test_a_sentence_that_an_earlier_version_kept_is_a_plain_message(packed):
    assert unpack_message(packed).code == "text"


def test_a_message_is_kept_with_its_values():
    kept = message("outbox_set_aside", path="/o", error=message("outbox_deleted"))
    assert unpack_message(pack_message(kept)) == kept
