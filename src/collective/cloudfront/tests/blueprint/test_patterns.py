"""Specification: which behavior serves a path, and which one never does."""

from collective.cloudfront.blueprint.patterns import hidden
from collective.cloudfront.blueprint.patterns import hides
from collective.cloudfront.blueprint.patterns import matches
from fnmatch import fnmatchcase
from hypothesis import given
from hypothesis import strategies as st
from itertools import product

import pytest


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/++api++*", "/++api++"),
        ("/++api++*", "/++api++/news/@navigation"),
        ("*/login", "/login"),
        ("*/login", "/en/login"),
        ("static/*", "/static/client.js"),
        ("*/@@images/*", "/a/b/@@images/image-400.png"),
        ("/a?c", "/abc"),
        ("Default (*)", "/anything"),
    ],
)
def test_a_pattern_matches_as_cloudfront_says(pattern, path):
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*/login", "/login/x"),
        ("*/login", "/logins"),
        ("/A", "/a"),
        ("/a?c", "/ac"),
        ("/static/*", "/static"),
    ],
)
def test_case_and_every_character_count(pattern, path):
    assert not matches(pattern, path)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("/?*", "/*a"),
        ("/?*", "/*?"),
        ("/a*", "/ab*"),
        ("/a*", "/a?c"),
        ("*", "/a"),
        ("/a?", "/ab"),
        ("*/x", "/a*/x"),
        ("a", "/a"),
        ("/a", "/a"),
    ],
)
def test_a_wider_pattern_hides_a_later_one(earlier, later):
    assert hides(earlier, later)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("/ab*", "/a*"), ("/a?", "/a*"), ("*/x", "/a*"), ("/a", "/A"), ("/a?", "/a")],
)
def test_a_pattern_with_something_of_its_own_is_not_hidden(earlier, later):
    assert not hides(earlier, later)


def test_the_longest_path_is_matched():
    assert matches("*/edit", "/" + "a" * 8000 + "/edit")
    assert not matches("*/edit", "/" + "a" * 8000)


def test_what_has_no_effect_is_named_with_what_hides_it():
    assert hidden(["/b", "/a*", "/ab", "/c"]) == [("/a*", "/ab")]


_patterns = st.text("ab*?", max_size=6).map("/".__add__)


@given(_patterns, _patterns, st.text("ab", max_size=6).map("/".__add__))
def test_law_nothing_that_a_hidden_pattern_matches_gets_past_the_earlier(
    earlier, later, path
):
    if hides(earlier, later) and matches(later, path):
        assert matches(earlier, path)


@given(_patterns, _patterns.filter(lambda pattern: pattern.count("*") < 2))
def test_law_what_is_not_hidden_matches_something_of_its_own(earlier, later):
    if hides(earlier, later):
        return
    # A character that no pattern names stands for what only a wildcard takes
    choices = {
        "?": "abx",
        "*": ["".join(some) for n in range(6) for some in product("abx", repeat=n)],
    }
    paths = map("".join, product(*(choices.get(each, each) for each in later)))
    assert any(not matches(earlier, path) for path in paths)


@given(_patterns, st.text("ab", max_size=8).map("/".__add__))
def test_law_patterns_match_as_those_of_a_shell(pattern, path):
    assert matches(pattern, path) == fnmatchcase(path, pattern)
