"""The read-set of a response: what it was made from, noted while it is made.

::

    the site is traversed ─► noting ─┬─► facts from the catalog's searches, from objects
    (GET or HEAD, tags are on)       │   that are opened, from add-ons
                                     └─► forgotten if somebody is logged in
    the response is there ───► facts become dependencies, with UIDs for paths

It lives with the request, so that threads do not mix and retries begin anew.
Subrequests add to the one of their parent. Facts are cheap: paths as they come. UIDs are
looked up once, at the end, straight in the catalog's own tables.
"""

from Acquisition import aq_base
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.settings import ABOUT
from collective.cloudfront.settings import have_untagged_expired
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import TAGS_OFF
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.places import navigated
from collective.cloudfront.tagging.places import navigation_of
from collective.cloudfront.tagging.places import Places
from collective.cloudfront.tagging.recording import patches
from collective.cloudfront.tagging.recording import ram_cache as fragments
from collective.cloudfront.tagging.recording.callers import only_skims
from collective.cloudfront.tagging.recording.callers import shows_titles
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from collective.cloudfront.tagging.recording.queries import DATE
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.recording.queries import Navigated
from collective.cloudfront.tagging.recording.queries import Query
from collective.cloudfront.tagging.vocabulary import names
from collective.cloudfront.tagging.vocabulary.names import Dependency
from collective.cloudfront.tagging.vocabulary.names import Facet
from collective.cloudfront.tagging.vocabulary.names import Kind
from collective.cloudfront.tagging.vocabulary.names import Navigation
from dataclasses import replace
from functools import cached_property
from plone.rest.traverse import RESTWrapper
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from types import FrameType
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import adapter
from zope.traversing.interfaces import IBeforeTraverseEvent
from ZPublisher.interfaces import IPubAfterTraversal

import logging
import re


logger = logging.getLogger("collective.cloudfront")

#: What the column EffectiveDate has where there is no date, if it is a text.
_NO_DATES = frozenset({"None", ""})

#: What Plone makes UIDs of. It asks for other things, too, to see whether they are one.
_UID = re.compile(r"[0-9a-f-]{32,36}\Z")


