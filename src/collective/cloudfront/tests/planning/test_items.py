from collective.cloudfront.local import rules
from collective.cloudfront.planning.cover import covers
from collective.cloudfront.planning.items import encode
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import is_plain
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.items import MAX_PATH_LENGTH
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.tests.planning.reference import asked_for
from collective.cloudfront.tests.planning.reference import encoded
from collective.cloudfront.tests.planning.reference import is_valid
from collective.cloudfront.tests.planning.reference import reaches
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from urllib.parse import unquote_to_bytes

import pytest


#: Any Unicode, lone surrogates included.
anything = st.text(st.characters(exclude_categories=()))
#: What the rules are about, so that it meets itself often.
tricky = st.text(st.sampled_from("/%~*?#&=. aAeE2579é€\ud83d\udce9\U0001f600<\x00\x7f"))
long_paths = st.builds(
    lambda start, unit, count, end: start + unit * count + end,
    tricky,
    st.sampled_from(["a", "é", "%C3%A9", "%", "\U0001f600", "ab/", "x?"]),
    st.integers(300, 4200),
    tricky,
)
edge_of_length = st.builds(
    lambda short, end: "/" + "a" * (MAX_PATH_LENGTH - short) + end,
    st.integers(0, 15),
    tricky,
)
paths = st.one_of(anything, tricky, long_paths, edge_of_length)

#: Few letters: prefixes of each other, wildcards, tags.
small_items = st.builds(
    "".join,
    st.tuples(st.just("/"), st.text("ab/", max_size=5), st.sampled_from(["", "*"])),
)


# --- encode ---------------------------------------------------------------------


@given(paths)
@example("%%41%4%zz%\ud83d\ude00\x7f~}")
def test_encoding_is_that_of_each_character(path):
    assert encode(path) == encoded(path)


# --- normalise ------------------------------------------------------------------


#: Mostly plain, so that both happen.
nearly_plain = st.text(st.sampled_from("/abZ09-_.?*%~ é"), max_size=8)


@given(st.one_of(nearly_plain.map("/".__add__), edge_of_length, paths))
@example("/")
def test_a_plain_path_is_an_item(path):
    assert not is_plain(path) or normalise(path) == path


def test_most_paths_are_plain():
    for path in ("/", "/?*", "/news/*", "/a-b/@@images/image", "/++api++/a?x=1&y=1"):
        assert is_plain(path)


@given(paths)
def test_an_item_never_breaks_the_rules_of_cloudfront(path):
    assert is_valid(normalise(path))


@given(paths)
def test_the_local_cloudfront_takes_every_item(path):
    assert rules.problem_with(normalise(path)) is None
    assert rules.problem_with(subtree(path)) is None


@given(paths)
@example("/a?came_from=http://example.org//x")
@example("//a//b//")
@example("/100%/%C3%A9/é/%7Euser")
def test_an_item_reaches_what_viewers_ask_for(path):
    url = asked_for(path)
    assert reaches(normalise(path), url)
    assert rules.reaches(normalise(path), url)


@given(paths)
def test_an_item_is_exactly_what_viewers_ask_for_where_cloudfront_can_name_it(path):
    url = asked_for(path)
    if is_valid(url):
        assert normalise(path) == url


@given(paths)
def test_an_item_is_widened_no_more_than_it_must_be(path):
    url = asked_for(path)
    item = normalise(path)
    if not is_valid(url):
        prefix, star = item[:-1], item[-1]
        assert star == "*"
        unnameable = url[len(prefix) :].upper().startswith(("~", "%7E", "*"))
        as_long_as_can_be = len(prefix) >= MAX_PATH_LENGTH - 3
        assert unnameable or as_long_as_can_be


@given(paths)
def test_an_item_is_its_own_item(path):
    item = normalise(path)
    assert normalise(item) == item
    assert encode(item) == item


@given(anything)
def test_encoding_changes_no_byte_that_the_path_stands_for(path):
    meant = unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
    assert unquote_to_bytes(encode(path)) == meant


@given(paths)
def test_what_is_encoded_is_not_encoded_again(path):
    assert encode(encode(path)) == encode(path)


