"""Specification: what is kept for people is kept as values, and comes back as it was."""

from collective.cloudfront.outbox.messages import as_json
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.outbox.messages import from_json
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.messages import WORDING
from collective.cloudfront.outbox.rows import cause_as_json
from collective.cloudfront.outbox.rows import cause_from_json
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import MOST_CAUSES
from collective.cloudfront.outbox.values import united
from collective.cloudfront.outbox.values import UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

import json
import pytest


texts = st.text(max_size=20)
messages = st.recursive(
    st.builds(plain, texts),
    lambda inner: st.builds(
        lambda code, values: Message(code, tuple(sorted(values.items()))),
        st.sampled_from(sorted(WORDING)),
        st.dictionaries(texts, st.one_of(texts, st.integers(), inner), max_size=3),
    ),
)
causes = st.builds(
    Cause,
    user=texts,
    names=st.lists(texts, max_size=3).map(tuple),
    count=st.integers(0, 9),
    code=st.sampled_from(["", "settings", "person"]),
)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=2)
    ),
)


class TestMessages:
    @given(messages)
    def test_come_back_from_the_storage_as_they_were(self, given):
        assert from_json(json.loads(json.dumps(as_json(given)))) == given

    @given(junk)
    def test_that_cannot_be_read_are_still_messages(self, stored):
        assert isinstance(str(from_json(stored)), str)

    def test_read_as_english(self):
        inner = message("outbox_newer", found=5, known=4)
        given = message("outbox_set_aside", path="/var/o", error=inner)
        assert str(given) == "/var/o was set aside: its format 5 is newer than 4"

    def test_of_an_unknown_code_are_a_mistake(self):
        with pytest.raises(KeyError):
            message("nothing like that")

    def test_without_a_code_are_none(self):
        assert not NOTHING
        assert str(NOTHING) == ""
        assert plain("") == NOTHING

    def test_say_what_they_can_of_a_code_from_a_newer_version(self):
        assert str(from_json(["brand_new", {}])) == "brand_new"


class TestCauses:
    @given(causes)
    def test_come_back_from_the_storage_as_they_were(self, cause):
        assert cause_from_json(json.loads(json.dumps(cause_as_json(cause)))) == cause

    @given(junk)
    def test_that_cannot_be_read_are_unknown(self, stored):
        assert isinstance(cause_from_json(stored), Cause)

    @pytest.mark.parametrize(
        ("cause", "english"),
        [
            (Cause("jane", ("/a", "/b"), 6), "jane: /a /b and 4 more"),
            (Cause("jane", code="settings"), "jane: settings"),
            (Cause(names=("/a",), count=1), "/a"),
            (Cause("admin", ("new logo",), 1, "person"), "admin: new logo"),
            (Cause("admin", code="person"), "admin"),
            (Cause(names=("jane: /a",), count=1, code="text"), "jane: /a"),
            (UNKNOWN, ""),
        ],
    )
    def test_read_as_english(self, cause, english):
        assert str(cause) == english

    def test_of_an_earlier_version_are_lines_of_text(self):
        assert str(cause_from_json("jane: /a and 2 more")) == "jane: /a and 2 more"

    @given(st.lists(st.builds(Causes, st.lists(causes, max_size=7).map(tuple))))
    def test_are_united_without_losing_count(self, all_causes):
        found = united(all_causes)
        distinct = {cause for each in all_causes for cause in each.known}
        assert len(found.known) <= MOST_CAUSES
        assert len(found.known) + found.more == len(distinct)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 items"), (1, "1 item"), (2, "2 items")]
)
def test_one_is_counted_in_the_singular(count, words):
    assert counted(count, "item") == words
