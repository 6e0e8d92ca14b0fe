"""The same viewers and the same edits, under four ways to keep what is cached fresh.

Each has a Zope with a copy of the same site, behind a local CloudFront of its own that
obeys ``Cache-Control``. After each edit viewers wait until its purge has arrived.
"""

from collections import Counter
from collections.abc import Mapping
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.options import QuotaModel
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.outbox import open_outbox
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from freshness.crawler import Content
from freshness.crawler import Reader
from freshness.editor import Editor
from freshness.in_zope import NO_QUOTAS
from freshness.world import BY_TAGS
from pathlib import Path
from report import Result
from report import Row
from statistics import mean
from tags_site import COLLECTION
from tags_site import FOLDER
from threading import Event
from urllib.parse import urlsplit
from visitor import Answer
from visitor import FEEDS
from visitor import HOST
from visitor import REST
from visitor import seeds
from visitor import Visitor
from zopes import DISTRIBUTION
from zopes import new_instance

import os
import random
import time


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to keep what is cached fresh."""

    title: str
    environ: Mapping[str, str]
    #: Pages may be cached (profile "With CloudFront"), or as Plone has it by default
    cached: bool = True
    #: Whoever edits purges everything, and the add-on nothing
    everything: bool = False
    #: Where edits change nothing of what is cached, fewer requests tell as much
    one_of: int = 1


_OFF = {"CLOUDFRONT_ENABLED": "false", "CLOUDFRONT_CACHE_TAGS": "off"}
MODES = {
    "uncached": Mode(
        "Pages not cached, Plone's default", _OFF, cached=False, one_of=10
    ),
    "everything": Mode("Everything purged on each edit", _OFF, everything=True),
    "paths": Mode("Purged by paths", {"CLOUDFRONT_CACHE_TAGS": "off"}),
    "tags": Mode("Purged by cache tags", BY_TAGS),
}

#: Kinds of edits, in proportion.
_EDITS = ("text",) * 12 + ("title",) * 3 + ("publish",) * 2 + ("retract",)
_EDITS += ("rename",) * 2
#: Of so many pages that are renamed, one is a folder.
_FOLDERS_RENAMED = 4
_SEED = 1
_HEADER = "Cache-Tag"
_WINDOW = 0.05
#: What is due within so many seconds is waited for; dates are further away.
_SOON = 1.0
_QUIET = 0.1
_PATIENCE = 60.0
#: Redirects that a viewer follows.
_HOPS = 3
#: Modes that are replayed at once: nothing is timed.
_AT_ONCE = 2
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is, and how much is done.

    There is an edit per ``between`` requests; one of ``compared`` hits is looked at.
    """

    objects: int = 300
    requests: int = 10_000
    between: int = 50
    compared: int = 10


