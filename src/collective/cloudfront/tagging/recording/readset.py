"""The read-set of a response: facts, noted while the response is made.

Noting is cheap: paths as they come, in a set. ``resolution`` makes dependencies of them
at the end. If something cannot be noted, the response is sent as private; the visitor
gets it all the same.
"""

from Acquisition import aq_base
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.settings import ABOUT
from collective.cloudfront.tagging.places import navigated
from collective.cloudfront.tagging.places import navigation_of
from collective.cloudfront.tagging.places import Places
from collective.cloudfront.tagging.recording.callers import shows_labels_only
from collective.cloudfront.tagging.recording.callers import shows_titles
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from collective.cloudfront.tagging.recording.queries import as_list
from collective.cloudfront.tagging.recording.queries import criteria
from collective.cloudfront.tagging.recording.queries import DATE
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.recording.queries import Navigated
from collective.cloudfront.tagging.recording.queries import Query
from collective.cloudfront.tagging.recording.resolution import Resolution
from collective.cloudfront.tagging.vocabulary.dependencies import Dependency
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from functools import cached_property
from Products.CMFCore.interfaces import IContentish
from types import FrameType
from types import MappingProxyType
from typing import Any
from ZODB.POSException import ConflictError

import logging
import re


logger = logging.getLogger("collective.cloudfront")

#: Values of the column EffectiveDate, if it is a text, where there is no date.
_NO_DATES = frozenset({"None", ""})

