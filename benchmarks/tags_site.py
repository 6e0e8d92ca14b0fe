"""Runs in Zope: make a site of many kinds of content, to measure cache tags with.

``python -m tags_site etc/zope.conf make E123 2000``, or ``… steady``, or ``… uncached``.
"""

from bench_site import without_versions
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.make_site import main as run
from collective.cloudfront.demo.make_site import make_site
from DateTime import DateTime
from datetime import timedelta
from io import BytesIO
from typing import Any

import random
import sys
import transaction


#: What is asked for by name.
FOLDER, COLLECTION = "/section-1/long", "/lists/pages"
DOCUMENT = f"{FOLDER}/document-3"
SECTIONS = 5
#: Of the site: news, events and pictures in folders of their own; the rest is in sections.
_NEWS, _EVENTS, _PICTURES = 0.1, 0.05, 0.05
#: More than a batch.
_LONG = 45
#: Folders below each folder of a section, and how deep they go.
_BRANCHES, _DEPTH = 3, 3
#: What a folder holds besides folders, in turns.
_MIX = (*["Document"] * 5, "Image", "Document", "News Item", "Document", "File")
_MIX += (*["Document"] * 4, "Link", "Document", "Event")
#: Of so many pages in sections one is private.
_PRIVATE = 15
_LAYOUTS = ("listing_view", "summary_view", "tabular_view", "album_view", "full_view")
_SUBJECTS = ("water", "fire", "earth", "air")
_SETTINGS = {
    "plone.base.interfaces.syndication.ISiteSyndicationSettings.default_enabled": True,
    "plone.enable_sitemap": True,
}
_CACHING = "plone.caching.interfaces.ICacheSettings.enabled"
_TEXT = "<p>" + "Whoever reads this has time, and wants to know more. " * 30 + "</p>"
_QUERY = "plone.app.querystring.operation"


def make(app: Any, distribution: str, objects: str) -> None:
    """Make the demo's site, and add so many objects, in one transaction."""
    from plone import api

    make_site(app, distribution)
    site = app[SITE_ID]
    for name, value in _SETTINGS.items():
        api.portal.set_registry_record(name, value)
    with without_versions(site):
        Maker(site, int(objects)).make()
    transaction.commit()


