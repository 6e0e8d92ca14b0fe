"""Specification: CloudFront refuses none of our items, whatever people type."""

from collective.cloudfront.changes.addresses import inside_root
from collective.cloudfront.changes.addresses import public_item
from collective.cloudfront.local import ControlPlane
from collective.cloudfront.local import Options
from collective.cloudfront.local import rules
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.reach.urls import path_inside
from hypothesis import given
from hypothesis import strategies as st
from urllib.parse import quote

import pytest


# Ids, file names and prefixes: anything but the slash, which separates them.
names = st.text(
    st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1
)
paths = st.lists(names, max_size=6)


@given(prefix=paths, ids=paths, rest=paths)
def test_the_local_cloudfront_accepts_every_item(prefix, ids, rest):
    control = ControlPlane(Options(distributions=("E1",)))
    physical = ("", "Plone", *ids)
    inside = path_inside(physical, ("", "Plone"))
    public = "".join(f"/{name}" for name in prefix)
    items = {
        public_item(public, inside),
        public_item(public, f"{inside}/@@download/file/{'/'.join(rest)}"),
        public_item(public, "/*"),
        subtree(public + inside),
    }
    made = control.create_invalidation("E1", "reference", sorted(items))
    assert set(made.items) == items


@given(ids=paths.filter(lambda ids: not any("*" in each for each in ids)))
def test_an_item_reaches_what_plone_links_to(ids):
    inside = path_inside(("", "Plone", *ids), ("", "Plone"))
    url = "".join(f"/{quote(name)}" for name in ids) or "/"
    assert rules.reaches(public_item("", inside), url)
    assert rules.reaches(subtree(inside), f"{url}/below?x=1".replace("//", "/"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/en/a", "/a"),
        ("/en/a*", "/a*"),
        ("/en", "/"),
        ("/en?*", "/?*"),
        ("/en/", "/"),
        ("/en/*", "/*"),
        ("/en*", "/*"),
        ("/e*", "/*"),
        ("/*", "/*"),
        ("/english", None),
        ("/english*", None),
        ("/de/a", None),
        ("/", None),
        ("/++api++/en/a*", "/++api++/a*"),
        ("/++api++/en", "/++api++"),
        ("/++api++/de", None),
    ],
)
def test_a_distribution_may_have_a_folder_as_its_front_page(path, expected):
    assert inside_root(path, "/en") == expected


@given(ids=paths, rest=paths, root=paths.filter(bool))
def test_what_an_item_reaches_in_the_site_it_reaches_below_a_root(ids, rest, root):
    """Whatever URL an item reaches, the item below a root reaches it there."""
    folder = path_inside(("", "P", *root), ("", "P"))
    url = path_inside(("", "P", *root, *rest), ("", "P"))
    for item in (url, f"{url}*", f"{path_inside(('', 'P', *root[:1]), ('', 'P'))}*"):
        below = inside_root(item, folder)
        assert below is not None
        expected = url[len(folder) :] or "/"
        assert rules.reaches(public_item("", below), public_item("", expected))
