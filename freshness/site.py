"""Runs in Zope: make a site with one of everything that editors work on.

``python -m freshness.site etc/zope.conf E123``. What the operations work on is in the
folder ``work`` and has a name that says for which one it is.
"""

from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.make_site import make_site
from io import BytesIO
from typing import Any

import os
import sys
import transaction


#: More than a batch, so that there is a second page of the listing.
LISTED = 25
#: Published at once.
BULK = 60
FILE_NAME = "Übersicht 2026.txt"

_PROFILES = (
    "plone.restapi:default",
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
}
_PUBLIC_PAGES = (
    "edit-text",
    "edit-form",
    "edit-title",
    "rename",
    "move",
    "copy",
    "delete",
    "retract",
    "hide",
    "expire",
    "arrive",
    "depart",
    "undo",
    "check-out",
    "discussed",
    "related",
)


def picture(colour: str) -> bytes:
    """Return a PNG of one colour."""
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (900, 600), colour).save(file, "PNG")
    return file.getvalue()


def make(app: Any, distribution: str) -> None:
    """Make the demo's site, and add the content."""
    make_site(app, distribution)
    site = app[SITE_ID]
    for profile in _PROFILES:
        site.portal_setup.runAllImportStepsFromProfile(f"profile-{profile}")
    _configure()
    _add_top(site)
    _add_work(site)
    _add_lists(site)
    _relate(site)
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


def _add_work(site: Any) -> None:
    work = _add(site, "Folder", "work")
    for name in _PUBLIC_PAGES:
        _add(work, "Document", name)
    for name in ("publish", "share"):
        _add(work, "Document", name, publish=False)
    _submit(_add(work, "Document", "reject", publish=False))
    work["discussed"].allow_discussion = True
    _add(work, "News Item", "news", image=_image("news.png", "green"))
    _add(work, "Event", "event")
    _add_collection(work, "collection")
    _add(work, "Image", "photo", image=_image("photo.png", "blue"))
    for name in ("rename-folder", "move-folder", "retract-folder", "delete-folder"):
        _add(_add(_add(work, "Folder", name), "Folder", "sub"), "Document", "page")
    _add(work, "Folder", "target")
    _add(_add(work, "Folder", "private", publish=False), "Document", "inside")
    for name in ("default-set", "default-text", "default-unset", "arranged", "order"):
        folder = _add(work, "Folder", name)
        for child in ("first", "other"):
            _add(folder, "Document", child)
    for name in ("default-text", "default-unset"):
        work[name].setDefaultPage("first")


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
    for name in ("edit-title", "retract", "delete"):
        api.relation.create(page, site["work"][name], "relatedItems")


def _add(container: Any, portal_type: str, name: str, **fields: Any) -> Any:
    from plone.app.textfield.value import RichTextValue
    from plone.dexterity.utils import createContentInContainer

    publish = fields.pop("publish", True)
    fields = {"id": name, "title": name.replace("-", " ").title(), **fields}
    if portal_type in ("Document", "News Item"):
        fields["text"] = RichTextValue(
            f"<p>About {name}.</p>", "text/html", "text/x-html-safe"
        )
    content = createContentInContainer(
        container, portal_type, checkConstraints=False, **fields
    )
    workflow = container.portal_workflow
    if publish and workflow.getChainFor(content):
        workflow.doActionFor(content, "publish")
    return content


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
            },
            {
                "i": "path",
                "o": "plone.app.querystring.operation.string.absolutePath",
                "v": "/work",
            },
        ],
        sort_on="sortable_title",
        item_count=60,
    )


def _image(name: str, colour: str) -> Any:
    from plone.namedfile.file import NamedBlobImage

    return NamedBlobImage(picture(colour), filename=name)


def _file() -> Any:
    from plone.namedfile.file import NamedBlobFile

    return NamedBlobFile(b"The first text.", "text/plain", FILE_NAME)


def main(zope_conf: str, distribution: str) -> None:
    """Start Zope without a server, and create the site."""
    from Testing.makerequest import makerequest
    from zope.globalrequest import setRequest
    from Zope2.Startup.run import make_wsgi_app

    import Zope2

    # Nothing is cached yet, so there is nothing to purge.
    os.environ["CLOUDFRONT_ENABLED"] = "false"
    make_wsgi_app({}, zope_conf)
    app = makerequest(Zope2.app())
    app.REQUEST["PARENTS"] = [app]
    setRequest(app.REQUEST)
    make(app, distribution)
    Zope2.DB.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
