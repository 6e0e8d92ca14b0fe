"""What is accepted as an item, and what an item reaches."""

from collective.cloudfront.local.rules import count_wildcards
from collective.cloudfront.local.rules import Kind
from collective.cloudfront.local.rules import kind_of
from collective.cloudfront.local.rules import MAX_PATH_LENGTH
from collective.cloudfront.local.rules import MAX_TAG_LENGTH
from collective.cloudfront.local.rules import MAX_TAGS_PER_RESPONSE
from collective.cloudfront.local.rules import problem_with
from collective.cloudfront.local.rules import Reach
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.local.rules import stored_tags
from hypothesis import given
from hypothesis import strategies as st
from urllib.parse import quote

import pytest


# Without the empty segments and the % that make an item reach nothing or invalid.
PATHS = st.lists(st.text("ab*?=.", min_size=1, max_size=3), max_size=4).map(
    lambda segments: "/" + "/".join(segments)
)
TAGS = st.text("abAB#*", min_size=1, max_size=3)
ITEMS = st.one_of(
    PATHS,
    PATHS.map(lambda path: path + "*"),
    TAGS.map(lambda tag: "#" + tag),
    st.just("/a//b"),
)
TAG_SETS = st.frozensets(TAGS.map(str.lower), max_size=3)


@pytest.mark.parametrize(
    "item",
    [
        "/",
        "/*",
        "/a",
        "/a/",
        "/a*",
        "/a/*",
        "/a*b",
        "/a?b=1&c=2",
        "/a/@@images/image/large",
        "/++api++/a",
        "/a'b(c)!$&+,;=:@",
        "/%C3%BC",
        "/a%20b",
        "/a%2525",
        "//a",
        "#tag",
        "#!-+~{}#",
        "/" + "a" * (MAX_PATH_LENGTH - 1),
        "#" + "a" * MAX_TAG_LENGTH,
    ],
)
def test_accepts(item):
    assert problem_with(item) is None


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("", "starts with /"),
        ("a", "starts with /"),
        ("*", "starts with /"),
        (" /a", "starts with /"),
        ("http://example.com/a", "starts with /"),
        ("/ü", "percent-encoded"),
        ("/a b", "percent-encoded"),
        ("/a\n", "percent-encoded"),
        ("/a\x7f", "percent-encoded"),
        ("/100%", "percent-encoded"),
        ("/%zz", "percent-encoded"),
        ("/~a", "~"),
        ("/%7Ea", "~"),
        ("/%7ea", "~"),
        ("/" + "a" * MAX_PATH_LENGTH, "characters"),
        ("#", "cache tag"),
        ("#a,b", "cache tag"),
        ("#a b", "cache tag"),
        ("#ü", "cache tag"),
        ("#a\n", "cache tag"),
        ("#" + "a" * (MAX_TAG_LENGTH + 1), "cache tag"),
    ],
)
def test_refuses(item, reason):
    assert reason in problem_with(item)


@pytest.mark.parametrize("character", ' <>"#%{}|\\^[]`')
def test_refuses_unsafe_characters_that_are_not_encoded(character):
    assert problem_with(f"/a{character}b")
    assert problem_with(f"/a%{ord(character):02X}b") is None


def test_accepts_everything_else_that_is_visible_ascii_as_it_is():
    refused = {chr(code) for code in range(33, 127) if problem_with(f"/{chr(code)}")}
    assert refused == set('<>"#%{}|\\^[]`~')


@given(st.text().filter(lambda text: "~" not in text))
def test_accepts_every_path_that_is_percent_encoded(text):
    assert problem_with("/" + quote(text)) is None


def test_tells_exact_paths_wildcards_and_tags_apart():
    assert kind_of("/a") is Kind.EXACT
    assert kind_of("/a*b") is Kind.EXACT
    assert kind_of("/a*") is Kind.WILDCARD
    assert kind_of("#a*") is Kind.TAG
    assert count_wildcards(["/a", "/a*", "/*", "#a*"]) == 2


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("/foo", "/foo"),
        ("/foo?x=1", "/foo?x=1"),
        ("/foo*", "/foo"),
        ("/foo*", "/foo/"),
        ("/foo*", "/foo?x=1"),
        ("/foo*", "/foo/bar/baz"),
        ("/foo*", "/foobar"),
        ("/foo/*", "/foo/"),
        ("/foo/*", "/foo/bar?x=1"),
        ("/*", "/"),
        ("/*", "/?x=1"),
        ("/*", "//foo"),
        ("/foo?x=*", "/foo?x=1"),
        ("/fo*o", "/fo*o"),
        ("/foo?u=a//b", "/foo?u=a//b"),
    ],
)
def test_item_reaches_url(item, url):
    assert reaches(item, url)


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("/foo", "/foo/"),
        ("/foo", "/foo?x=1"),
        ("/foo", "/foo?"),
        ("/foo/", "/foo"),
        ("/foo/", "/foo/bar"),
        ("/foo/*", "/foo"),
        ("/foo/*", "/foo?x=1"),
        ("/Foo", "/foo"),
        ("/fo*o", "/foo"),
        ("/%C3%BC", "/%c3%bc"),
        ("//foo", "/foo"),
        ("//foo", "//foo"),
        ("/foo//*", "/foo//bar"),
        ("#foo", "/foo"),
    ],
)
def test_item_does_not_reach_url(item, url):
    assert not reaches(item, url)


def test_a_tag_reaches_every_response_that_carries_it_in_any_case():
    tags = stored_tags(["News, a1"])
    assert reaches("#news", "/anything?x=1", tags)
    assert reaches("#NEWS", "/", tags)
    assert not reaches("#new", "/news", tags)
    assert not reaches("#new*", "/news", tags)


@given(PATHS, PATHS, TAG_SETS)
def test_what_a_path_reaches_its_wildcard_reaches_too(path, url, tags):
    assert reaches(path + "*", path, tags)
    if kind_of(path) is Kind.EXACT and reaches(path, url, tags):
        assert reaches(path + "*", url, tags)


@given(PATHS, st.text("ab/?=*"), TAG_SETS)
def test_a_wildcard_reaches_whatever_starts_with_what_is_before_it(path, rest, tags):
    assert reaches(path + "*", path + rest, tags)


@given(PATHS, PATHS, TAG_SETS)
def test_an_exact_path_reaches_itself_only(item, url, tags):
    if kind_of(item) is Kind.EXACT:
        assert reaches(item, url, tags) == (item == url)


@given(PATHS, TAG_SETS)
def test_the_site_wildcard_reaches_everything(url, tags):
    assert reaches("/*", url, tags)


@given(st.lists(ITEMS, max_size=6), PATHS, TAG_SETS)
def test_several_items_reach_the_union_of_what_each_reaches(items, url, tags):
    union = any(reaches(item, url, tags) for item in items)
    assert Reach.of(items).includes(url, tags) == union


def test_tags_of_a_response_are_separated_by_commas_and_lines():
    assert stored_tags(["a, b,,c", "D"]) == {"a", "b", "c", "d"}


def test_only_the_first_fifty_valid_tags_are_stored():
    tags = [f"t{number}" for number in range(MAX_TAGS_PER_RESPONSE + 5)]
    too_long = "x" * (MAX_TAG_LENGTH + 1)
    stored = stored_tags([",".join([too_long, "in valid", *tags])])
    assert stored == set(tags[:MAX_TAGS_PER_RESPONSE])