#: UIDs as Plone makes them. Plone also looks up other texts, to see if they are UIDs.
_UID = re.compile(r"[0-9a-f-]{32,36}\Z")


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class ReadSet:
    """What one response depends on."""

    def __init__(self, site: Any, registry: Any):
        self.site = site
        self.registry = registry
        self.path = "/".join(site.getPhysicalPath())
        #: Paths of the containers of the published object. However a page gets them, it
        #: shows of them what breadcrumbs show
        self.above: frozenset[str] = frozenset()
        #: The response has its header, or must not get one
        self.tagged = False
        #: Something could not be noted
        self.incomplete = False
        #: How many searches were noted
        self.searches = 0
        #: A search with the catalog tool is going on
        self.is_searching = False
        #: Another search engine has answered, which may know of changes later than Plone
        self.searched_elsewhere = False
        # Facts of the response, then those of results for the memory that are being
        # made, the innermost last
        self._facts: list[tuple[str, set[Fact]]] = [("", set())]
        # Settings, read once they are needed
        self._dates: bool | None = None
        self._listings: dict[FrameType, bool] = {}
        self._navigated: Navigated | None = None
        # The object that was opened last, if that was the first time
        self._way: Fact | None = None

    @cached_property
    def catalog(self) -> Any:
        """ZCatalog's inner catalog. Getting it takes longer than most lookups in it."""
        # As an attribute, it would be looked for in the site's schemas first
        return aq_base(self.site._getOb("portal_catalog")._catalog)

    # --- noting -----------------------------------------------------------------------

    def note(self, *facts: Fact) -> None:
        """Add facts."""
        self._facts[-1][1].update(facts)

    def attempt(self, how: Callable[..., None], *what: Any) -> None:
        """Call ``how(*what)`` to note something; an error makes the response private."""
        try:
            how(*what)
        except ConflictError:
            raise
        except Exception:
            if not self.incomplete:
                logger.debug("Not noted for cache tags", exc_info=True)
            self.incomplete = True

    def note_search(
        self, catalog: Any, query: Any, sorted_by: Any, frame: FrameType
    ) -> None:
        """Note a search. ``catalog`` is ZCatalog's inner one."""
        self.searches += 1
        if aq_base(catalog) is not self.catalog:
            # We do not know what is in another catalog
            self.note(Fact(Kind.BELOW, self.path, edit=True))
            return
        if self._navigated is None:
            self._navigated = navigated(self.registry)
        asked = Query(catalog, query, sorted_by, self.path, self._navigated)
        for fact in asked.facts():
            if fact.kind is Kind.WITHIN and asked.finds_by_titles:
                fact = fact._replace(titles=shows_titles(frame))
            self.note(fact)

    def note_search_elsewhere(
        self,
        tool: Any = None,
        args: Sequence[Any] = (),
        kw: Mapping[str, Any] = _NOTHING,
    ) -> None:
        """Note a search that another engine than the catalog has answered.

        ``args`` and ``kw`` as the catalog tool got them. Results may have any column, so
        they depend on any edit; what narrows a query in the catalog narrows it there.
        """
        self.searches += 1
        self.searched_elsewhere = True
        catalog = aq_base(getattr(aq_base(tool), "_catalog", None))
        if catalog is None or catalog is not self.catalog:
            self.note(Fact(Kind.BELOW, self.path, edit=True))
            return
        query = criteria(args, kw)
        sorted_by = [
            catalog.indexes.get(name) for name in as_list(query.get("sort_on"))
        ]
        asked = Query(catalog, query, sorted_by, self.path, Navigated(), any_edit=True)
        self.note(*asked.facts())

    def note_object(self, start: Any, found: Any, frame: FrameType) -> None:
        """Note an object that was reached by a path from ``start``."""
        if not IContentish.providedBy(found):
            return
        path = "/".join(found.getPhysicalPath())
        if path in self.above or path == self.path:
            self._forget_way(path)
            self.note(Fact(Kind.LABEL, path))
            return
        if self._shows_labels_only(frame):
            return
        self._forget_way(path)
        fact = Fact(Kind.OWN, path)
        facts = self._facts[-1][1]
        self._way = None if fact in facts else fact
        facts.add(fact)

    def _forget_way(self, path: str) -> None:
        """Note only the label of an object that was opened on the way to ``path``."""
        way, self._way = self._way, None
        if way is not None and path.rpartition("/")[0] == way.key:
            self._facts[-1][1].discard(way)
            self.note(Fact(Kind.LABEL, way.key))

    def note_uid(self, uid: str) -> None:
        """Note a lookup of a UID in the index, whether an object has it or not."""
        if _UID.match(uid):
            self.note(Fact(Kind.LABEL, uid, is_uid=True))

    def note_date(self, column: str, brain: Any, frame: FrameType) -> None:
        """Note that a column of a search result was read that any edit changes."""
        if column == DATE and ("EffectiveDate" not in brain or _is_dated(brain)):
            return
        if not self._shows_labels_only(frame):
            # By its number: the caller may have unwrapped it, and then it has no path
            path = self.catalog.paths.get(brain.data_record_id_, self.path)
            self.note(Fact(Kind.OWN, path))

    def _shows_labels_only(self, frame: FrameType) -> bool:
        if self._dates is None:
            self._dates = bool(self.registry.get(ABOUT, False))
        return shows_labels_only(frame, self._dates, self._listings)

    # --- results that are kept in memory ----------------------------------------------

    def begin_result(self, key: str) -> None:
        """From now on facts also belong to the result for ``key``."""
        self._facts.append((key, set()))

    def end_result(self, key: str) -> frozenset[Fact]:
        """Return the facts of the result for ``key``, and go on with what contains it."""
        while len(self._facts) > 1:
            ended, facts = self._facts.pop()
            self.note(*facts)  # also those of a result that failed
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

        ``places``: the places of the site. ``context``: the published object.
        """
        self._listings.clear()
        facts = self.facts() | set(more)
        # Responses of REST often need no navigation, so do not look for it in vain
        within = any(fact.kind is Kind.WITHIN for fact in facts)
        navigation = navigation_of(context, self.registry) if within else Navigation()
        found = Resolution(places, navigation)
        return {dependency for fact in facts for dependency in found.of(fact)}


def _is_dated(brain: Any) -> bool:
    # Comments have Missing.Value, which has no hash
    date = brain["EffectiveDate"]
    return isinstance(date, str) and date not in _NO_DATES


def readset_of(request: Any) -> ReadSet | None:
    """Return the read-set of a request; None if nothing is noted for it."""
    return getattr(request, ATTRIBUTE, None)
