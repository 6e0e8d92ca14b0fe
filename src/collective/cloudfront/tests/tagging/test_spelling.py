"""Specification: each name has a tag of its own, and CloudFront takes it."""

from collective.cloudfront.tagging.vocabulary import dependencies as on
from collective.cloudfront.tagging.vocabulary.dependencies import Facet
from collective.cloudfront.tagging.vocabulary.of_response import tags_of
from collective.cloudfront.tagging.vocabulary.spelling import MAX_TAG_LENGTH
from collective.cloudfront.tagging.vocabulary.spelling import type_tag
from hypothesis import given
from hypothesis import strategies as st

import pytest
import re


UID = "5a9ac1a9c1dd4dc29ab6b2d5a54e9f1f"


@given(st.text(st.characters(exclude_categories=())))
def test_tags_are_what_cloudfront_takes(text):
    tags = tags_of(
        [
            on.own(text, ()),
            on.of_type(text, text, Facet.EDIT),
            on.foreign(text),
            on.below(text, (), Facet.EDIT),
        ],
        text,
    )
    for tag in tags:
        assert re.fullmatch(r"[!-+\--~]+", tag)
        assert tag == tag.lower()
        assert len(tag) <= MAX_TAG_LENGTH


@given(st.lists(st.text("aAbB-_% é.", max_size=4), min_size=2, max_size=2, unique=True))
def test_different_types_have_different_tags(types):
    one, other = types
    assert type_tag("s", one) != type_tag("s", other)


@pytest.mark.parametrize(
    ("portal_type", "written"),
    [
        ("Document", "document"),
        ("News Item", "news-item"),
        ("FAQ", "f_a_q"),
        ("my.type", "_my%2etype"),
        ("Tür", "t%c3%bcr"),
    ],
)
def test_the_tag_of_a_type_can_be_read(portal_type, written):
    assert type_tag(UID, portal_type) == f"{UID}.t.{written}"
