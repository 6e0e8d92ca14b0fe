"""A Plone behind a CloudFront that caches everything, and a look at what it keeps."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.options import QuotaModel
from collective.cloudfront.local.template import Template
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.http.postgres import Postgres
from collective.cloudfront.tests.http.zeo import zeo_server
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextlib import ExitStack
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from freshness.crawler import Answer
from freshness.crawler import Content
from freshness.crawler import Reader
from freshness.crawler import urls_of
from freshness.crawler import urls_worked_on
from freshness.editor import Editor
from freshness.editor import NotPossible
from freshness.in_zope import NO_QUOTAS
from pathlib import Path

import itertools
import os
import random
import time


DISTRIBUTION = "EFRESHNESS123"
_ROOT = Path(__file__).parent.parent
_WINDOW = 0.2
_INTERVAL = 2.0
#: In a walk, with a replica, and while a visitor waits: seconds after which what may have
#: been on its way is purged again.
_AGAIN_AFTER = 3.0
#: Seconds that slow pages take.
_SLOW = 1.5
#: Seconds that a page takes that is slower than a purge, and until Zope has begun it.
_SLOWER = 5.0
_BEGUN = 1.0
#: Seconds that a look takes at most, in a walk. What is cached and what Plone answers are
#: read one after the other, so no date may arrive in between.
_LOOK = 30.0
#: Seconds until everything must have been accepted.
_PATIENCE = 60.0
#: Purge by cache tags alone, as if pages had carried them for long.
BY_TAGS = {
    "CLOUDFRONT_CACHE_TAGS": "invalidate",
    "CLOUDFRONT_CACHE_TAGS_SINCE": "2025-01-01T00:00:00+00:00",
    # Volto's pages are not made here, only what it asks of the REST API
    "CLOUDFRONT_VOLTO_TAGS": "true",
}
_TAG_HEADER = "Cache-Tag"
#: So many URLs that were purged are visited while the replica is behind.
_VISITED = 40
#: URLs from before are remembered; the oldest go first.
_REMEMBERED = 40


class TooFast(Exception):
    """A page that was to be slower than a purge was not."""


class NotSettled(Exception):
    """Something waits in the outbox for too long."""


@dataclass(slots=True)
class Finding:
    """What one look at all URLs has found.

    ``stale`` are the URLs, each with what is wrong there; ``own`` those of them
    that belong to what was worked on. ``in_vain``: dropped, and still the same.
    """

    stale: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    checked: int = 0
    dropped: int = 0
    in_vain: list[str] = field(default_factory=list)
    calls: int = 0
    items: list[str] = field(default_factory=list)
    milliseconds: float | None = None


class World:
    """The site, its edge and its editors.

    In a walk there are two editors, each of whom has a Zope. With ``servers`` the site is
    in RelStorage: editors work on a Zope on the primary, and visitors are answered by a
    Zope that reads the standby. With a ``template``, the edge does what it says.
    """

    def __init__(
        self,
        folder: Path,
        volto: bool = False,
        walking: bool = False,
        tags: bool = False,
        servers: Postgres | None = None,
        keep_history: bool = True,
        template: Template | None = None,
        maker: str = "freshness.site",
        editor: type[Editor] = Editor,
        environ: Mapping[str, str] | None = None,
        readers: int = 4,
    ):
        """``maker``: the module that makes the site. ``environ``: for Zope, in addition.
        ``readers``: so many URLs are read at a time.
        """
        self.volto = volto
        self.tags = tags
        self._maker = maker
        self._servers = servers
        self._stopped = False
        self._numbers = itertools.count()
        self._walking = walking
        everything = not tags and template is None
        self.cloudfront = LocalCloudFront(
            options=_options(tags, everything), template=template
        )
        # Started once, so that it has ports for good.
        with self.cloudfront:
            pass
        outbox = f"sqlite:///{folder.absolute()}/outbox.sqlite"
        environ = {**self._environ(), "CLOUDFRONT_OUTBOX": outbox, **(environ or {})}
        if walking:
            environ[NO_QUOTAS] = "yes"
        if walking or servers:
            environ["CLOUDFRONT_AGAIN_AFTER"] = str(_AGAIN_AFTER)
        self.instances = [
            Instance(folder / f"zope{number}", environ=environ, zcml="freshness")
            for number in range(1, 3 if walking or servers else 2)
        ]
        everywhere = [editor(instance.site_url) for instance in self.instances]
        self._everywhere = everywhere
        self.editors = everywhere[: 2 if walking else 1]
        if servers:
            first, second = self.instances
            first.storage = servers.storage(False, keep_history)
            second.storage = servers.storage(True, keep_history)
            # Who saves something and looks at it must not read the replica.
            self.editors = [editor(first.site_url) for _each in self.editors]
        for each in self.editors:
            each.while_visitor_waits = self.visitor_waiting
        self.editor = self.editors[0]
        self._outbox = open_outbox(outbox)
        # Visitors are answered by one Zope, whoever changed something.
        asked, other = self.instances[0], self.instances[-1]
        if servers:
            asked, other = other, asked
        self.cloudfront.edge.origin = virtual_host_root(asked.url)
        self._origin = Reader(self.cloudfront.edge.origin, readers)
        self._last_origin = Reader(virtual_host_root(other.url))
        self._edge = Reader(self.cloudfront.edge_url, readers)
        #: What the edge has answered, by URL: this is what it keeps.
        self._known: dict[str, Answer] = {}
        #: Which of them it kept, and may have dropped since: private ones it never does.
        self._cached: set[str] = set()
        self._extra: dict[str, None] = {}
        self._calls = 0
        self._accepted = 0.0

    def _environ(self) -> dict[str, str]:
        path = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
        return {
            **self.cloudfront.environment,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "PYTHONHASHSEED": "0",
            "CLOUDFRONT_WINDOW": str(_WINDOW),
            "CLOUDFRONT_SITE_PURGE_INTERVAL": str(_INTERVAL),
            # Otherwise AWS's rates would be measured here.
            "CLOUDFRONT_CALL_RATE": "50",
            **(BY_TAGS if self.tags else {}),
        }

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Make the site, start Zope and CloudFront, and stop them at the end."""
        maker = self.instances[0]
        maker.configure()
        kind = "volto" if self.volto else "classic"
        maker.run(self._maker, DISTRIBUTION, kind)
        if self._servers:
            self._servers.wait_for_standby()
        with self.cloudfront, ExitStack() as stack:
            if self._servers:
                self.instances[1].configure()
            elif self._walking:
                zeo = stack.enter_context(zeo_server(maker.home / "var"))
                for instance in self.instances:
                    instance.zeo = zeo
                    instance.configure()
            for instance in self.instances:
                stack.callback(instance.stop)
                instance.start()
            for instance in self.instances:
                instance.wait_until_ready()
            for editor in self.editors:
                editor.log_in()
            if not (self._walking or self._servers):
                # What is purged a second time would be counted with a later operation
                self.editor.set(again_after=0.0)
            yield self

    # Visiting

    def contents(self) -> list[Content]:
        """Return what is in the site now."""
        return self.editor.contents()

    def unsteady(self) -> dict[str, str]:
        """Return the cached URLs that the origin answers in another way already,
        though nothing changed, with the difference.
        """
        return self._differing(self._origin)

    def disagreeing(self) -> dict[str, str]:
        """Return the cached URLs that another Zope answers in another way, right after
        a look: Plone keeps something in the memory of a process.
        """
        return self._differing(self._last_origin)

    def _differing(self, origin: Reader) -> dict[str, str]:
        again = origin.read_all(sorted(self._kept()))
        return {
            url: self._known[url].differs_in(answer)
            for url, answer in again.items()
            if self._known[url] != answer
        }

    def warm(self, own: Collection[str] = ()) -> None:
        """Have everything cached that is not, also where there is nothing yet.

        To be called after a look: what is nowhere any more is forgotten.
        """
        wanted = self._wanted(own)
        for url in self._known.keys() - wanted:
            del self._known[url]
        self.visit(wanted - self._kept())

    def forget(self) -> None:
        """Empty the cache of the edge."""
        self.cloudfront.edge.cache_of(DISTRIBUTION).clear()
        self._cached.clear()

    def warm_some(
        self, own: Collection[str], choose: Callable[[list[str]], list[str]]
    ) -> None:
        """Have cached what is worked on, and what is chosen of the others."""
        missing = sorted(self._wanted(own) - self._kept())
        mine = [url for url in missing if _is_of(url, own)]
        self.visit({*mine, *choose(missing)})

    def _wanted(self, own: Collection[str]) -> set[str]:
        contents = self.contents()
        types = {content.path: content.portal_type for content in contents}
        for path in own:
            extra = urls_worked_on(path, types.get(path, "Folder"), self.volto)
            self._extra.update(dict.fromkeys(extra))
        while len(self._extra) > _REMEMBERED:
            del self._extra[next(iter(self._extra))]
        return {*urls_of(contents, self.volto), *self._extra}

    def visit(self, urls: Iterable[str]) -> None:
        """Read URLs at the edge, as visitors do."""
        self._known.update(self._edge.read_all(sorted(urls)))
        self._cached |= self._kept()

    def visit_slowly(self, paths: Iterable[str], seconds: float = _SLOW) -> None:
        """Read pages that take long and show what there was when they were asked for."""
        self.visit([f"{path}/freshness-slow?seconds={seconds}" for path in paths])

    @contextmanager
    def visitor_waiting(self, path: str) -> Iterator[None]:
        """Have a visitor wait for a slow page at ``path`` while something is done.

        At the end that is purged, the answer has arrived, and what can be done about an
        answer that is late has been done: visitors see it for some seconds.
        """
        self.editor.set(again_after=_AGAIN_AFTER)
        self.settle()
        self.mark()
        try:
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(self.visit_slowly, [path], _SLOWER)
                time.sleep(_BEGUN)
                yield
                self._wait_for_purge(answer)
                answer.result()
            time.sleep(_AGAIN_AFTER + _BEGUN)
            self.settle()
        finally:
            self.editor.set(again_after=0.0)

    def _wait_for_purge(self, answer: Future[None]) -> None:
        while not answer.done():
            if len(self.cloudfront.control.invalidations()) > self._calls:
                return
            time.sleep(0.03)
        raise TooFast("The answer was there before the purge.")

    def visited(self) -> list[str]:
        """Return all URLs that were visited so far."""
        return sorted(self._known)

    def urls_on(self, paths: Collection[str]) -> list[str]:
        """Return the URLs visited so far that belong to what is at these paths."""
        return [url for url in self.visited() if _is_of(url, paths)]

    def _kept(self) -> set[str]:
        cache = self.cloudfront.edge.cache_of(DISTRIBUTION)
        return {entry["url"] for entry in cache.describe()} & self._known.keys()

    # Looking

    def mark(self) -> None:
        """Count calls from now on. A replica stays where it is until the next look."""
        if self._servers:
            self._servers.pause()
            self._stopped = True
        self._calls = len(self.cloudfront.control.invalidations())
        self._accepted = time.time()

    def look(self, own: Collection[str] = ()) -> Finding:
        """Compare all that is cached with the origin, once all is delivered.

        Asked for through the edge, because it is then cached at once.
        """
        self.settle()
        if self._servers:
            self._catch_up()
        kept = self._kept()
        dropped = sorted(self._cached & self._known.keys() - kept)
        made = self.cloudfront.control.invalidations()[self._calls :]
        finding = Finding(checked=len(kept), dropped=len(dropped), calls=len(made))
        finding.items = [item for invalidation in made for item in invalidation.items]
        finding.milliseconds = self._delay()
        cached = self._edge.read_all(sorted(kept))
        before = {url: self._known[url] for url in dropped}
        # From here on all is fresh, so that what is stale is found once.
        self.forget()
        self.visit({*kept, *dropped})
        finding.in_vain = [url for url in dropped if self._known[url] == before[url]]
        for url in sorted(kept):
            fresh = self._known[url]
            if cached[url] != fresh and fresh.status < 500:
                finding.stale[url] = cached[url].differs_in(fresh)
        finding.own = {url for url in finding.stale if _is_of(url, own)}
        return finding

    def go_on(self) -> None:
        """Let a replica go on that was stopped by ``mark``."""
        if self._servers:
            self._servers.resume()
            self._stopped = False
            self._servers.wait_for_standby()

    def _catch_up(self) -> None:
        """Have visitors come while the replica is behind, and let it catch up.

        At the end, what can be done about answers that are late has been done.
        """
        if self._stopped:
            self._save_on_replica()
            dropped = sorted(self._cached & self._known.keys() - self._kept())
            chance = random.Random(len(self._known))
            self.visit(chance.sample(dropped, min(_VISITED, len(dropped))))
            self.go_on()
        time.sleep(_AGAIN_AFTER + _BEGUN)
        self.settle()

    def _save_on_replica(self) -> None:
        """Have the Zope of the visitors save something that no page shows.

        It then knows of a newer transaction than the one that it reads.
        """
        days = 100 + next(self._numbers)
        with suppress(NotPossible):  # it may conflict with what it cannot see
            self._everywhere[1].set(history_days=days)
        # The connection that saved is to be free again, for the next visitor
        time.sleep(_BEGUN)

    def _delay(self) -> float | None:
        """Return the longest time from a commit to its acceptance since the mark."""
        delays = [
            settled.accepted - settled.since
            for settled in self._outbox.history(100)
            if settled.accepted >= self._accepted
        ]
        return 1000 * max(delays) if delays else None

    def settle(self) -> None:
        """Wait until nothing is left to be sent, or to be sent soon, and a replica shows
        everything, unless it was stopped.
        """
        self._wait_until_sent()
        if self._servers and not self._stopped:
            self._servers.wait_for_standby()

    def _wait_until_sent(self) -> None:
        started = time.monotonic()
        quiet_until = started + 0.1
        while time.monotonic() < started + _PATIENCE:
            # From memory to the outbox: the other way round it could be missed.
            if self._is_in_memory() or self._is_busy():
                quiet_until = max(quiet_until, time.monotonic() + 0.1)
            elif time.monotonic() >= quiet_until:
                return
            time.sleep(0.03)
        raise NotSettled(f"Not delivered in {_PATIENCE:.0f} s: {self._outbox.status()}")

    def _is_busy(self) -> bool:
        # What is due becomes ready: the other way round it could be missed.
        due_soon = self._is_due_soon()
        status = self._outbox.status()
        return bool(
            due_soon
            or status.prepared
            or any(work.ready or work.frozen for work in self._outbox.work())
        )

    def _is_in_memory(self) -> bool:
        """Say whether the outbox was locked, so that a Zope tries again in a second."""
        return any(editor.in_memory() for editor in self._everywhere)

    def _is_due_soon(self) -> bool:
        """Say whether a site purge is scheduled, or a date arrives during a look. But for
        walks, dates are further away.
        """
        soon = time.time() + (_LOOK if self._walking else 2 * _INTERVAL)
        # Older versions schedule nothing; the table can be made of them, too.
        scheduled = getattr(self._outbox, "scheduled", lambda _limit: ())
        return any(entry.due < soon for entry in scheduled(10))


def _is_of(url: str, own: Collection[str]) -> bool:
    path = url.removeprefix("/++api++").partition("?")[0].rstrip("/")
    return any(path == each or path.startswith(f"{each}/") for each in own if each)


def _options(tags: bool, everything: bool) -> Options:
    return Options(
        cache_tag_header=_TAG_HEADER if tags else "",
        distributions=(DISTRIBUTION,),
        # Private answers carry no tags, and a template says itself what is kept
        cache_everything=everything,
        effect_delay=0.0,
        completion_delay=0.0,
        quota_model=QuotaModel.NONE,
        api_rate=None,
    )
