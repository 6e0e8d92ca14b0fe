"""Specification: what a query of the catalog depends on."""

from collective.cloudfront.tagging.places import navigated
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.recording.queries import Query
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from plone import api
from plone.event.interfaces import IEvent

import pytest


def facts(portal, sort_on=(), **query) -> set[Fact]:
    catalog = portal.portal_catalog._catalog
    indexes = [catalog.indexes[name] for name in sort_on] or None
    return set(
        Query(
            catalog, query, indexes, "/plone", navigated(portal.portal_registry)
        ).facts()
    )


def children(path, edit=False):
    return Fact(Kind.CHILDREN, path, edit)


def below(path, edit=False):
    return Fact(Kind.BELOW, path, edit)


def label(path):
    return Fact(Kind.LABEL, path)


SITE = below("/plone")
EVENT = "plone.event.interfaces.IEvent"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Places
        ({"path": {"query": "/plone/a", "depth": 1}}, {children("/plone/a")}),
        ({"path": {"query": "/plone/a", "depth": 0}}, {label("/plone/a")}),
        ({"path": "/plone/a"}, {label("/plone/a"), below("/plone/a")}),
        ({"path": "/plone/a/"}, {label("/plone/a"), below("/plone/a")}),
        (
            {"path": {"query": "/plone/a", "depth": 2}},
            {label("/plone/a"), below("/plone/a")},
        ),
        (
            {"path": {"query": ["/plone/a", "/plone/b"], "depth": 1}},
            {children("/plone/a"), children("/plone/b")},
        ),
        (
            {"path": {"query": "/plone/a/b", "navtree": 1}},
            {children("/plone"), children("/plone/a"), children("/plone/a/b")},
        ),
        (
            {"path": {"query": "/plone/a/b", "navtree": 1, "navtree_start": 2}},
            {children("/plone/a"), children("/plone/a/b")},
        ),
        (
            {"path": {"query": "/plone/a/b", "navtree": True, "depth": 0}},
            {label("/plone"), label("/plone/a"), label("/plone/a/b")},
        ),
        # Nothing that rules out a place
        ({}, {SITE}),
        ({"path": ""}, {SITE}),
        ({"path": "/"}, {SITE}),
        ({"path": {"query": "a", "level": -1}}, {SITE}),
        ({"Subject": "x", "review_state": "published"}, {SITE}),
        ({"object_provides": "some.IInterface"}, {SITE}),
        # Types
        ({"portal_type": "Document"}, {Fact(Kind.OF_TYPE, "Document")}),
        (
            {"portal_type": ["Document", "Event"], "path": "/plone"},
            {
                Fact(Kind.OF_TYPE, "Document"),
                Fact(Kind.OF_TYPE, "Event"),
                label("/plone"),
            },
        ),
        ({"portal_type": list("abcde")}, {SITE}),
        ({"portal_type": {"not": "Document"}}, {SITE}),
        ({"object_provides": EVENT}, {Fact(Kind.OF_TYPE, EVENT)}),
        ({"object_provides": IEvent}, {Fact(Kind.OF_TYPE, EVENT)}),
        ({"object_provides": [EVENT, "some.IInterface"]}, {SITE}),
        (
            {"portal_type": "Document", "path": {"query": "/plone/a", "depth": 1}},
            {children("/plone/a")},
        ),
        (
            {"portal_type": "Document", "path": "/plone/a"},
            {label("/plone/a"), below("/plone/a")},
        ),
        # Single objects
        ({"UID": "u"}, {Fact(Kind.LABEL, "u", is_uid=True)}),
        (
            {"UID": ["u", "v"], "portal_type": "Document"},
            {Fact(Kind.LABEL, "u", is_uid=True), Fact(Kind.LABEL, "v", is_uid=True)},
        ),
        ({"UID": {"not": "u"}}, {SITE}),
    ],
)
def test_what_rules_objects_out(portal, query, expected):
    assert facts(portal, **query) == expected


