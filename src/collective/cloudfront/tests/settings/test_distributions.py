"""Specification: the text of the setting that names distributions, and its value."""

from collective.cloudfront.planning.items import encode
from collective.cloudfront.settings.distributions import Defaults
from collective.cloudfront.settings.distributions import Distribution
from collective.cloudfront.settings.distributions import first_flaw
from collective.cloudfront.settings.distributions import Flaw
from collective.cloudfront.settings.distributions import Problem
from collective.cloudfront.settings.distributions import read_distributions
from collective.cloudfront.settings.distributions import split_distributions
from collective.cloudfront.settings.distributions import write_distributions
from hypothesis import given
from hypothesis import strategies as st

import pytest


ROLE = "arn:aws:iam::123456789012:role/purge"
OTHER_ROLE = "arn:aws:iam::210987654321:role/purge"
DEFAULTS = Defaults("/intranet", "Edge-Tag", ROLE)


# --- what was valid before means the same ---------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ()),
        ("", ()),
        (" , \n", ()),
        ("E1", (Distribution("E1"),)),
        ("E1 dt_a", (Distribution("E1"), Distribution("dt_a"))),
        ("E1,E2\nE3", (Distribution("E1"), Distribution("E2"), Distribution("E3"))),
        ("E1/en", (Distribution("E1", "/en"),)),
        ("E1/en/", (Distribution("E1", "/en"),)),
        ("E1/", (Distribution("E1"),)),
        ("E1/a/ü", (Distribution("E1", "/a/%C3%BC"),)),
        ("E1/en E1/de", (Distribution("E1", "/en"), Distribution("E1", "/de"))),
        ("E1 E1", (Distribution("E1"),)),
    ],
)
def test_a_text_without_options(text, expected):
    assert read_distributions(text) == expected
    assert first_flaw(text) is None


def test_what_is_not_written_is_as_in_the_whole_site():
    (distribution,) = read_distributions("E1", DEFAULTS)
    assert distribution == Distribution("E1", "", "/intranet", "Edge-Tag", ROLE)


def test_the_prefix_of_the_site_is_not_that_of_a_folder():
    (distribution,) = read_distributions("E1/en", DEFAULTS)
    assert distribution == Distribution("E1", "/en", "", "Edge-Tag", ROLE)


def test_the_ids_are_each_there_once():
    assert split_distributions("E1/en;prefix=/a E2 E1/de") == ("E1", "E2")


# --- options -----------------------------------------------------------------------------


def test_each_option_is_read():
    text = f"E1/en;role={OTHER_ROLE};prefix=/a/ü;header=X-Tags"
    (distribution,) = read_distributions(text, DEFAULTS)
    assert distribution == Distribution("E1", "/en", "/a/%C3%BC", "X-Tags", OTHER_ROLE)
    assert first_flaw(text) is None


def test_an_empty_option_is_none_where_the_site_has_one():
    (distribution,) = read_distributions("E1;role=;prefix=", DEFAULTS)
    assert (distribution.prefix, distribution.role_arn) == ("", "")
    assert first_flaw("E1;role=;prefix=;") is None


def test_a_role_and_a_header_hold_for_all_that_a_distribution_serves():
    found = read_distributions(f"E1/en E1/de;role={ROLE};header=X-Tags E2")
    assert [each.role_arn for each in found] == [ROLE, ROLE, ""]
    assert [each.tag_header for each in found] == ["X-Tags", "X-Tags", "Cache-Tag"]


