"""Answers of the REST API whose content may change without a purge by path.

A text that was edited purges its own page, and what lists it with its text where that is
known: its folder. But a search shows whole objects from anywhere, at whatever address it
was asked, and a page shows the text of a section above it to whom asks for that.
"""

from collections.abc import Sequence
from collective.cloudfront.reach.collections import is_collection
from collective.cloudfront.settings import settings_of
from collective.cloudfront.tagging.inherited import texts_inherited
from collective.cloudfront.tagging.recording.queries import DATE
from collective.cloudfront.tagging.recording.queries import OF_ANY_EDIT
from plone.rest.interfaces import IAPIRequest
from typing import Any
from urllib.parse import parse_qs
from zope.component.hooks import getSite

import json


#: What asks for whole objects, and the parameter that may hold this and the next.
_WHOLE, _QUERY = "fullobjects", "query"
#: What asks for more columns of the catalog. Volto asks for all of them and shows none
#: of these, so "_all" does not count.
_COLUMNS = "metadata_fields"
_CHANGING = OF_ANY_EDIT | {DATE}
#: With this, whole objects contain what they contain.
_NESTED = "include_items"
_SEARCHES = ("/@search", "/@querystring-search")


def is_unreached(request: Any, way: Sequence[Any]) -> bool:
    """Say whether no path of a purge leads from what an answer shows to the answer, and
    no cache tag does.

    ``way``: the content that was traversed, the last first.
    """
    if not request.get("QUERY_STRING") or not IAPIRequest.providedBy(request):
        return False
    if not way or not _is_asked_for_texts(request, way[0]):
        return False
    settings = settings_of(getSite())
    return settings is None or not settings.by_tags


def _is_asked_for_texts(request: Any, context: Any) -> bool:
    asked = _parameters(request)
    if _WHOLE in asked and _NESTED in asked:
        return True
    texts = _WHOLE in asked or not _CHANGING.isdisjoint(asked.get(_COLUMNS, ()))
    if texts and (_is_search(request) or is_collection(context)):
        return True
    return next(texts_inherited(request, context), None) is not None


def _is_search(request: Any) -> bool:
    return request.get("ACTUAL_URL", "").rstrip("/").endswith(_SEARCHES)


def _parameters(request: Any) -> dict[str, list[Any]]:
    """Return what was asked for. The service for a query has emptied the form by now."""
    asked: dict[str, list[Any]] = parse_qs(request["QUERY_STRING"], True)
    for text in asked.get(_QUERY, ()):
        try:
            asked |= {
                name: value if isinstance(value, list) else [value]
                for name, value in json.loads(text).items()
                if value
            }
        except (AttributeError, ValueError):
            continue  # It is no such query
    return asked
