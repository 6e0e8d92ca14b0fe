"""Every URL that a visitor can reach, and what is answered there.

Left out: ``@@search`` and ``@@querystring…`` with words in the query string, because
their answers depend on all content and have no paths of their own, and so do the
suggestions of "not found" pages; what is not cached (``login``, ``contact-info``,
forms).
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.demo.connections import Answer as Raw
from collective.cloudfront.demo.connections import Connections
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from freshness.site import FILE_NAME
from urllib.parse import quote

import gzip
import re


#: Of a folder with more children than this, only the first and the last are visited.
CROWD = 15
_KEPT_OF_CROWD = (0, 1, -1)
_THREADS = 4
_HEADERS = {"Accept": "text/html,*/*;q=0.8", "User-Agent": "Amazon CloudFront"}
_BATCH = "?b_start:int=20"
_API = "/++api++"
_WHOLE = "?fullobjects=1"
_EXPAND = "?expand=breadcrumbs,navigation,actions,navroot"
_LISTED = (
    '{"query":[{"i":"portal_type","o":"plone.app.querystring.operation.selection.any",'
    '"v":["Document","News Item"]}],"sort_on":"sortable_title","b_size":10}'
)
#: A listing block's question, with fields that its answer shows.
_LISTING = f"/@querystring-search?query={quote(_LISTED)}"

#: From Plone 6.2 on there are pages of it.
_SITE_MAPS = ("/sitemap.xml.gz", "/sitemap.xml.gz?page=1")
_FEEDS = ("/RSS", "/atom.xml")
_SITE_URLS = ("/", "/sitemap", *_SITE_MAPS, *_FEEDS)
_SITE_API = ("", "/", _EXPAND, "/@navigation", "/@site", _LISTING)
#: Volto asks the REST API for pages, and Plone itself for these.
_NOT_PAGES = ("/@@images", "/@@download", "/sitemap.xml.gz")
_VIEWS = {
    "Collection": ("", *_FEEDS, _BATCH),
    "Image": ("", "/view", "/@@images/image", "/@@images/image/preview"),
    "News Item": ("", "/@@images/image/preview"),
    "File": ("", "/view", f"/@@download/file/{quote(FILE_NAME)}"),
}

#: The demo's, and like others.
_BORING = {"/about", "/welcome", "/news/story-2", "/news/story-3"}

#: What differs from one answer to the next although nothing changed, or is a search.
_VARYING = (
    (re.compile(rb'(name="_authenticator" value=")[0-9a-f]+'), rb"\1"),
    (re.compile(rb"(_authenticator=)[0-9a-f]+"), rb"\1"),
    (re.compile(rb"(came_from=)[^\"&]+"), rb"\1"),
    (re.compile(rb"<h2>You might have been looking for.*?</nav>", re.DOTALL), b""),
)


@dataclass(frozen=True, slots=True)
class Content:
    """Content as the catalogue knows it."""

    path: str
    portal_type: str
    state: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of an answer, without what always varies."""

    status: int
    location: str
    content_type: str
    body: bytes

    def differs_in(self, other: "Answer") -> str:
        """Say in what two answers differ."""
        for name in ("status", "location", "content_type"):
            mine, others = getattr(self, name), getattr(other, name)
            if mine != others:
                return f"{name} {mine} is {others} by now"
        pairs = zip(self.body.split(b"\n"), other.body.split(b"\n"), strict=False)
        for mine, others in pairs:
            if mine != others:
                return f"{_excerpt(mine, others)} is {_excerpt(others, mine)} by now"
        return f"{len(self.body)} bytes are {len(other.body)} by now"


def _excerpt(line: bytes, other: bytes) -> str:
    shared = 0
    while line[shared : shared + 1] == other[shared : shared + 1] != b"":
        shared += 1
    return repr(line[max(0, shared - 20) : shared + 50].decode(errors="replace"))


def urls_of(contents: Iterable[Content], volto: bool = False) -> list[str]:
    """Return the URLs of a site with these contents."""
    urls = _of_volto("", _SITE_URLS, _SITE_API) if volto else list(_SITE_URLS)
    for content in _without_crowds(contents):
        urls.extend(urls_at(content.path, content.portal_type, volto))
        if volto:
            # Of each folder, and of the site, all that is directly in it
            urls.append(f"{_API}{content.path.rpartition('/')[0]}{_WHOLE}")
    return list(dict.fromkeys(urls))


def urls_worked_on(path: str, portal_type: str, volto: bool = False) -> list[str]:
    """Return more URLs of one object, for what an operation is about."""
    urls = urls_at(path, portal_type, volto)
    if volto:
        services = ("/", "/@breadcrumbs", "/@contextnavigation", "/@comments", _LISTING)
        urls += [f"{_API}{path}{service}" for service in services]
    else:
        urls += [path + "/view", path + "/"]
        urls += [path + feed for feed in _FEEDS] if portal_type == "Folder" else []
    return list(dict.fromkeys(urls))


def urls_at(path: str, portal_type: str, volto: bool = False) -> list[str]:
    """Return the URLs of one object. Of crowds there is a second batch."""
    urls = [path + view for view in _VIEWS.get(portal_type, ("",))]
    if path.endswith("/listing"):
        urls += [path + _BATCH, f"{path}/view", f"{path}/view{_BATCH}"]
    if volto:
        folders = ("/@navigation",) if portal_type == "Folder" else ()
        batch = ("?b_start=10",) if path.endswith("/listing") else ()
        return _of_volto(path, urls, ("", _EXPAND, *folders, *batch))
    return urls


def _of_volto(path: str, urls: Iterable[str], services: Iterable[str]) -> list[str]:
    """Return what Volto asks for instead of these URLs of an object."""
    kept = [url for url in urls if url.startswith(tuple(path + n for n in _NOT_PAGES))]
    return kept + [f"{_API}{path}{service}" for service in services]


def _without_crowds(contents: Iterable[Content]) -> Iterator[Content]:
    families: dict[str, list[Content]] = {}
    for content in sorted(contents, key=lambda content: content.path):
        families.setdefault(content.path.rpartition("/")[0], []).append(content)
    for parent, children in families.items():
        if len(children) > CROWD and parent:
            children = [children[index] for index in _KEPT_OF_CROWD]
        yield from (child for child in children if child.path not in _BORING)


class Reader:
    """Reads URLs below ``base`` in a few threads."""

    def __init__(self, base: str, threads: int = _THREADS):
        self._connections = Connections(base)
        self._pool = ThreadPoolExecutor(threads)

    def read_all(self, urls: Iterable[str]) -> dict[str, Answer]:
        """Return the answers at all of these URLs."""
        urls = list(urls)
        return dict(zip(urls, self._pool.map(self.read, urls), strict=True))

    def read(self, url: str) -> Answer:
        """Return what is answered at a URL."""
        return _answer(self._connections.get(url, _HEADERS))


def _answer(answer: Raw) -> Answer:
    body = answer.body
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    for pattern, replacement in _VARYING:
        body = pattern.sub(replacement, body)
    return Answer(
        answer.status,
        answer.headers.get("Location", ""),
        answer.headers.get("Content-Type", ""),
        body,
    )
