"""Specification: who shows a picture is purged when somebody says that it changed.

As plone.app.imagecropping does: it raises a purge event, and nothing else.
"""

from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.tests.changes.test_changes import collected
from collective.cloudfront.tests.changes.test_changes import create
from collective.cloudfront.tests.changes.test_changes import deep  # noqa: F401
from collective.cloudfront.tests.changes.test_changes import reached
from collective.cloudfront.tests.changes.test_changes import site  # noqa: F401
from dataclasses import replace
from plone import api
from plone.namedfile.file import NamedBlobImage
from plone.namedfile.tests import getFile
from plone.uuid.interfaces import IUUID
from z3c.caching.purge import Purge
from zope.event import notify
from zope.lifecycleevent import Attributes

import pytest
import transaction


@pytest.fixture(params=["Image", "News Item"])
def picture(deep, request):  # noqa: F811
    """A picture too deep for the navigation, or something that has one."""
    image = NamedBlobImage(getFile("image.png"), filename="image.png")
    return create(deep, request.param, id="pic", image=image)


def showing(site, picture):  # noqa: F811
    """Make a page elsewhere whose text shows the picture."""
    from plone.app.textfield.value import RichTextValue

    page = create(create(site, "Folder", id="elsewhere"), id="page")
    source = f"resolveuid/{IUUID(picture)}/@@images/image/preview"
    page.text = RichTextValue(f'<img src="{source}">', "text/html", "text/html")
    # What plone.app.linkintegrity does
    api.relation.create(page, picture, "isReferencing")
    transaction.savepoint(optimistic=True)
    return page


def forgotten(site, by_tags):  # noqa: F811
    """Forget what was collected, and purge by tags or by paths from now on."""
    collected(site)
    changes = changes_of(site)
    changes.settings = replace(changes.settings, by_tags=by_tags, by_paths=not by_tags)


def test_by_paths_pages_and_listings_that_show_it(site, picture):  # noqa: F811
    showing(site, picture)
    forgotten(site, by_tags=False)
    notify(Purge(picture))
    assert reached(
        collected(site),
        "/one/two/three/pic",
        "/one/two/three/pic/@@images/image-400-0123456789abcdef.png",
        "/one/two/three",
        "/one/two/three?b_start:int=20",
        "/elsewhere/page",
    )


def test_by_tags_whatever_shows_more_than_its_own_page(site, picture):  # noqa: F811
    forgotten(site, by_tags=True)
    notify(Purge(picture))
    uid, folder = IUUID(picture), IUUID(picture.aq_parent)
    assert {f"#{uid}", f"#{uid}.l", f"#{folder}.c"} <= collected(site)


def test_the_edit_of_a_mere_text_reaches_no_more(site, picture):  # noqa: F811
    from plone.app.dexterity.behaviors.metadata import IDublinCore
    from zope.lifecycleevent import ObjectModifiedEvent

    showing(site, picture)
    forgotten(site, by_tags=False)
    # Plone answers this with a purge event of its own
    notify(ObjectModifiedEvent(picture, Attributes(IDublinCore, "IDublinCore.rights")))
    assert not reached(collected(site), "/elsewhere/page")


def test_what_is_no_picture_is_purged_alone_by_paths(site, deep):  # noqa: F811
    page = create(deep, id="page")
    forgotten(site, by_tags=False)
    notify(Purge(page))
    assert collected(site) == {"/one/two/three/page*"}
