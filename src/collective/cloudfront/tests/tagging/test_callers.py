"""Specification: the call stack narrows tags only where all of it is Plone's own."""

from collections.abc import Callable
from collective.cloudfront.tagging.recording.callers import AROUND
from collective.cloudfront.tagging.recording.callers import FUNCTIONS
from collective.cloudfront.tagging.recording.callers import LISTING
from collective.cloudfront.tagging.recording.callers import PORTLETS
from collective.cloudfront.tagging.recording.callers import shows_labels_only
from collective.cloudfront.tagging.recording.callers import shows_titles
from hypothesis import given
from hypothesis import strategies as st
from plone.app.contenttypes.browser.folder import FolderView
from plone.app.layout.viewlets.common import GlobalSectionsViewlet
from Products.CMFPlone.CatalogTool import CatalogTool
from Products.Five.browser.metaconfigure import SimpleViewClass
from types import FunctionType
from typing import Any

import pytest
import shutil
import sys


# --- made-up stacks -------------------------------------------------------------------

#: A frame: name of the module, name of the function, file name of the template, and
#: the local variables that count.
Frame = tuple[str, str, str, dict]

OTHER = ("my.addon.browser", "render", "", {})
RENDERING = "Products.Five.browser.pagetemplatefile"


def listed(view: type = FolderView) -> list[Frame]:
    """The stack above Plone's listing, the innermost frame first."""
    return [
        ("", "render", LISTING, {}),
        ("", "render", AROUND[-1], {}),
        ("chameleon.template", "render", "", {}),
        (RENDERING, "__call__", "", {"instance": object.__new__(view)}),
        ("ZPublisher.mapply", "mapply", "", {}),
    ]


handing_on = st.sampled_from(
    [
        ("Products.ZCatalog.CatalogBrains", "getObject", "", {}),
        ("plone.app.contentlisting.catalog", "getObject", "", {}),
        ("zope.tales.pythonexpr", "__call__", "", {}),
        (None, "<module>", "", {}),
    ]
)
recognised = st.one_of(
    st.just(listed()),
    st.sampled_from(sorted(FUNCTIONS)).map(lambda each: [(*each, "", {})]),
    st.sampled_from(sorted(PORTLETS)).map(
        lambda module: [(module, "events", "", {"self": _instance(module)})]
    ),
)


def _instance(module: str) -> object:
    return type("Renderer", (), {"__module__": module})()


def asked(
    stack: list[Frame], anonymous_see_dates: bool = False, listings: Any = None
) -> bool:
    """Ask from the innermost frame of a stack."""

    def ask() -> bool:
        return shows_labels_only(sys._getframe(1), anonymous_see_dates, listings)

    names = {"__name__": None, "ask": ask}
    exec("def call(): return ask()", names)
    for frame in stack:
        names = _names(frame, names["call"])
    return names["call"]()


def _names(frame: Frame, inner: Callable[[], bool]) -> dict[str, Any]:
    """Return a module with a function, ``call``, in which ``inner`` is called."""
    module, function, template, variables = frame
    names = {"__name__": module, "inner": inner, "values": variables}
    if template:
        names["__filename"] = template
    taken = "".join(f"    {name} = values[{name!r}]\n" for name in variables)
    exec(f"def call():\n{taken}    return inner()\n", names)
    code = names["call"].__code__.replace(co_name=function)
    names["call"] = FunctionType(code, names)
    return names


@given(st.lists(handing_on, max_size=4), recognised)
def test_plones_own_code_shows_labels_only(between, caller):
    assert asked([*between, *caller])


@given(st.lists(handing_on, max_size=4), recognised)
def test_what_is_remembered_of_listings_changes_no_answer(between, caller):
    listings: dict[Any, bool] = {}
    assert asked([*between, *caller], listings=listings)
    assert set(listings.values()) <= {True}
    listings = dict.fromkeys(listings, False)
    # Of another listing, whatever its frame is like
    assert asked([*between, *caller], listings=listings)
    assert not asked([*between, OTHER, *caller], listings=listings)


