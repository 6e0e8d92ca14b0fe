"""A visitor's HTTP requests, and the URLs that there are for one."""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.demo.connections import Answer
from collective.cloudfront.demo.connections import Connections
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import urldefrag
from urllib.parse import urljoin
from urllib.parse import urlsplit

import json
import re


HOST = "www.example.com"
API = "/++api++"
#: Kinds of URLs.
PAGES, LISTINGS, FEEDS = "pages", "listings and collections", "feeds and site maps"
FILES, SERVICES, REST = "pictures and files", "forms and resources", "REST API"

_THREADS = 4
_BATCH = 1000
_FEEDS = ("/RSS", "/atom.xml")
_OF_SITE = ("/sitemap", "/sitemap.xml.gz", "/sitemap.xml.gz?page=1")
#: One of so many contents is asked for with all of these.
_EXPANDED = 4
_EXPAND = "?expand=breadcrumbs,navigation,actions,navroot"
_OF_CONTAINERS = ("/@navigation", "/@contextnavigation", "?b_start=25", "?fullobjects")
_CONTAINERS = frozenset({"Folder", "Collection"})
#: Views of content that nothing links to, or that stands for it.
_VIEWS = {
    "Image": ("/view", "/@@images/image", "/@@images/image/preview"),
    "News Item": ("", "/@@images/image/mini"),
    "File": ("/view", "/@@download/file"),
    "Event": ("", "/ics_view"),
    "Folder": ("", *_FEEDS),
    "Collection": ("", *_FEEDS),
}
_LINK = re.compile(r"""\b(?:href|src|srcset)\s*=\s*["']([^"']+)["']""")
_PICTURE = re.compile(r"/@@(images|download)/|\.(png|jpe?g|gif|svg|ico|webp)$")
_RESOURCE = re.compile(r"\+\+|/@@|\.(css|js)$|/(login|contact-info|sendto_form)")
_LISTED = re.compile(r"b_start:int=\d+(&|$)")


class Visitor:
    """Somebody who is not logged in, and asks for URLs below ``base``."""

    def __init__(self, base: str):
        self._connections = Connections(base)

    @classmethod
    def of(cls, instance: Instance) -> "Visitor":
        """Return one who sees the site of an instance as CloudFront does."""
        return cls(virtual_host_root(instance.url, f"{HOST}:80"))

    def get(self, url: str) -> Answer:
        """Ask for a URL."""
        accepted = "application/json" if url.startswith(API) else "text/html,*/*"
        return self._connections.get(url, {"Accept": accepted})

    def contents(self) -> list[tuple[str, str]]:
        """Return path and type of all that is public, by path."""
        asked = f"{API}/@search?metadata_fields=portal_type&b_size={_BATCH}"
        found: dict[str, str] = {}
        while asked:
            answer = json.loads(self.get(asked).body)
            for each in answer["items"]:
                found[urlsplit(each["@id"]).path.removeprefix(API)] = each["@type"]
            following = urlsplit(answer.get("batching", {}).get("next", ""))
            asked = f"{following.path}?{following.query}" if following.path else ""
        found.pop("/", None)
        return sorted((path, kind) for path, kind in found.items() if path)


def seeds(contents: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the URLs that content has of its own, with the kind of each.

    With REST's expanders only some, because they all are alike.
    """
    found = {"/": PAGES, f"{API}/": REST, f"{API}/@navigation": REST}
    found |= dict.fromkeys((*_FEEDS, *_OF_SITE), FEEDS)
    for number, (path, portal_type) in enumerate(contents):
        views = [path + view for view in _VIEWS.get(portal_type, ("",))]
        found |= {url: _kind_of(url, portal_type) for url in views}
        services = ("", _EXPAND) if number % _EXPANDED == 0 else ("",)
        if portal_type in _CONTAINERS:
            services += _OF_CONTAINERS
        found |= {f"{API}{path}{service}": REST for service in services}
    return found


def _kind_of(url: str, portal_type: str) -> str:
    if url.endswith(_FEEDS):
        return FEEDS
    if "/@@" in url:
        return FILES
    return LISTINGS if portal_type in _CONTAINERS else PAGES


def crawl(visitor: Visitor, known: dict[str, str]) -> Iterator[tuple[str, str, Answer]]:
    """Yield every URL with its kind and answer: what is known, and what pages link to."""
    known = dict(known)
    urls = list(known)
    with ThreadPoolExecutor(_THREADS) as pool:
        while urls:
            linked: dict[str, str] = {}
            for url, answer in zip(urls, pool.map(visitor.get, urls), strict=True):
                yield url, known[url], answer
                for link in _links(url, answer):
                    linked.setdefault(link, _kind_of_link(link))
            urls = [url for url in linked if url not in known]
            known |= linked | known


def _links(url: str, answer: Answer) -> Iterator[str]:
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return
    base = f"http://{HOST}{url}"
    for value in _LINK.findall(answer.body.decode(errors="replace")):
        # A set of sources is a list with commas, each with its width
        for word in value.split(", "):
            link = urldefrag(urljoin(base, unescape(word.partition(" ")[0])))[0]
            parts = urlsplit(link)
            if parts.netloc == HOST and _is_wanted(parts.query):
                yield link.removeprefix(f"http://{HOST}") or "/"


def _is_wanted(query: str) -> bool:
    """Say whether a query string is one of a listing; calendars have no last month."""
    return not query or bool(_LISTED.fullmatch(query))


def _kind_of_link(url: str) -> str:
    if "b_start" in url:
        return LISTINGS
    if _PICTURE.search(url):
        return FILES
    if url.endswith(_FEEDS):
        return FEEDS
    return SERVICES if _RESOURCE.search(url) else PAGES
