"""Specification: a template in YAML says what its values say."""

from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import plain
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.cloudformation.document import write
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.tests.blueprint.reading import read_yaml
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st


def test_comments_stand_above_values_and_change_nothing():
    document = {
        "Resources": {
            "A": Why({"List": [Why({"Key": Why(1, "one"), "B": 2}, "item")]}, "all")
        }
    }
    assert write(document, "Head") == (
        "# Head\n"
        "\n"
        "Resources:\n"
        "  # all\n"
        "  A:\n"
        "    List:\n"
        "      # item\n"
        "      # one\n"
        "      - Key: 1\n"
        "        B: 2\n"
    )


def test_long_comments_are_wrapped():
    lines = write({"Resources": {"A": Why({"B": 1}, "word " * 60)}}).splitlines()
    assert max(map(len, lines)) <= 88
    assert sum(line.startswith("  #") for line in lines) > 3


_texts = st.one_of(
    st.text(st.characters(max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=12),
    st.sampled_from(
        ["yes", "No", "null", "2012-10-17", "1", "a: b", "* x", "{{host}}"]
    ),
)
_scalars = st.one_of(
    _texts,
    st.integers(0, 10**9),
    st.booleans(),
    st.builds(Ref, st.just("A")),
    st.builds(GetAtt, st.just("A"), st.just("Arn")),
    st.builds(
        Sub,
        st.sampled_from(["${A}", "a ${A} # no comment", 'quoted "${A}"', "A=1\nB=2"]),
    ),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text("aB:1 ", min_size=1, max_size=5), inner, max_size=3),
        st.builds(Why, inner, st.sampled_from(["because", "one\ntwo"])),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("ABCD"), _values, min_size=1))
@settings(max_examples=100, deadline=None)
def test_law_what_is_written_is_read_again(document):
    document = {"Resources": document}
    assert read_yaml(write(document)) == plain(document)