@given(st.lists(handing_on, max_size=4), recognised, st.integers(0, 4))
def test_other_code_in_between_makes_tags_broader(between, caller, position):
    between.insert(position, OTHER)
    assert not asked([*between, *caller])


@given(st.text(), st.text("abc_", min_size=1), recognised)
def test_a_module_that_nobody_knows_makes_tags_broader(name, function, caller):
    assert not asked([(f"my.{name}", function, "", {}), *caller])


@given(st.lists(handing_on, max_size=4))
def test_a_stack_without_a_listing_makes_tags_broader(between):
    assert not asked(between)


@given(st.integers(1, 2))
def test_another_template_makes_tags_broader(position):
    stack = listed()
    stack.insert(position, ("", "render", "/my/addon/page.pt", {}))
    assert not asked(stack)


def test_a_template_at_another_place_makes_tags_broader():
    stack = listed()
    stack[0] = ("", "render", "/my" + LISTING, {})
    assert not asked(stack)


def test_a_listing_that_shows_dates_depends_on_them():
    assert asked(listed())
    assert not asked(listed(), anonymous_see_dates=True)


def test_a_subclass_of_a_view_makes_tags_broader():
    assert not asked(listed(type("Mine", (FolderView,), {})))


def test_a_view_that_is_rendered_in_another_way_makes_tags_broader():
    stack = [each for each in listed() if each[0] != RENDERING]
    assert not asked(stack)


@pytest.mark.parametrize("portlet", sorted(PORTLETS))
def test_a_subclass_of_a_portlet_makes_tags_broader(portlet):
    assert not asked([(portlet, "events", "", {"self": _instance("my.addon")})])
    # A function of the module itself shows nothing
    assert not asked([(portlet, "events", "", {})])


# --- real pages -----------------------------------------------------------------------


class ListingOfTexts(FolderView):
    """A listing of an add-on, in Plone's template."""

    def batch(self):
        found = super().batch()
        texts = [each.getObject().text for each in found]
        self.request.response.setHeader("X-Texts", str(len(texts)))
        return found


@pytest.fixture
def listing(tagged, view):
    """Have the folder show a view whose template is Plone's."""

    def show(*bases: type, template: str = LISTING) -> str:
        made = SimpleViewClass(template, bases=bases, name="its-listing")
        view("its-listing", made)
        return "/folder/@@its-listing"

    return show


def test_a_listing_by_plones_own_class_leaves_texts_alone(listing, get):
    response = get(listing(FolderView))
    assert response.status == 200
    assert "folder.c" in response.tags or "folder" in response.tags
    assert "page" not in response.tags


def test_a_listing_by_a_class_of_an_add_on_depends_on_texts(listing, get):
    assert "page" in get(listing(ListingOfTexts)).tags


def test_a_copy_of_the_template_depends_on_texts(listing, get, tmp_path):
    copy = tmp_path / "plone/app/contenttypes/browser/templates/listing.pt"
    copy.parent.mkdir(parents=True)
    shutil.copy(LISTING, copy)
    assert "page" in get(listing(FolderView, template=str(copy))).tags


# --- tabs -----------------------------------------------------------------------------


def test_a_patch_of_the_tabs_may_show_more_than_titles(tagged, monkeypatch):
    asked = []

    def search(self, *args, **criteria):
        asked.append(shows_titles(sys._getframe(1)))
        return ()

    def customize(self, entry, brain):
        entry["title"] += brain.Description

    monkeypatch.setattr(CatalogTool, "searchResults", search)
    monkeypatch.setattr(GlobalSectionsViewlet, "customize_entry", customize)
    viewlet = GlobalSectionsViewlet(tagged, tagged.REQUEST, None, None)
    viewlet.__name__ = "tabs"
    assert set(viewlet.navtree) == {"/plone"}
    assert asked == [False, False]
