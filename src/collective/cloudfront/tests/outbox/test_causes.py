"""Specification: causes are a few short lines, and no text can do harm."""

from collective.cloudfront.outbox.values import as_line
from collective.cloudfront.outbox.causes import Causes
from collective.cloudfront.outbox.causes import LONGEST_CAUSE
from collective.cloudfront.outbox.causes import MOST_CAUSES
from collective.cloudfront.outbox.causes import pack
from collective.cloudfront.outbox.causes import pack_each
from collective.cloudfront.outbox.causes import packed_cause
from collective.cloudfront.outbox.causes import packed_united
from collective.cloudfront.outbox.causes import united
from collective.cloudfront.outbox.causes import unpack
from collective.cloudfront.outbox.causes import unpack_each
from hypothesis import given
from hypothesis import strategies as st

import pytest


letters = st.sampled_from("abcdefgh")
causes = st.builds(
    lambda lines, more: Causes(tuple(dict.fromkeys(lines)), more if lines else 0),
    st.lists(letters, max_size=MOST_CAUSES),
    st.integers(0, 3),
)


@given(st.lists(causes, max_size=8))
def test_the_first_lines_are_kept_once_and_the_others_counted(some):
    lines = list(dict.fromkeys(line for each in some for line in each.lines))
    found = united(some)
    assert list(found.lines) == lines[:MOST_CAUSES]
    assert len(found.lines) + found.more >= len(lines)
    assert found.more >= max((each.more for each in some), default=0)


@given(st.lists(st.builds(lambda line: Causes((line,)), letters), max_size=20))
def test_what_is_united_at_once_is_counted_exactly(some):
    found = united(some)
    assert len(found.lines) + found.more == len(set(some))


@given(causes)
def test_uniting_with_itself_or_with_nothing_changes_nothing(some):
    assert united([some]) == united([some, some]) == united([Causes(), some]) == some


@given(st.text(max_size=3 * LONGEST_CAUSE))
def test_any_text_becomes_one_printable_line_of_bounded_length(text):
    line = as_line(text)
    assert line.isprintable()
    assert len(line) <= LONGEST_CAUSE
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
    assert unpack(pack(some)) == some
    assert pack(some).isascii()


@given(st.lists(st.sampled_from(["", *map(packed_cause, "abc")]), max_size=12))
def test_the_causes_of_each_item_are_packed_together(each):
    assert unpack_each(pack_each(each), len(each)) == each


def test_no_causes_are_packed_as_nothing():
    assert packed_cause("") == packed_cause(" \n") == pack(Causes()) == ""
    assert packed_united([]) == packed_united(["", ""]) == pack_each(["", ""]) == ""


def test_items_of_one_transaction_have_their_causes_kept_once():
    each = [packed_cause("jane: /a")] * 500 + [packed_cause("joe: /b")] * 500
    assert len(pack_each(each)) < 100


@pytest.mark.parametrize(
    "packed", ["[", "{}", "7", "null", "x", "[[1]]", '[["a", "b"]]', '[["a", 2, 3]]']
)
def test_what_cannot_be_read_is_no_cause(packed):
    assert unpack(packed).lines == ()
    assert unpack_each(packed, 2) == ["", ""]


def test_a_damaged_count_makes_no_long_list():
    assert unpack_each('[["a", 1000000000000000]]', 2) == ["a", "a"]
