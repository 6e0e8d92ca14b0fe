"""Runs in Zope: make a site with one of everything that editors work on.

``python -m freshness.site etc/zope.conf E123 classic``. What the operations work on is in the
folders ``work``, ``moving``, ``states`` and ``folders``, and has a name that says for which one it is.
"""

from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.make_site import main
from collective.cloudfront.demo.make_site import make_site
from DateTime import DateTime
from datetime import timedelta
from io import BytesIO
from typing import Any

import sys
import transaction


#: More than a batch, so that there is a second page of the listing.
LISTED = 25
#: Published at once.
BULK = 60
#: Who wrote nothing that is there from the beginning.
AUTHOR = "by-author"
FILE_NAME = "Übersicht 2026.txt"

_PROFILES = (
    "plone.app.discussion:default",
    "plone.app.iterate:default",
)
_DISCUSSION = "plone.app.discussion.interfaces.IDiscussionSettings"
_SYNDICATION = "plone.base.interfaces.syndication.ISiteSyndicationSettings"
_SETTINGS = {
    f"{_DISCUSSION}.globally_enabled": True,
    f"{_DISCUSSION}.anonymous_comments": True,
    f"{_SYNDICATION}.default_enabled": True,
    "plone.enable_sitemap": True,
    # Otherwise Plone's own memory may answer with an old feed, as fresh as it gets.
    "plone.app.caching.moderateCaching.plone.content.feed.ramCache": False,
}
#: What is in each folder that operations work in; many in one make it slow, because
#: the navigation of each has all others.
_WORK = ("edit-text", "edit-form", "edit-title", "check-out", "discussed", "related")
_MOVING = ("rename", "move", "copy", "delete", "undo", "again")
_STATES = ("retract", "hide", "expire", "arrive", "depart")
_FOLDERS = ("default-set", "default-text", "default-unset", "default-gone")
_FOLDERS += ("arranged", "order")
#: A walk deletes, renames and moves none of these folders.
KEPT = ("/work", "/moving", "/moving/target", "/moving/private", "/states", "/bulk")


def picture(colour: str) -> bytes:
    """Return a PNG of one colour."""
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (900, 600), colour).save(file, "PNG")
    return file.getvalue()


def make(app: Any, distribution: str, kind: str) -> None:
    """Make the demo's site, and add the content."""
    make_site(app, distribution, kind)
    site = app[SITE_ID]
    for profile in _PROFILES:
        site.portal_setup.runAllImportStepsFromProfile(f"profile-{profile}")
    _configure()
    _add_top(site)
    _add_work(site)
    if not _has_folders(site):
        _add(site["work"]["edit-text"], "Document", "child")
    _add_lists(site)
    _relate(site)
    _assign_portlets(site)
    transaction.commit()


def _configure() -> None:
    from plone import api

    for name, value in _SETTINGS.items():
        api.portal.set_registry_record(name, value)


def _add_top(site: Any) -> None:
    for name in ("top-page", "top-rename", "top-delete", "top-copy"):
        _add(site, "Document", name)
    _add(site, "Document", "top-private", publish=False)
    _add_collection(site, "collection")
    _add(site, "Image", "photo", image=_image("photo.png", "red"))
    _add(site, "File", "file", file=_file())
    _add(site, "Link", "link", remoteUrl="${navigation_root_url}/top-page")
    deep = site
    for name in ("deep", "b", "c", "d", "e"):
        deep = _add(deep, "Folder", name)
    _add(deep, "Document", "page")
    _add(deep, "News Item", "news", image=_image("news.png", "yellow"))
    _add(deep, "Event", "event")


def _add_work(site: Any) -> None:
    work = _add_pages(site, "work", _WORK)
    work["discussed"].allow_discussion = True
    _add(work, "News Item", "news", image=_image("news.png", "green"))
    _add(work, "Event", "event")
    _add_collection(work, "collection")
    _add_upcoming(work)
    _add_of_author(work)
    _add(work, "Image", "photo", image=_image("photo.png", "blue"))
    moving = _add_pages(site, "moving", _MOVING)
    for name in ("rename-folder", "move-folder", "delete-folder"):
        _add_tree(moving, name)
    _add(moving, "Folder", "target")
    _add(_add(moving, "Folder", "private", publish=False), "Document", "inside")
    states = _add_pages(site, "states", _STATES)
    for name in ("publish", "share"):
        _add(states, "Document", name, publish=False)
    _submit(_add(states, "Document", "reject", publish=False))
    _add_tree(states, "retract-folder")
    folders = _add_pages(site, "folders", ())
    for name in _FOLDERS:
        _add_pages(folders, name, ("first", "other"))
    for name in ("default-text", "default-unset", "default-gone"):
        folders[name].setDefaultPage("first")


def _add_pages(container: Any, name: str, pages: tuple[str, ...]) -> Any:
    folder = _add(container, "Folder", name)
    for page in pages:
        _add(folder, "Document", page)
    return folder