class Reading:
    """What one response depends on."""

    def __init__(self, site: Any, registry: Any):
        self.site = site
        self.registry = registry
        self.path = "/".join(site.getPhysicalPath())
        #: Paths of what the published object is in. Pages show of them what
        #: breadcrumbs show, however they come by them.
        self.above: frozenset[str] = frozenset()
        #: The header is there, or there is to be none
        self.told = False
        #: Something could not be noted
        self.incomplete = False
        # Facts, and those of fragments that are just being made, the innermost last
        self._facts: list[tuple[str, set[Fact]]] = [("", set())]
        # Settings, once they are asked for
        self._dates: bool | None = None
        self._navigated: Navigated | None = None
        # What was opened last, unless it was known before
        self._way: Fact | None = None

    @cached_property
    def catalog(self) -> Any:
        """ZCatalog's inner catalog. To get it takes longer than most look-ups in it."""
        return aq_base(self.site.portal_catalog._catalog)

    # --- noting -----------------------------------------------------------------------

    def note(self, *facts: Fact) -> None:
        """Add facts."""
        self._facts[-1][1].update(facts)

    def attempt(self, how: Callable[..., None], *what: Any) -> None:
        """Note something; if that fails, it is the response that cannot be cached."""
        try:
            how(*what)
        except ConflictError:
            raise
        except Exception:
            if not self.incomplete:
                logger.debug("Not noted for cache tags", exc_info=True)
            self.incomplete = True

    def searched(
        self, catalog: Any, query: Any, sorted_by: Any, frame: FrameType
    ) -> None:
        """Note a search. ``catalog`` is ZCatalog's inner one."""
        if aq_base(catalog) is not self.catalog:
            # Nobody knows what is in there
            self.note(Fact(Kind.BELOW, self.path, edit=True))
            return
        if self._navigated is None:
            self._navigated = navigated(self.registry)
        told = Query(catalog, query, sorted_by, self.path, self._navigated)
        for fact in told.facts():
            if fact.kind is Kind.WITHIN and told.finds_by_titles:
                fact = replace(fact, titles=shows_titles(frame))
            self.note(fact)

    def opened(self, start: Any, found: Any, frame: FrameType) -> None:
        """Note an object that was reached by a path from ``start``."""
        if not IContentish.providedBy(found):
            return
        path = "/".join(found.getPhysicalPath())
        if path in self.above or path == self.path:
            self._forget_way(path)
            self.note(Fact(Kind.LABEL, path))
            return
        if self._is_skimmed(frame):
            return
        self._forget_way(path)
        fact = Fact(Kind.OWN, path)
        facts = self._facts[-1][1]
        self._way = None if fact in facts else fact
        facts.add(fact)

    def _forget_way(self, path: str) -> None:
        """Take for shown in part what was opened only to get to ``path`` from there."""
        way, self._way = self._way, None
        if way is not None and path.rpartition("/")[0] == way.key:
            self._facts[-1][1].discard(way)
            self.note(Fact(Kind.LABEL, way.key))

    def sought(self, uid: str) -> None:
        """Note a look-up of a UID in the index, whether it is there or not."""
        if _UID.match(uid):
            self.note(Fact(Kind.LABEL, uid, is_uid=True))

    def dated(self, column: str, brain: Any, frame: FrameType) -> None:
        """Note that a date was asked of a result of a query, which any edit changes."""
        if column == DATE and ("EffectiveDate" not in brain or _is_dated(brain)):
            return
        if not self._is_skimmed(frame):
            # By its number: what asks may have unwrapped it, so that it has no path
            path = self.catalog.paths.get(brain.data_record_id_, self.path)
            self.note(Fact(Kind.OWN, path))

    def _is_skimmed(self, frame: FrameType) -> bool:
        if self._dates is None:
            self._dates = bool(self.registry.get(ABOUT, False))
        return only_skims(frame, self._dates)

    # --- fragments that are kept in memory --------------------------------------------

    def begin_fragment(self, key: str) -> None:
        """From now on facts belong to a fragment, too."""
        self._facts.append((key, set()))

    def end_fragment(self, key: str) -> frozenset[Fact]:
        """Return the facts of a fragment, and go on with what it is a part of."""
        while len(self._facts) > 1:
            ended, facts = self._facts.pop()
            self.note(*facts)  # those of one that failed, too
            if ended == key:
                return frozenset(facts)
        return frozenset()

    # --- the result -------------------------------------------------------------------

    def facts(self) -> set[Fact]:
        """Return all that was noted."""
        return set().union(*(facts for _key, facts in self._facts))

    def dependencies(
        self, places: Places, context: Any, more: Iterable[Fact] = ()
    ) -> set[Dependency]:
        """Return what the response depends on: what was noted, and ``more``.

        ``context`` is what was published, ``places`` are those of the site.
        """
        facts = self.facts() | set(more)
        # Looked for only where it is asked of: REST's answers often have none
        within = any(fact.kind is Kind.WITHIN for fact in facts)
        navigation = navigation_of(context, self.registry) if within else Navigation()
        found = Resolution(places, navigation)
        return {dependency for fact in facts for dependency in found.of(fact)}