class Maker:
    """Adds content, some of it private, some with words of others."""

    def __init__(self, site: Any, objects: int):
        self.site = site
        self.objects = objects
        self.made = 0
        self.chance = random.Random(objects)
        self.pages: list[Any] = []
        self.pictures: list[Any] = []
        self._image = picture()

    def make(self) -> None:
        """Add everything."""
        self._add_dated("News Item", "stories", int(_NEWS * self.objects))
        self._add_dated("Event", "events", int(_EVENTS * self.objects))
        pictures = self.add(self.site, "Folder", "pictures", layout="album_view")
        for number in range(int(_PICTURES * self.objects)):
            self.add(pictures, "Image", f"picture-{number}")
        self._add_collections()
        sections = [
            self.add(self.site, "Folder", f"section-{number}")
            for number in range(1, SECTIONS + 1)
        ]
        sections[-1].exclude_from_nav = True
        sections[-1].reindexObject()
        self._add_pages(self.add(sections[0], "Folder", "long"), min(_LONG, self._left))
        for number, section in enumerate(sections):
            share = self._left // (SECTIONS - number)
            self._fill(section, share, _DEPTH)
        self._relate()
        self._assign_portlets(sections[0])
        front = self.site["welcome"]
        front.text = self._text(links=8)
        front.reindexObject()
        self.site.setDefaultPage("welcome")

    @property
    def _left(self) -> int:
        return max(0, self.objects - self.made)

    # Containers

    def _add_dated(self, portal_type: str, name: str, count: int) -> None:
        """Add a folder whose default page is a collection, with a folder per year."""
        top = self.add(self.site, "Folder", name)
        self._add_collection(top, "all", {"portal_type": [portal_type]}, "effective")
        top.setDefaultPage("all")
        years = [self.add(top, "Folder", str(2023 + number)) for number in range(3)]
        for number in range(count):
            short = portal_type.partition(" ")[0].lower()
            self.add(years[number % len(years)], portal_type, f"{short}-{number}")

    def _fill(self, container: Any, count: int, depth: int) -> None:
        """Add so much to a folder, most of it in folders below it."""
        branches = _BRANCHES if depth and count > 2 * _BRANCHES else 0
        here = count // 4 if branches else count
        self._add_mixed(container, here)
        for number in range(branches):
            share = (count - here) // branches
            folder = self.add(
                container,
                "Folder",
                f"folder-{number}",
                layout=_LAYOUTS[self.made % len(_LAYOUTS)],
                exclude_from_nav=self.made % 9 == 0,
            )
            self._fill(folder, share - 1, depth - 1)
            names = [name for name in folder.objectIds() if name.startswith("document")]
            if self.made % 4 == 0 and names:
                folder.setDefaultPage(names[0])

    def _add_mixed(self, container: Any, count: int) -> None:
        for number in range(count):
            portal_type = _MIX[(number + self.made) % len(_MIX)]
            name = f"{portal_type.partition(' ')[0].lower()}-{number}"
            private = portal_type == "Document" and self.made % _PRIVATE == 0
            self.add(container, portal_type, name, private=private)

    def _add_pages(self, container: Any, count: int) -> None:
        for number in range(count):
            self.add(container, "Document", f"document-{number}")

    def _add_collections(self) -> None:
        lists = self.add(self.site, "Folder", "lists")
        types = {"portal_type": ["Document", "News Item", "Event"]}
        self._add_collection(lists, "pages", types, "sortable_title")
        self._add_collection(lists, "changed", types, "modified")
        self._add_collection(lists, "subject", {"Subject": ["water"]}, "created")
        # Without collections: REST would serialize them in themselves, without end
        self._add_collection(
            lists, "all", {"portal_type": sorted(set(_MIX))}, "effective"
        )

    def _add_collection(
        self, container: Any, name: str, asked: dict[str, list[str]], sort_on: str
    ) -> None:
        query = [
            {"i": index, "o": f"{_QUERY}.selection.any", "v": values}
            for index, values in asked.items()
        ]
        fields = {"sort_on": sort_on, "sort_reversed": True, "item_count": 20}
        self.add(container, "Collection", name, query=query, **fields)

    # Content

    def add(self, container: Any, portal_type: str, name: str, **fields: Any) -> Any:
        """Add content, and publish it unless it is one that stays private."""
        from plone.dexterity.utils import createContentInContainer

        number = self.made
        self.made += 1
        layout, private = fields.pop("layout", ""), fields.pop("private", False)
        title = f"{name.replace('-', ' ').title()} of {container.title_or_id()}"
        content = createContentInContainer(
            container,
            portal_type,
            checkConstraints=False,
            id=name,
            title=title,
            description=f"What there is to know of {name}.",
            subject=(_SUBJECTS[number % len(_SUBJECTS)],),
            **self._fields_of(portal_type, number),
            **fields,
        )
        if layout:
            content.setLayout(layout)
        if not private:
            self._publish(content, number)
        kinds = {"Document": self.pages, "Image": self.pictures}
        kinds.get(portal_type, []).append(content)
        if number % 200 == 0:
            transaction.savepoint(optimistic=True)
        return content

    def _fields_of(self, portal_type: str, number: int) -> dict[str, Any]:
        from plone.namedfile.file import NamedBlobFile
        from plone.namedfile.file import NamedBlobImage

        image = NamedBlobImage(self._image, filename="picture.png")
        # Some are over
        start = DateTime().asdatetime() + timedelta(days=number % 60 - 20)
        match portal_type:
            case "Document":
                # Most link to few others, some to very many.
                return {"text": self._text(30 if number % 50 == 0 else number % 4)}
            case "News Item":
                return {"text": self._text(number % 3), "image": image}
            case "Event":
                return {"start": start, "end": start + timedelta(hours=2)}
            case "Image":
                return {"image": image}
            case "File":
                return {"file": NamedBlobFile(b"A file.", "text/plain", "file.txt")}
            case "Link":
                return {"remoteUrl": "${navigation_root_url}/welcome"}
        return {}

    def _text(self, links: int) -> Any:
        """Return a text with links to pages, and a picture for each third of them."""
        from plone.app.textfield.value import RichTextValue

        words = [_TEXT]
        for page in self._some(self.pages, links):
            words.append(f'<p><a href="resolveuid/{page.UID()}">More</a></p>')
        for image in self._some(self.pictures, links // 3):
            source = f"resolveuid/{image.UID()}/@@images/image/preview"
            words.append(f'<p><img src="{source}" alt="" /></p>')
        return RichTextValue("\n".join(words), "text/html", "text/x-html-safe")

    def _some(self, contents: list[Any], count: int) -> list[Any]:
        return self.chance.sample(contents, min(count, len(contents)))

    def _publish(self, content: Any, number: int) -> None:
        workflow = self.site.portal_workflow
        if workflow.getChainFor(content):
            content.setEffectiveDate(DateTime() - 1 - number % 300)
            workflow.doActionFor(content, "publish")
            # The date, too, which publishing leaves as it was when it was first indexed
            content.reindexObject()

    # What is beside content

    def _relate(self) -> None:
        from plone import api

        for page in self.pages[::8]:
            for other in self._some(self.pages, 3):
                api.relation.create(page, other, "relatedItems")
        for other in self._some(self.pages, 30):
            api.relation.create(self.pages[-1], other, "relatedItems")

    def _assign_portlets(self, section: Any) -> None:
        """News, events and what is recent on every page; a collection in one section."""
        from plone.app.event.portlets import portlet_events
        from plone.app.portlets.portlets import news
        from plone.app.portlets.portlets import recent
        from plone.portlet.collection import collection

        listed = self.site["lists"]["pages"].UID()
        _assign(self.site, "bench-news", news.Assignment(count=5))
        _assign(self.site, "bench-recent", recent.Assignment(count=5))
        _assign(self.site, "bench-events", portlet_events.Assignment(count=5))
        _assign(section, "bench", collection.Assignment(header="Pages", uid=listed))


def _assign(place: Any, name: str, assignment: Any) -> None:
    from plone.portlets.interfaces import IPortletAssignmentMapping
    from plone.portlets.interfaces import IPortletManager
    from zope.component import getMultiAdapter
    from zope.component import getUtility

    manager = getUtility(IPortletManager, name="plone.rightcolumn")
    getMultiAdapter((place, manager), IPortletAssignmentMapping)[name] = assignment


def picture() -> bytes:
    """Return a PNG that is large enough for the common scales."""
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (900, 600), "teal").save(file, "PNG")
    return file.getvalue()


def steady(app: Any) -> None:
    """Take away the portlet of events.

    It keeps content in memory beyond its database connection, and shows an error or a
    broken link now and then, which would be compared with an answer without.
    """
    from plone.portlets.interfaces import IPortletAssignmentMapping
    from plone.portlets.interfaces import IPortletManager
    from zope.component import getMultiAdapter
    from zope.component import getUtility
    from zope.component.hooks import setSite

    site = app[SITE_ID]
    setSite(site)
    manager = getUtility(IPortletManager, name="plone.rightcolumn")
    mapping = getMultiAdapter((site, manager), IPortletAssignmentMapping)
    for name in [name for name in mapping if "events" in name]:
        del mapping[name]
    transaction.commit()


def uncached(app: Any) -> None:
    """Switch caching off in the Caching control panel, as it is in a new site."""
    from plone import api
    from zope.component.hooks import setSite

    setSite(app[SITE_ID])
    api.portal.set_registry_record(_CACHING, False)
    transaction.commit()


if __name__ == "__main__":
    actions = {"make": make, "steady": steady, "uncached": uncached}
    run(sys.argv[1], *sys.argv[3:], make=actions[sys.argv[2]])