@pytest.mark.parametrize("number", range(0x20, 0x7F))
def test_only_the_unsafe_characters_of_ascii_are_encoded(number):
    character = chr(number)
    unsafe = ' <>"#%{}|\\^[]`'
    expected = f"%{number:02X}" if character in unsafe else character
    assert encode(f"/a{character}b") == f"/a{expected}b"


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("", "/"),
        ("/", "/"),
        ("a", "/a"),
        ("//view", "/view"),
        ("/a///b", "/a/b"),
        ("/a/", "/a/"),
        ("/a b", "/a%20b"),
        ("/Übersicht", "/%C3%9Cbersicht"),
        ("/%c3%9cbersicht", "/%c3%9cbersicht"),
        ("/50%", "/50%25"),
        ("/50%25", "/50%25"),
        ("/50%2", "/50%252"),
        ("/%%41", "/%25%41"),
        ("/a~b/c", "/a*"),
        ("/%7euser", "/*"),
        ("/%257E", "/%257E"),
        ("/a#b", "/a%23b"),
        ("#tag", "/%23tag"),
        ("/a?b_start:int=20&x=1", "/a?b_start:int=20&x=1"),
        ("/a?u=http://b//c", "/a?u=http://b//c"),
        ("/a*b", "/a*"),
        ("/s?q=a*b", "/s?q=a*"),
        ("/a**", "/a*"),
        ("/*/a", "/*"),
        ("/a*", "/a*"),
        ("/\udce9", "/%ED%B3%A9"),
    ],
)
def test_items_by_example(path, item):
    assert normalise(path) == item


def test_a_cut_never_leaves_half_an_escape():
    for short in range(10):
        item = normalise("/" + "a" * (MAX_PATH_LENGTH - short) + "é" * 10)
        assert len(item) <= MAX_PATH_LENGTH
        assert "%" not in item[-3:], item[-10:]


def test_a_path_of_4000_characters_is_left_alone_and_one_of_4001_is_not():
    assert normalise("/" + "a" * 3999) == "/" + "a" * 3999
    assert normalise("/" + "a" * 4000) == "/" + "a" * 3998 + "*"


# --- subtree --------------------------------------------------------------------


@given(paths, tricky)
def test_a_subtree_reaches_the_path_its_query_strings_and_everything_below(path, rest):
    item = subtree(path)
    assert is_valid(item)
    assert is_wildcard(item)
    url = asked_for(path)
    assert reaches(item, url)
    assert reaches(item, url + "?b_start:int=20")
    assert reaches(item, url + "/" + encode(rest))
    assert reaches(item, url + encode(rest))


@given(paths)
def test_a_subtree_covers_the_item_of_its_path(path):
    assert covers(subtree(path), normalise(path))
    assert subtree(subtree(path)) == subtree(path)


def test_the_subtree_of_the_root_is_everything():
    assert subtree("/") == subtree("") == EVERYTHING


@pytest.mark.parametrize("short", range(10))
def test_a_subtree_at_the_greatest_length_reaches_its_path(short):
    path = "/" + "a" * (MAX_PATH_LENGTH - 1 - short - 3) + "%C3" + "b" * short
    assert len(normalise(path)) == MAX_PATH_LENGTH
    assert is_valid(subtree(path))
    assert reaches(subtree(path), path)


# --- covers and is_wildcard ----------------------------------------------------


@pytest.mark.parametrize(
    ("item", "wildcard"),
    [("/*", True), ("/a*", True), ("/a*b", False), ("/a", False), ("#a*", False)],
)
def test_a_star_is_a_wildcard_only_at_the_end_of_a_path(item, wildcard):
    assert is_wildcard(item) is wildcard
    assert (rules.kind_of(item) is rules.Kind.WILDCARD) is wildcard


@given(small_items.filter(is_wildcard), small_items, st.text("ab/", max_size=7))
def test_whatever_a_covered_item_reaches_its_wildcard_reaches(wildcard, item, rest):
    url = "/" + rest
    if covers(wildcard, item) and reaches(item, url):
        assert reaches(wildcard, url)


@given(small_items.filter(is_wildcard), small_items)
def test_an_item_is_covered_only_if_all_that_it_reaches_is_reached(wildcard, item):
    # The item's own prefix, and that with one more character, decide it.
    reached = [item[:-1], item[:-1] + "c"] if is_wildcard(item) else [item]
    assert covers(wildcard, item) == all(reaches(wildcard, url) for url in reached)


def test_no_wildcard_covers_a_cache_tag():
    assert not covers(EVERYTHING, "#tag")