QUICK = Extent(objects=40, requests=120, between=20, compared=4)


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit, and what it did to the cache."""

    what: str
    items: tuple[str, ...]
    before: int
    after: int


@dataclass(slots=True)
class Found:
    """What became of the requests of one mode."""

    #: By what the edge says of them: Hit, RefreshHit, Miss, Error
    requests: Counter[str] = field(default_factory=Counter)
    #: The same of HTML
    pages: Counter[str] = field(default_factory=Counter)
    edits: list["Edit"] = field(default_factory=list)
    calls: int = 0
    items: int = 0
    compared: int = 0
    #: Edits so far and URL, and what is wrong there
    stale: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    stale_at_end: dict[str, str] = field(default_factory=dict)


class Editors:
    """Edits one thing after another, the same ones in the same order each time."""

    def __init__(self, editor: Editor, contents: list[Content]):
        self.editor = editor
        self.chance = random.Random(_SEED)
        self.number = 0
        self.contents = {each.path: each for each in contents}

    def edit(self) -> str:
        """Do something; return what."""
        self.number += 1
        kind = self.chance.choice(_EDITS)
        path = getattr(self, f"_{kind}")()
        return f"{kind} {path}"

    def _text(self) -> str:
        path = self._choose({"Document", "News Item"}, "published")
        self.editor.edit_text(path, f"Words {self.number}")
        return path

    def _title(self) -> str:
        path = self._choose({"Document", "News Item", "Event", "Folder"}, "published")
        self.editor.edit(path, title=f"Title {self.number}")
        return path

    def _publish(self) -> str:
        """Publish what is private; where nothing is left, what is written for that."""
        if not self._paths({"Document"}, "private"):
            folder = self._choose({"Folder"}, "published")
            name = f"new-{self.number}"
            path = self.editor.create(folder, "Document", id=name, title=name)
            self.contents[path] = Content(path, "Document", "private")
        return self._go("private", "publish", "published")

    def _retract(self) -> str:
        return self._go("published", "retract", "private")

    def _go(self, state: str, transition: str, then: str) -> str:
        path = self._choose({"Document"}, state)
        self.editor.transition(path, transition)
        self.contents[path] = Content(path, "Document", then)
        return path

    def _rename(self) -> str:
        folder = self.number % _FOLDERS_RENAMED == 0
        path = self._choose(
            {"Folder" if folder else "Document"}, "published", deep=True
        )
        renamed = f"{path.rpartition('/')[0]}/renamed-{self.number}"
        self.editor.rename(path, f"renamed-{self.number}")
        moved = [each for each in self.contents if f"{each}/".startswith(f"{path}/")]
        for old in moved:
            content = self.contents.pop(old)
            new = renamed + old[len(path) :]
            self.contents[new] = Content(new, content.portal_type, content.state)
        return path

    def _choose(self, types: set[str], state: str, deep: bool = False) -> str:
        """Choose something; ``deep``: nothing at the top, which all else is below."""
        paths = self._paths(types, state)
        return self.chance.choice(
            [path for path in paths if not deep or path.count("/") > 1]
        )

    def _paths(self, types: set[str], state: str) -> list[str]:
        return sorted(
            each.path
            for each in self.contents.values()
            if each.portal_type in types and each.state == state
        )


class Replay:
    """A mode with its Zope, its CloudFront and its viewers."""

    def __init__(self, folder: Path, mode: Mode, extent: Extent, stopped: Event):
        self.mode = mode
        self.extent = extent
        self.found = Found()
        self._stopped = stopped
        self.cloudfront = LocalCloudFront(
            options=Options(
                distributions=(DISTRIBUTION,),
                cache_tag_header=_HEADER,
                effect_delay=0.0,
                completion_delay=0.0,
                quota_model=QuotaModel.NONE,
                api_rate=None,
            )
        )
        # Started once, so that it has ports for good.
        with self.cloudfront:
            pass
        self.instance = _instance(folder, self.cloudfront.environment, mode.environ)
        self._outbox = open_outbox(f"sqlite:///{self.instance.outbox}")
        origin = virtual_host_root(self.instance.url, f"{HOST}:80")
        self.cloudfront.edge.origin = origin
        self._origin = Reader(origin)
        self._edge = Reader(self.cloudfront.edge_url)
        self._visitor = Visitor(self.cloudfront.edge_url)
        self._editor = Editor(self.instance.site_url)

    def go(self, source: Instance) -> Found:
        """Replay it all on a copy of a site."""
        self.instance.configure()
        self.instance.copy_database(source)
        if not self.mode.cached:
            self.instance.run("tags_site", "uncached")
        with self.cloudfront:
            try:
                self.instance.start()
                self.instance.wait_until_ready()
                self._editor.log_in()
                self._replay()
            finally:
                self.instance.stop()
                self._outbox.close()
        return self.found

    def _replay(self) -> None:
        contents = self._editor.contents()
        urls = _by_popularity(contents)
        editors = Editors(self._editor, contents)
        for url in urls if self.mode.cached else ():  # as after a quiet night
            self._visitor.get(url)
        self.settle()
        before = len(self._calls())
        chance = random.Random(_SEED)
        weights = [1 / rank for rank in range(1, len(urls) + 1)]
        requests = self.extent.requests // self.mode.one_of
        asked = chance.choices(urls, weights, k=requests)
        for number, url in enumerate(asked):
            if self._stopped.is_set():
                raise InterruptedError
            if number % self.extent.between == 0:
                self._edit(editors)
            self._view(url, compare=chance.randrange(self.extent.compared) == 0)
        calls = self._calls()[before:]
        self.found.calls = len(calls)
        self.found.items = sum(len(call.items) for call in calls)
        self._look_at_all()

    # Viewers

    def _view(self, url: str, compare: bool) -> None:
        for _hop in range(_HOPS):
            answer = self._visitor.get(url)
            seen = answer.headers["X-Cache"].partition(" ")[0]
            self.found.requests[seen] += 1
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                self.found.pages[seen] += 1
            if compare and seen == "Hit":
                self._compare(url)
            url = _redirected(answer)
            if not url:
                return

    def _compare(self, url: str) -> None:
        self.found.compared += 1
        difference = self._difference(url)
        if difference:
            self.found.stale[f"{len(self.found.edits)} edits, {url}"] = difference

    def _look_at_all(self) -> None:
        cache = self.cloudfront.edge.cache_of(DISTRIBUTION)
        for entry in cache.describe():
            # Others are asked for again anyway
            if entry["fresh_for"] > 0:
                self.found.kept += 1
                difference = self._difference(entry["url"])
                if difference:
                    self.found.stale_at_end[entry["url"]] = difference

    def _difference(self, url: str) -> str:
        """Say in what the edge's answer differs from Plone's, which must be steady."""
        kept, fresh = self._edge.read(url), self._origin.read(url)
        if kept == fresh or fresh.status >= 500 or self._origin.read(url) != fresh:
            return ""
        return kept.differs_in(fresh)

    # Purges

    def _edit(self, editors: Editors) -> None:
        before, calls = self._cached(), len(self._calls())
        what = editors.edit()
        if self.mode.everything:
            reference = f"edit-{editors.number}"
            control = self.cloudfront.control
            control.create_invalidation(DISTRIBUTION, reference, ["/*"])
        else:
            self.settle()
        items = tuple(i for call in self._calls()[calls:] for i in call.items)
        self.found.edits.append(Edit(what, items, before, self._cached()))

    def _calls(self) -> list[Invalidation]:
        return self.cloudfront.control.invalidations()

    def _cached(self) -> int:
        return len(self.cloudfront.edge.cache_of(DISTRIBUTION).describe())

    def settle(self) -> None:
        """Wait until nothing is left to be sent, or to be sent soon."""
        started = time.monotonic()
        quiet_since = started
        while time.monotonic() < started + _PATIENCE:
            if self._editor.in_memory() or self._is_busy():
                quiet_since = time.monotonic()
            elif time.monotonic() >= quiet_since + _QUIET:
                return
            time.sleep(0.02)
        raise RuntimeError(f"Not delivered in {_PATIENCE:.0f} s.")

    def _is_busy(self) -> bool:
        # What is due becomes ready: the other way round it could be missed.
        due = any(each.due < time.time() + _SOON for each in self._outbox.scheduled(10))
        status = self._outbox.status()
        return bool(
            due
            or status.prepared
            or any(work.ready or work.frozen for work in self._outbox.work())
        )


def _instance(folder: Path, *environs: Mapping[str, str]) -> Instance:
    path = [str(_ROOT), str(_ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    environ = {
        "CLOUDFRONT_WINDOW": str(_WINDOW),
        # Edits are further apart in life than every page is purged.
        "CLOUDFRONT_SITE_PURGE_INTERVAL": "0",
        "CLOUDFRONT_CALL_RATE": "50",
        NO_QUOTAS: "yes",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "PYTHONHASHSEED": "0",
    }
    for each in environs:
        environ |= each
    return Instance(folder, environ=environ, zcml="freshness")


def _by_popularity(contents: list[Content]) -> list[str]:
    """Return all URLs, the most popular first: the front page, and then by chance."""
    # Of private content, too: it may be published
    kinds = seeds((each.path, each.portal_type) for each in contents)
    kept = {url for url, kind in kinds.items() if kind not in (REST, FEEDS)}
    kept |= {"/RSS", "/sitemap", f"{COLLECTION}/RSS", f"{COLLECTION}?b_start:int=20"}
    kept |= {f"{FOLDER}?b_start:int=20", f"{FOLDER}/RSS"}
    urls = sorted(kept - {"/"})
    random.Random(_SEED).shuffle(urls)
    return ["/", *urls]


def _redirected(answer: Answer) -> str:
    """Return where in the site a redirect leads to; the login form is of no interest."""
    parts = urlsplit(answer.headers.get("Location", ""))
    inside = parts.netloc in ("", HOST) and not parts.query
    return parts.path if inside else ""


def measure(folder: Path, quick: bool, requests: int = 0) -> Result:
    """Replay everything in each mode; ``requests``: fewer or more than the usual."""
    extent = QUICK if quick else Extent()
    if requests:
        extent = replace(extent, requests=requests)
    source = new_instance(folder / "replay", _OFF)
    source.configure()
    source.run("tags_site", "make", DISTRIBUTION, str(extent.objects))
    source.run("tags_site", "steady")
    stopped = Event()

    def replay(name: str) -> Found:
        place = folder / f"replay-{name}"
        return Replay(place, MODES[name], extent, stopped).go(source)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            found = dict(zip(MODES, pool.map(replay, MODES), strict=True))
        finally:
            stopped.set()  # for those that go on where one failed
    return _result(found, extent)


def _result(found: dict[str, Found], extent: Extent) -> Result:
    return Result(
        "replay",
        f"{extent.requests:,} requests of viewers, an edit after {extent.between} each",
        [row for name, each in found.items() for row in _rows(MODES[name], each)],
        {name: _facts(each) for name, each in found.items()},
        [
            "Viewers ask for pages, listings, feeds and pictures of a site with "
            f"{extent.objects} objects, the nth most popular URL 1/n times as often as "
            "the first, and follow redirects, which count. At first all is cached that "
            "may be. The edge obeys Cache-Control, in the first case with caching "
            "switched off in Plone, otherwise with the profile “With CloudFront”. Origin "
            "requests are those that Plone had to answer. Where pages are not cached, a "
            "tenth of all is replayed.",
            "Edits of texts, titles, states and names, evenly spread; the next request "
            "comes when what was to be purged is purged. One hit in "
            f"{extent.compared} is compared with Plone's answer, and all that is cached "
            "at the end.",
        ],
    )


def _rows(mode: Mode, found: Found) -> list[Row]:
    stale = len(found.stale) + len(found.stale_at_end)
    return [
        Row(
            f"{mode.title}: hits",
            f"{_share(found.requests)}, of HTML {_share(found.pages)}",
        ),
        Row(
            "    origin requests",
            f"{_origin(found.requests):,} of {found.requests.total():,}, "
            f"HTML {_origin(found.pages):,} of {found.pages.total():,}",
        ),
        Row("    items billed", f"{found.items:,} in {found.calls:,} calls"),
        *_rows_of_edits(found.edits),
        Row(
            "    stale answers",
            f"{len(found.stale)} of {found.compared:,} hits, "
            f"{len(found.stale_at_end)} of {found.kept:,} cached at the end",
            goal="0",
            met=not stale,
        ),
    ]


def _rows_of_edits(edits: list[Edit]) -> list[Row]:
    """Tell how much of the cache an edit of each kind has emptied, on the average."""
    gone: dict[str, list[float]] = {}
    for edit in edits:
        share = 1 - edit.after / edit.before if edit.before else 0.0
        gone.setdefault(edit.what.partition(" ")[0], []).append(share)
    told = (f"{kind} {mean(shares):.0%}" for kind, shares in sorted(gone.items()))
    return [Row("    purged of what is cached, means", ", ".join(told))]


def _share(requests: Counter[str]) -> str:
    return f"{requests['Hit'] / max(1, requests.total()):.1%}"


def _origin(requests: Counter[str]) -> int:
    """Return how many were not answered from the cache alone."""
    return requests.total() - requests["Hit"]


def _facts(found: Found) -> dict:
    return {
        "requests": dict(found.requests),
        "pages": dict(found.pages),
        "edits": [asdict(edit) for edit in found.edits],
        "hit_ratio": found.requests["Hit"] / found.requests.total(),
        "origin_requests": _origin(found.requests),
        "calls": found.calls,
        "items": found.items,
        "compared": found.compared,
        "stale": found.stale,
        "kept_at_end": found.kept,
        "stale_at_end": found.stale_at_end,
    }
