"""Which fields of a folder pages below it may show.

Breadcrumbs and navigation show titles. Themes and add-ons climb from a page to its
section or site and show a logo, a banner, a footer: viewlets, and ``@inherit`` of the
REST API. Nothing tells which fields they read. So any field counts, but those of Plone's
own that only the page itself shows, and those that ``visible`` knows already.
"""

from collections.abc import Collection
from collective.cloudfront.reach.visible import SHOWN
from collective.cloudfront.tagging.inherited import is_of_plone
from Products.CMFCore.interfaces import IFolderish
from typing import Any


#: Fields of a folder that pages below it show, in breadcrumbs and in navigation, which
#: leaves out default pages, or take from it. Also if visitors may not see the folder.
INHERITED = frozenset({"default_page", "language", "nextPreviousEnabled", "title"})
#: Pictures of a section, which themes show on its pages.
_PICTURES = frozenset({"image", "image_caption", "preview_image", "preview_image_link"})
#: Fields of Plone's own that no other page shows.
_OF_THE_PAGE = frozenset(
    {
        "blocks",
        "blocks_layout",
        "changeNote",
        "customViewFields",
        "item_count",
        "limit",
        "query",
        "relatedItems",
        "sort_on",
        "sort_reversed",
        "table_of_contents",
        "text",
        "versioning_enabled",
    }
)
#: Attributes that no field has, or by another name.
_ATTRIBUTES = frozenset({"creation_date", "portal_type"})
#: Fields, of Plone's own schemas, whose change leaves alone what is below.
_LOCAL = (SHOWN | _OF_THE_PAGE) - INHERITED - _PICTURES


def is_local(name: str, schema: Any) -> bool:
    """Say whether a field of ``schema`` is one that pages below a folder do not show."""
    return name in _LOCAL and is_of_plone(schema)


def is_shown_below(obj: Any, changed: Collection[tuple[str, Any]]) -> bool:
    """Say whether pages below ``obj`` may show one of its fields that ``changed``, each
    with its schema. Any field may have changed where there are none.
    """
    if not IFolderish.providedBy(obj):
        return False
    return not changed or any(not is_local(name, schema) for name, schema in changed)


def are_shown_below(obj: Any, names: Collection[str]) -> bool:
    """Say the same of attributes that have changed, whose schemas nobody knows."""
    fields = [name for name in names if not name.startswith("_")]
    known = _LOCAL | _ATTRIBUTES
    return bool(IFolderish.providedBy(obj)) and not known.issuperset(fields)
