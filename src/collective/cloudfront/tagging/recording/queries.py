"""What a catalog query depends on, derived from the query alone.

Only criteria that rule objects out for certain narrow the answer: UIDs, translation
groups, places and types. A change may make any object meet the others, so we act as if
every object meets them.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.tagging.vocabulary.dependencies import INTERFACES
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from dataclasses import dataclass
from Products.ZCatalog.query import IndexQuery
from typing import Any
from typing import NamedTuple


#: A query for more types than this counts as a query for all types.
MOST_TYPES = 4

#: Indexes whose values change with labels only. Those that are columns, too, come on top.
_OF_LABELS = frozenset(
    {
        "Description",
        "Title",
        "TranslationGroup",
        "UID",
        "allowedRolesAndUsers",
        "effectiveRange",
        "exclude_from_nav",
        "getObjPositionInParent",
        "in_reply_to",
        "is_default_page",
        "is_folderish",
        "Language",
        "object_provides",
        "path",
        "sortable_title",
    }
)
#: Indexes whose values change with titles, places, types and states only.
_OF_TITLES = frozenset(
    {
        "Language",
        "Title",
        "UID",
        "allowedRolesAndUsers",
        "effectiveRange",
        "exclude_from_nav",
        "getId",
        "getObjPositionInParent",
        "id",
        "is_default_page",
        "is_folderish",
        "path",
        "portal_type",
        "review_state",
        "sortable_title",
    }
)
#: Columns that any edit, or a comment, changes.
OF_ANY_EDIT = frozenset(
    {
        "ModificationDate",
        "commentators",
        "getObjSize",
        "last_comment_date",
        "modified",
        "total_comments",
    }
)
#: The date of publication or, where there is none, of the last change.
DATE = "Date"

#: The type of the folder that holds all of a language (plone.app.multilingual)
_LANGUAGE_FOLDER = "LRF"

#: The names of the catalog tool's first argument.
_FIRST = ("REQUEST", "query")

#: The index of an object's position in its folder. Reordering changes nothing else.
_POSITION = "getObjPositionInParent"


class Fact(NamedTuple):
    """Something that a response depends on, before UIDs are looked up."""

    kind: Kind
    #: A path, or what else identifies the thing that ``kind`` is about
    key: str
    edit: bool = False
    depth: int = 0
    #: ``key`` is a UID
    is_uid: bool = False
    #: The response shows only titles of what navigation finds
    titles: bool = False


@dataclass(frozen=True, slots=True)
class Navigated:
    """What navigation shows (Navigation control panel)."""

    #: The content types that it shows
    types: frozenset[str] = frozenset()
    #: It also shows excluded objects to somebody who is below one
    excluded: bool = False


class Query:
    """A query as the catalog gets it."""

    def __init__(
        self,
        catalog: Any,
        query: Any,
        sorted_by: Any,
        site_path: str,
        navigation: "Navigated",
        any_edit: bool = False,
    ):
        """``any_edit``: whatever it finds, it depends on any edit of that."""
        self.navigation = navigation
        self.catalog = catalog
        self.query = query
        self.site_path = site_path
        self.sorted_by = frozenset(
            index.getId() for index in as_list(sorted_by) if index is not None
        )
        self.used = (
            frozenset(name for name in query if name in catalog.indexes)
            | self.sorted_by
        )
        self.edit = any_edit or any(self._is_of_any_edit(name) for name in self.used)
        # The types whose ``Date`` it asks for. Without types, it depends on any edit
        self._dated = self._named_types() if DATE in self.used else []
        if DATE in self.used and not self._dated:
            self.edit = True

    def facts(self) -> Iterator[Fact]:
        """Yield the facts that the result of the query depends on."""
        if not self.edit:
            yield from (Fact(Kind.UNDATED, name) for name in self._dated)
        uids = self._keys("UID")
        if uids:
            kind = Kind.OWN if self.edit else Kind.LABEL
            for uid in uids:
                yield Fact(kind, str(uid), is_uid=True)
            return
        groups = self._keys("TranslationGroup")
        if groups and not self.edit:
            for name in groups:
                yield Fact(Kind.GROUP, str(name))
            return
        yield from self._of_places(list(self._types()))

    @property
    def finds_by_titles(self) -> bool:
        """Whether neither descriptions nor dates decide what it finds."""
        return self.used <= _OF_TITLES

    def _of_places(self, types: list[str]) -> Iterator[Fact]:
        places = self._places()
        everywhere = Fact(Kind.BELOW, self.site_path, self.edit)
        if not places:
            places = [everywhere]
        for place in places:
            # In a large place, the type is the better criterion
            wide = place.kind is Kind.BELOW and self._is_wide(place.key)
            if wide and types and _POSITION not in self.used:
                for name in types:
                    yield Fact(Kind.OF_TYPE, name, self.edit)
            else:
                yield place

    def _is_wide(self, path: str) -> bool:
        """Say whether a place is the site, or all of it in one language."""
        if path == self.site_path:
            return True
        rid = self.catalog.uids.get(path)
        column = self.catalog.schema.get("portal_type")
        if rid is None or column is None:
            return False
        return self.catalog.data[rid][column] == _LANGUAGE_FOLDER

    def _named_types(self) -> list[str]:
        types = self._keys("portal_type") or ()
        return [str(each) for each in types] if len(types) <= MOST_TYPES else []

    def _types(self) -> Iterable[str]:
        types = self._named_types()
        if types:
            return types
        provided = self._keys("object_provides") or ()
        names = [getattr(each, "__identifier__", each) for each in provided]
        if names and all(each in INTERFACES for each in names):
            return names
        return []

    def _places(self) -> list[Fact]:
        """Return the facts for the paths in the query; empty if it has no path."""
        index = self.catalog.indexes.get("path")
        asked = self._asked("path")
        if asked is None or index is None or asked.get("level", 0):
            return []
        places: list[Fact] = []
        for path in asked.keys:
            if not isinstance(path, str):
                return []
            found = self._place("/" + path.strip("/"), asked)
            if found is None:
                return []
            places += found
        return places

    def _place(self, path: str, asked: IndexQuery) -> list[Fact] | None:
        if not _is_at_or_below(path, self.site_path):
            # Above the site, which is all of it, or outside of it
            return None if _is_at_or_below(self.site_path, path) else []
        # Use the attribute, because ``get`` of the query hides a 0
        depth = getattr(asked, "depth", -1)
        if asked.get("navtree", 0):
            return self._along(path, depth, int(asked.get("navtree_start", 0)))
        itself = Fact(Kind.OWN if self.edit else Kind.LABEL, path)
        if depth == 0:
            return [itself]
        if depth > 0 and self._is_navigation():
            within = Fact(Kind.WITHIN, path, depth=depth)
            return [within] if depth == 1 else [itself, within]
        if depth == 1:
            return [Fact(Kind.CHILDREN, path, self.edit)]
        return [itself, Fact(Kind.BELOW, path, self.edit)]

    def _is_navigation(self) -> bool:
        """Say whether the query finds only what navigation shows."""
        if self.edit:
            return False
        types = self._keys("portal_type")
        if not types or not self.navigation.types.issuperset(types):
            return False
        asked = self._asked("exclude_from_nav")
        excluded = asked is None or list(asked.keys) != [False]
        return self.navigation.excluded or not excluded

    def _along(self, path: str, depth: int, start: int) -> list[Fact]:
        """Return the facts of a "navtree" query, for everything on the way to ``path``.

        With a depth above 1, ExtendedPathIndex also finds everything that is not deeper
        than ``start``, wherever it is. It counts levels from the database's root.
        """
        names = path.split("/")[1:]
        ways = ["/" + "/".join(names[:end]) for end in range(start, len(names) + 1)]
        ways = [way for way in ways if _is_at_or_below(way, self.site_path)]
        label = Kind.OWN if self.edit else Kind.LABEL
        if depth == 0:
            return [Fact(label, way) for way in ways]
        if depth in (-1, 1):
            return [Fact(Kind.CHILDREN, way, self.edit) for way in ways]
        all_above = start <= self.site_path.count("/")
        kind = Kind.CHILDREN if all_above else Kind.BELOW
        return [
            *(Fact(label, way) for way in ways),
            Fact(kind, self.site_path, self.edit),
            Fact(Kind.BELOW, path, self.edit),
        ]

    def _keys(self, name: str) -> list[Any] | None:
        asked = self._asked(name)
        return None if asked is None else [key for key in asked.keys if key]

    def _asked(self, name: str) -> IndexQuery | None:
        """Return the criterion for an index, or None if it rules nothing out."""
        index = self.catalog.indexes.get(name)
        if index is None or name not in self.query:
            return None
        asked = IndexQuery(
            self.query,
            name,
            index.query_options,
            index.operators,
            index.useOperator,
        )
        if not asked.keys or asked.get("not") or asked.get("range"):
            return None
        # "and" of several places or types is rare, and narrower than "or"
        return asked

    def _is_of_any_edit(self, name: str) -> bool:
        if name in OF_ANY_EDIT:
            return True
        return not (name in _OF_LABELS or name in self.catalog.schema or name == DATE)


def criteria(args: Sequence[Any], kw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query of a search with the catalog tool, from its arguments: it takes a
    mapping or a request, too.
    """
    # The first one has another name in Plone 6.2
    named = [kw[name] for name in _FIRST if name in kw]
    request = next(iter((*args, *named)), None)
    others = {name: value for name, value in kw.items() if name not in _FIRST}
    return {**(getattr(request, "form", request) or {}), **others}


def as_list(value: Any) -> list[Any]:
    """Return the values of a criterion."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _is_at_or_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")