@pytest.mark.parametrize(
    ("query", "edit"),
    [
        ({"SearchableText": "x"}, True),
        ({"Title": "x"}, False),
        ({"Description": "x"}, False),
        ({"modified": {"query": 0, "range": "min"}}, True),
        ({"effective": {"query": 0, "range": "min"}}, False),
        ({"getRawRelatedItems": "x"}, True),
        ({"unknown": "x"}, False),
        ({"sort_on": ("modified",)}, True),
        ({"sort_on": ("sortable_title", "modified")}, True),
        ({"sort_on": ("sortable_title",)}, False),
    ],
)
def test_any_edit_changes_full_text_and_dates(portal, query, edit):
    assert facts(portal, **query) == {below("/plone", edit)}
    place = {"query": "/plone/a", "depth": 1}
    assert facts(portal, path=place, **query) == {children("/plone/a", edit)}
    whole = facts(portal, path={"query": "/plone/a", "depth": 3}, **query)
    assert (below("/plone/a", True) in whole) is edit


def test_the_date_is_that_of_publication_if_there_is_one(portal):
    found = facts(portal, sort_on=["Date"], portal_type="News Item")
    assert found == {Fact(Kind.OF_TYPE, "News Item"), Fact(Kind.UNDATED, "News Item")}


def test_the_date_of_any_type_is_that_of_any_edit(portal):
    assert facts(portal, sort_on=["Date"]) == {below("/plone", True)}
    events = {"query": [IEvent.__identifier__]}
    found = facts(portal, sort_on=["Date"], object_provides=events)
    assert found == {Fact(Kind.OF_TYPE, IEvent.__identifier__, True)}


def test_positions_change_without_their_objects(portal):
    found = facts(portal, sort_on=["getObjPositionInParent"], portal_type="Document")
    assert found == {SITE}


def test_trees_to_a_depth_reach_beyond_the_way(portal):
    """As contextnavigation asks: ExtendedPathIndex finds what is not deeper, anywhere."""
    place = {"query": "/plone/a/b", "navtree": 1, "navtree_start": 2, "depth": 999}
    assert facts(portal, path=place) == {
        label("/plone/a"),
        label("/plone/a/b"),
        SITE,
        below("/plone/a/b"),
    }


@pytest.mark.parametrize(
    ("changed", "is_navigation"),
    [
        ({}, True),
        ({"sort_on": ("getObjPositionInParent",)}, True),
        ({"sort_on": ("modified",)}, False),
        ({"portal_type": ["Document"]}, True),
        ({"portal_type": ["Document", "Discussion Item"]}, False),
        ({"portal_type": ()}, False),
        ({"exclude_from_nav": True}, False),
        ({"exclude_from_nav": ()}, False),
    ],
)
def test_navigation_is_told_by_its_types_and_what_is_excluded(
    portal, changed, is_navigation
):
    types = list(api.portal.get_registry_record("plone.displayed_types"))
    place = {"query": "/plone/en", "depth": 3}
    query = {"portal_type": types, "exclude_from_nav": False, "path": place, **changed}
    expected = Fact(Kind.WITHIN, "/plone/en", depth=3)
    assert (expected in facts(portal, **query)) is is_navigation


def test_navigation_may_show_what_is_excluded(portal):
    query = {"portal_type": ["Document"], "path": {"query": "/plone", "depth": 1}}
    assert facts(portal, **query) == {children("/plone")}
    api.portal.set_registry_record("plone.show_excluded_items", True)
    assert facts(portal, **query) == {Fact(Kind.WITHIN, "/plone", depth=1)}


def test_what_trees_find_is_within_that(portal):
    for path in ("a", "a/b", "a/b/c", "a/b/d", "e", "e/f", "e/f/g"):
        parent, _slash, name = path.rpartition("/")
        container = portal.unrestrictedTraverse(parent) if parent else portal
        api.content.create(container, "Folder", name)
    for start in range(5):
        for depth in (2, 3, 999):
            for path in ("/plone/a", "/plone/a/b", "/plone/a/b/c"):
                asked = {"query": path, "navtree": 1, "depth": depth}
                asked["navtree_start"] = start
                found = portal.portal_catalog.unrestrictedSearchResults(path=asked)
                allowed = facts(portal, path=asked)
                for brain in found:
                    assert any(reaches(each, brain.getPath()) for each in allowed)


def reaches(fact: Fact, path: str) -> bool:
    inside = path[len(fact.key) :] if f"{path}/".startswith(f"{fact.key}/") else None
    if inside is None:
        return False
    depth = inside.count("/")
    match fact.kind:
        case Kind.LABEL:
            return depth == 0
        case Kind.CHILDREN:
            return depth == 1
        case Kind.WITHIN:
            return 0 < depth <= fact.depth
        case Kind.BELOW:
            return depth > 0
    return False