def _add_tree(container: Any, name: str) -> None:
    _add(_add(_add(container, "Folder", name), "Folder", "sub"), "Document", "page")


def _add_lists(site: Any) -> None:
    listing = _add(site, "Folder", "listing")
    for number in range(1, LISTED + 1):
        _add(listing, "Document", f"listed-{number:02}")
    bulk = _add(site, "Folder", "bulk")
    for number in range(1, BULK + 1):
        _add(bulk, "Document", f"bulk-{number:02}", publish=False)


def _relate(site: Any) -> None:
    from plone import api

    page = site["work"]["related"]
    for folder, name in (("work", "edit-title"), ("states", "retract")):
        api.relation.create(page, site[folder][name], "relatedItems")
    api.relation.create(page, site["moving"]["delete"], "relatedItems")


def _assign_portlets(site: Any) -> None:
    """News on every page, and a collection on those of one folder.

    No events: that portlet keeps content in memory beyond its database connection,
    and shows an error or a broken link now and then, which then is in the cache.
    """
    from plone.app.portlets.portlets import news
    from plone.portlet.collection import collection
    from plone.portlets.interfaces import IPortletAssignmentMapping
    from plone.portlets.interfaces import IPortletManager
    from zope.component import getMultiAdapter
    from zope.component import getUtility

    def assign(place: Any, name: str, assignment: Any) -> None:
        manager = getUtility(IPortletManager, name="plone.rightcolumn")
        mapping = getMultiAdapter((place, manager), IPortletAssignmentMapping)
        mapping[name] = assignment

    manager = getUtility(IPortletManager, name="plone.rightcolumn")
    mapping = getMultiAdapter((site, manager), IPortletAssignmentMapping)
    for name in [name for name in mapping if "events" in name]:
        del mapping[name]
    assign(site, "all-news", news.Assignment(count=20))
    listed = collection.Assignment(header="Listed", uid=site["collection"].UID())
    assign(site["listing"], "collection", listed)


def _add(container: Any, portal_type: str, name: str, **fields: Any) -> Any:
    from plone.app.textfield.value import RichTextValue
    from plone.dexterity.utils import createContentInContainer

    publish = fields.pop("publish", True)
    if portal_type == "Folder" and not _has_folders(container):
        portal_type = "Document"
    fields = {"id": name, "title": name.replace("-", " ").title(), **fields}
    if portal_type in ("Document", "News Item"):
        fields["text"] = RichTextValue(
            f"<p>About {name}.</p>", "text/html", "text/x-html-safe"
        )
    if portal_type == "Event":
        # Without dates it always is in the next hour
        start = (DateTime() + 1).asdatetime().replace(second=0, microsecond=0)
        fields.update(start=start, end=start + timedelta(hours=2))
    content = createContentInContainer(
        container, portal_type, checkConstraints=False, **fields
    )
    workflow = container.portal_workflow
    if publish and workflow.getChainFor(content):
        # As publishing in Plone's forms and its REST API does
        content.setEffectiveDate(DateTime() - 1)
        workflow.doActionFor(content, "publish")
    return content


def _has_folders(context: Any) -> bool:
    """Volto has pages instead, which hold pages."""
    return context.portal_types["Folder"].global_allow


def _submit(content: Any) -> None:
    content.portal_workflow.doActionFor(content, "submit")


def _add_collection(container: Any, name: str) -> None:
    _add(
        container,
        "Collection",
        name,
        query=[
            {
                "i": "portal_type",
                "o": "plone.app.querystring.operation.selection.any",
                "v": ["Document", "News Item", "Event"],
            }
        ],
        sort_on="sortable_title",
        item_count=20,
    )


def _add_upcoming(container: Any) -> None:
    """Add a collection of events that are not over."""
    operations = "plone.app.querystring.operation"
    query = [
        {"i": "portal_type", "o": f"{operations}.selection.any", "v": ["Event"]},
        {"i": "end", "o": f"{operations}.date.afterToday", "v": ""},
    ]
    _add(container, "Collection", "upcoming", query=query, sort_on="start")


def _add_of_author(container: Any) -> None:
    """Add a collection of what somebody wrote: nothing yet."""
    operations = "plone.app.querystring.operation"
    query = [
        {"i": "portal_type", "o": f"{operations}.selection.any", "v": ["Document"]},
        {"i": "Creator", "o": f"{operations}.string.is", "v": AUTHOR},
    ]
    _add(container, "Collection", "of-author", query=query)


def _image(name: str, colour: str) -> Any:
    from plone.namedfile.file import NamedBlobImage

    return NamedBlobImage(picture(colour), filename=name)


def _file() -> Any:
    from plone.namedfile.file import NamedBlobFile

    return NamedBlobFile(b"The first text.", "text/plain", FILE_NAME)


if __name__ == "__main__":
    main(*sys.argv[1:], make=make)
