"""Specification: messages and causes are translated where people read them."""

from collective.cloudfront.controlpanel.sentences import cause_sentence
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.messages import WORDING
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import UNKNOWN
from zope.i18n import translate
from zope.i18nmessageid import Message as Translatable

import pytest
import re


@pytest.mark.parametrize("code", sorted(set(WORDING) - {"text"}))
@pytest.mark.usefixtures("portal")  # has the catalogues
def test_every_message_reads_in_english_as_in_the_log(code):
    names = re.findall(r"\$\{(\w+)\}", WORDING[code])
    given = message(code, **{name: f"{name}: (a) b\nc." for name in names})
    assert isinstance(sentence(given), Translatable)
    assert translate(sentence(given)) == str(given)


@pytest.mark.usefixtures("portal")
def test_a_message_within_a_message_is_translated_too():
    given = message("outbox_set_aside", path="/a", error=message("outbox_deleted"))
    shown = sentence(given)
    assert shown.mapping["path"] == "/a"
    assert shown.mapping["error"] == "wording_outbox_deleted"
    assert translate(shown) == str(given)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            plain("InvalidArgument: no (really): ${x}"),
            "InvalidArgument: no (really): ${x}",
        ),
        (NOTHING, ""),
        (Message("of_a_newer_version"), "of_a_newer_version"),
    ],
)
def test_what_has_no_wording_is_left_alone(given, shown):
    assert sentence(given) == shown
    assert not isinstance(sentence(given), Translatable)


@pytest.mark.parametrize(
    "cause",
    [
        Cause(code="settings"),
        Cause("jane", code="settings"),
        Cause("jane", ("/a", "/b"), 6),
        Cause("", ("/a",), 3),
        Cause(code="damaged_outbox"),
        Cause("jane", ("/a", "/b"), 2, "settings"),
        Cause("jane", ("/a",), 3, "undo"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("portal")
def test_words_in_a_cause_are_translated(cause):
    shown = cause_sentence(cause)
    assert isinstance(shown, Translatable)
    assert translate(shown) == str(cause)


@pytest.mark.parametrize(
    "cause",
    [
        Cause(names=("/a",), count=1),
        Cause("jane", ("/a", "/b"), 2),
        Cause("jane", ("new theme",), 1, "person"),
        Cause("jane", code="person"),
        Cause(names=("jane: settings",), count=1, code="text"),
        Cause("jane", code="of_a_newer_version"),
        UNKNOWN,
    ],
    ids=str,
)
def test_a_cause_without_such_words_is_left_alone(cause):
    assert not isinstance(cause_sentence(cause), Translatable)
    assert cause_sentence(cause) == str(cause)
