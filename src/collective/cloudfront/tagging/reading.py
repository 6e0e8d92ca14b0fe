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

from AccessControl import getSecurityManager
from AccessControl.SpecialUsers import nobody
from Acquisition import aq_base
from collections.abc import Iterable
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging import names
from collective.cloudfront.tagging.names import Kind
from collective.cloudfront.tagging.names import Navigation
from collective.cloudfront.tagging.places import Places
from collective.cloudfront.tagging.queries import DATE
from collective.cloudfront.tagging.queries import Fact
from collective.cloudfront.tagging.queries import OF_ANY_EDIT
from collective.cloudfront.tagging.queries import Query
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any
from zope.component import adapter
from zope.globalrequest import getRequest
from zope.traversing.interfaces import IBeforeTraverseEvent
from ZPublisher.interfaces import IPubAfterTraversal

import logging


logger = logging.getLogger("collective.cloudfront")

OFF = "off"

#: Where a request has its reading.
_ATTRIBUTE = "_collective_cloudfront_reading"

#: Any edit changes what a query answers; names are those of kinds in ``names``.
_QUERIES = frozenset({Kind.CHILDREN, Kind.BELOW, Kind.WITHIN, Kind.OF_TYPE})


class Reading:
    """What one response depends on."""

    def __init__(self, site: Any):
        self.site = site
        self.path = "/".join(site.getPhysicalPath())
        #: Facts, and those of fragments that are just being made, the innermost last
        self._facts: list[tuple[str, set[Fact]]] = [("", set())]
        #: Opened objects, and how often more than on the way to another
        self._opened: dict[str, int] = {}
        #: Something could not be noted
        self.incomplete = False

    # --- noting -----------------------------------------------------------------------

    def note(self, *facts: Fact) -> None:
        """Add facts."""
        self._facts[-1][1].update(facts)

    def searched(self, catalog: Any, query: Any, sorted_by: Any) -> None:
        """Note a search. ``catalog`` is ZCatalog's inner one."""
        if aq_base(catalog) is not aq_base(self.site.portal_catalog._catalog):
            # Nobody knows what is in there
            self.note(Fact(Kind.BELOW, self.path, edit=True))
            return
        self.note(*Query(catalog, query, sorted_by, self.path).facts())

    def opened(self, start: Any, found: Any) -> None:
        """Note an object that was reached by its path, from ``start``."""
        if IContentish.providedBy(found):
            path = "/".join(found.getPhysicalPath())
            self.note(Fact(Kind.OWN, path))

    def shown(self, column: str, brain: Any) -> None:
        """Note that a date was asked of a result of a query."""
        if column != DATE:
            # It came from one of the queries
            self.note(Fact(Kind.OWN, "", edit=True))
        elif brain["EffectiveDate"] in ("None", None):
            self.note(Fact(Kind.UNDATED, ""))

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

    def dependencies(self, facts: Iterable[Fact] = ()) -> set[names.Dependency]:
        """Return what the response depends on, with ``facts`` besides those noted."""
        found = self.facts() | set(facts)
        edited = Fact(Kind.OWN, "", edit=True) in found
        places = Places(self.site)
        navigation = navigation_of(self.site, places)
        return {
            dependency
            for fact in found
            if fact.key or fact.kind is Kind.UNDATED
            for dependency in _dependencies(fact, places, navigation, edited)
        }