class Resolution:
    """From facts to dependencies."""

    def __init__(self, places: Places, navigation: Navigation):
        self.places = places
        self.navigation = navigation

    def of(self, fact: Fact) -> Iterator[Dependency]:
        """Yield the dependencies of a fact."""
        site = self.places.site
        facet = Facet.EDIT if fact.edit else Facet.LABEL
        match fact.kind:
            case Kind.FOREIGN:
                yield names.foreign(fact.key)
            case Kind.CHROME:
                yield names.chrome(site)
            case Kind.UNDATED:
                yield names.undated(site, fact.key)
            case Kind.GROUP:
                yield names.group(site, fact.key)
            case Kind.OF_TYPE:
                yield names.of_type(site, fact.key, facet)
            case _ if fact.is_uid:
                path = self.places.path_of(fact.key)
                if path is None:
                    yield names.label(fact.key)
                else:
                    yield from self._of_place(fact, path, facet)
            case _:
                yield from self._of_place(fact, fact.key, facet)

    def _of_place(self, fact: Fact, path: str, facet: Facet) -> Iterator[Dependency]:
        chain = self.places.chain(path)
        if not chain:
            return  # elsewhere in Zope: nothing there is purged
        uid, above = chain[0], chain[1:]
        if self.places.uid(path) is None:
            # Nothing there, or nothing that the catalog knows. It may come.
            yield names.below(uid, above, facet)
            return
        match fact.kind:
            case Kind.OWN:
                yield names.own(uid, above)
            case Kind.LABEL:
                yield names.label(uid, above)
            case Kind.NAMES:
                yield names.names(uid, above)
            case Kind.CHILDREN:
                yield names.children(uid, above, facet)
            case Kind.WITHIN if facet is Facet.LABEL:
                titles = Facet.TITLE if fact.titles else Facet.LABEL
                yield names.within(uid, above, fact.depth, self.navigation, titles)
            case _:
                yield names.below(uid, above, facet)


def _is_dated(brain: Any) -> bool:
    # Of comments it is Missing.Value, which has no hash
    date = brain["EffectiveDate"]
    return isinstance(date, str) and date not in _NO_DATES


# --- who notes, and when --------------------------------------------------------------


def reading_of(request: Any) -> Reading | None:
    """Return the reading of a request, if what it reads is noted."""
    return getattr(request, ATTRIBUTE, None)


def _is_on(registry: Any) -> bool:
    """Say whether responses get tags."""
    return registry is not None and value_in_force(registry, "cache_tags") != TAGS_OFF


@adapter(ISiteRoot, IBeforeTraverseEvent)
def begin(site: Any, event: IBeforeTraverseEvent) -> None:
    """Note what is read from here on, where that can matter."""
    request = event.request
    parent = request.get("PARENT_REQUEST", None)
    if parent is not None:
        reading = reading_of(parent)
    elif reading_of(request) is None and _is_read(request):
        reading = _begun(request, site)
    else:
        return
    if reading is not None:
        setattr(request, ATTRIBUTE, reading)


def _begun(request: Any, site: Any) -> Reading | None:
    registry = registry_of(site)
    if not _is_on(registry):
        return None
    _answer_in_full(request, registry)
    patches.apply()
    fragments.take_over()
    return Reading(site, registry)


def _answer_in_full(request: Any, registry: Any) -> None:
    """Have a copy without tags replaced. "Not modified" would renew it, without."""
    conditions = [name for name in _CONDITIONS if name in request.environ]
    if conditions and not have_untagged_expired(registry):
        for name in conditions:
            del request.environ[name]


_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")

#: What CloudFront caches the answers of, unless told otherwise.
METHODS = ("GET", "HEAD")
#: What Volto by default asks by POST, because a URL can be too short for it. Its pages,
#: which it makes from the answers, are cached.
_LISTING = "/@querystring-search"


def _is_read(request: Any) -> bool:
    method = request.get("REQUEST_METHOD")
    by_post = method == "POST" and request.get("PATH_INFO", "").endswith(_LISTING)
    return method in METHODS or by_post


@adapter(IPubAfterTraversal)
def go_on(event: IPubAfterTraversal) -> None:
    """Note nothing for people who are logged in, now that it is known."""
    reading = reading_of(event.request)
    if reading is None:
        return
    if is_anonymous():
        reading.above = frozenset(_paths_above(event.request))
    else:
        setattr(event.request, ATTRIBUTE, None)


def parents(request: Any) -> Iterator[Any]:
    """Yield the content that was traversed, the last first, without REST's wrappers."""
    for parent in request.get("PARENTS", ()):
        if isinstance(aq_base(parent), RESTWrapper):
            parent = parent.context
        if IContentish.providedBy(parent) or ISiteRoot.providedBy(parent):
            yield parent


def _paths_above(request: Any) -> Iterator[str]:
    for parent in parents(request):
        path = parent.getPhysicalPath()
        return ("/".join(path[:end]) for end in range(1, len(path)))
    return iter(())
