"""Specification: what REST's ``@inherit`` shows of the site and of sections above is
purged when it changes there.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.process import this_process
from collective.cloudfront.tests.tagging.conftest import HEADERS
from collective.cloudfront.tests.tagging.conftest import make
from collective.cloudfront.tests.tagging.conftest import named
from plone.autoform.interfaces import IFormFieldProvider
from plone.behavior.interfaces import IBehavior
from plone.behavior.registration import BehaviorRegistration
from plone.dexterity.schema import SCHEMA_CACHE
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from typing import Any
from zope import schema
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.interface import Interface
from zope.interface import provider

import json
import pytest
import transaction


OWNER = "Basic admin:secret"
#: How Volto asks for fields of what is above a page.
ASKED = ["/@inherit?", "?expand=inherit&"]
#: A behavior of a theme and one of Plone's own, each with a field.
HEADER, TEXT = "test.header", "plone.richtext"


@provider(IFormFieldProvider)
class IHeader(Interface):
    """A behavior of a theme, for the site and for sections."""

    intranet_flag = schema.TextLine(title="Flag", required=False)


def add_behavior(site: Any, portal_type: str, name: str) -> None:
    fti = site.portal_types[portal_type]
    fti.behaviors = (*fti.behaviors, name)
    SCHEMA_CACHE.invalidate(portal_type)


@pytest.fixture(autouse=True)
def behavior(tagged: Any) -> Iterator[None]:
    """Give the site and its folders a header, and the site a page beside a folder."""
    registration = BehaviorRegistration("Header", "", IHeader, IHeader, None)
    registry = getGlobalSiteManager()
    registry.registerUtility(registration, IBehavior, HEADER)
    add_behavior(tagged, "Folder", HEADER)
    add_behavior(tagged, "Plone Site", HEADER)
    make(tagged, "Document", "beside")
    transaction.commit()
    yield
    registry.unregisterUtility(registration, IBehavior, HEADER)
    SCHEMA_CACHE.clear()


@pytest.fixture
def patch(tagged: Any, browser: Callable[..., Browser]) -> Callable[..., set[str]]:
    """Change fields over REST, as Volto does; return what that purges."""

    def change(path: str, **fields: Any) -> set[str]:
        this_process().deliver()
        this_process().gateway.batches.clear()
        answer = browser().testapp.patch(
            f"{tagged.absolute_url()}/++api++{path}",
            json.dumps(fields).encode(),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Authorization": OWNER,
            },
        )
        assert answer.status_int == 204
        transaction.begin()
        return set(this_process().deliver())

    return change


def purging(how: str) -> None:
    registry = getUtility(IRegistry)
    registry[HEADERS] = how
    registry["collective.cloudfront.api_paths"] = "on"
    if how == "invalidate":
        since = "collective.cloudfront.cache_tags_since"
        registry[since] = "2020-01-01T00:00:00+00:00"
    transaction.commit()


def shown(response: Any) -> str:
    """Return the flag that an answer shows."""
    found = json.loads(response.body)
    inherited = found.get("@components", {}).get("inherit", found)
    return inherited[HEADER]["data"]["intranet_flag"]


def is_purged(tagged: Any, items: set[str], path: str, tags: set[str] | None) -> bool:
    """Say whether items remove an answer at a path, or with these tags."""
    url = f"/++api++{path}"
    return any(
        named(tagged, item[1:]) in (tags or ())
        if item.startswith("#")
        else reaches(item, url)
        for item in items
    )


@pytest.mark.parametrize(
    ("above", "page"), [("", "/beside"), ("/folder", "/folder/page")]
)
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("how", ["off", "invalidate"])
def test_a_field_that_is_inherited_is_purged(
    tagged, get, patch, how, asked, above, page
):
    purging(how)
    patch(above, intranet_flag="Old")
    answer = f"{page}{asked}expand.inherit.behaviors={HEADER}"
    before = get(f"/++api++{answer}")
    assert shown(before) == "Old"
    items = patch(above, intranet_flag="New")
    assert is_purged(tagged, items, answer, before.tags)
    assert shown(get(f"/++api++{answer}")) == "New"


def test_by_tags_the_pages_beside_a_section_stay(tagged, get, patch):
    purging("invalidate")
    beside = get("/++api++/beside").tags
    assert not is_purged(tagged, patch("/folder", intranet_flag="x"), "/beside", beside)


# --- fields of Plone's own ------------------------------------------------------------


@pytest.fixture
def link(tagged: Any) -> str:
    """The path of a link, which has no text, in a section that has one."""
    add_behavior(tagged, "Folder", TEXT)
    make(tagged["folder"], "Link", "link")
    transaction.commit()
    return "/folder/link"


@pytest.mark.parametrize("asked", ASKED)
def test_by_tags_a_text_that_is_inherited_is_purged(tagged, get, patch, link, asked):
    purging("invalidate")
    answer = f"{link}{asked}expand.inherit.behaviors={TEXT}"
    before = get(f"/++api++{answer}")
    assert "folder" in before.tags
    items = patch("/folder", text="New")
    assert is_purged(tagged, items, answer, before.tags)
    assert b"New" in get(f"/++api++{answer}").body


@pytest.mark.parametrize("asked", ASKED)
def test_by_paths_an_answer_with_a_text_that_is_inherited_is_not_stored(
    get, link, asked
):
    purging("off")
    answer = f"/++api++{link}{asked}expand.inherit.behaviors="
    private = get(f"{answer}{TEXT}").headers.get("Cache-Control")
    assert private == "private, no-store"
    assert get(f"{answer}{HEADER}").headers.get("Cache-Control") != private


def test_by_tags_a_text_that_is_not_inherited_is_not_waited_for(get, link):
    purging("invalidate")
    asked = f"?expand=inherit&expand.inherit.behaviors={HEADER},nothing"
    assert "folder" not in get(f"/++api++{link}{asked}").tags
    own = f"/folder?expand=inherit&expand.inherit.behaviors={TEXT}"
    assert "plone" not in get(f"/++api++{own}").tags