def test_a_prefix_holds_for_the_folder_it_is_written_at():
    found = read_distributions("E1/en;prefix=/a E1/de E1/en")
    assert [(each.root, each.prefix) for each in found] == [("/en", "/a"), ("/de", "")]


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("EE- E1", Flaw(Problem.ID, "EE-", "EE-")),
        ("E1 ;role=", Flaw(Problem.ID, "", "")),
        ("E1;rolle=x", Flaw(Problem.UNKNOWN_OPTION, "E1", "rolle")),
        ("E1;x", Flaw(Problem.UNKNOWN_OPTION, "E1", "x")),
        ("E1;role=admin", Flaw(Problem.ROLE, "E1", "admin")),
        ("E1;prefix=intranet", Flaw(Problem.PREFIX, "E1", "intranet")),
        ("E1;prefix=/a/", Flaw(Problem.PREFIX, "E1", "/a/")),
        ("E1;prefix=/a/../b", Flaw(Problem.PREFIX, "E1", "/a/../b")),
        ("E1;header=", Flaw(Problem.HEADER, "E1", "")),
        ("E1;header=X:Tags", Flaw(Problem.HEADER, "E1", "X:Tags")),
        ("E1;header=A E1;header=B", Flaw(Problem.CONTRADICTION, "E1", "header")),
        (
            f"E1/en;role={ROLE} E1/de;role={OTHER_ROLE}",
            Flaw(Problem.CONTRADICTION, "E1", "role"),
        ),
        ("E1;prefix=/a E1;prefix=/b", Flaw(Problem.CONTRADICTION, "E1", "prefix")),
        ("E1;prefix=/a;prefix=/b", Flaw(Problem.CONTRADICTION, "E1", "prefix")),
    ],
)
def test_the_first_flaw_is_named(text, flaw):
    assert first_flaw(text) == flaw
    # And whatever is wrong, a save goes on
    read_distributions(text, DEFAULTS)


@pytest.mark.parametrize(
    "text",
    [
        "E1;header=A E1;header=A",
        "E1;header=A E1",
        "E1/en;prefix=/a E1/de;prefix=/b",
        "E1;header=A E2;header=B",
    ],
)
def test_the_same_id_twice_may_agree(text):
    assert first_flaw(text) is None


# --- laws --------------------------------------------------------------------------------

paths = st.lists(st.text("abc-_.ü%é", min_size=1).filter(lambda part: part.strip(".")))
places = paths.map(lambda parts: encode("".join(f"/{part}" for part in parts)))
headers = st.from_regex(r"[A-Za-z][A-Za-z-]{0,9}", fullmatch=True)
roles = st.sampled_from(["", ROLE, OTHER_ROLE])
all_defaults = st.builds(Defaults, places, headers, roles)


@st.composite
def consistent(draw):
    """Distributions of which those with the same id agree."""
    ids = st.sampled_from(["E1", "E2ABC", "dt_a", "dt_aB9"])
    by_id, by_root, found = {}, {}, []
    for identifier, root in draw(st.lists(st.tuples(ids, places), max_size=6)):
        if identifier not in by_id:
            by_id[identifier] = draw(st.tuples(headers, roles))
        if (identifier, root) not in by_root:
            by_root[identifier, root] = draw(places)
        header, role = by_id[identifier]
        prefix = by_root[identifier, root]
        found.append(Distribution(identifier, root, prefix, header, role))
    return tuple(dict.fromkeys(found))


@given(consistent(), all_defaults)
def test_what_is_written_is_read_again(distributions, defaults):
    text = write_distributions(distributions, defaults)
    assert first_flaw(text) is None
    assert read_distributions(text, defaults) == distributions


@given(consistent())
def test_what_is_as_in_the_whole_site_is_not_written(distributions):
    for each in distributions:
        prefix = "" if each.root else each.prefix
        defaults = Defaults(prefix, each.tag_header, each.role_arn)
        if each.prefix == prefix:
            assert write_distributions([each], defaults) == f"{each.id}{each.root}"


@given(st.text("E1dt_/;=,.ar \n:é*role prefix header", max_size=60), all_defaults)
def test_no_text_raises_anything(text, defaults):
    first_flaw(text)
    found = read_distributions(text, defaults)
    assert len(set(found)) == len(found)
    assert split_distributions(text) == tuple(dict.fromkeys(each.id for each in found))
