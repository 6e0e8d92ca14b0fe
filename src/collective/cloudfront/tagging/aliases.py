"""Answers at a path that is not their content's own.

Zope finds content by acquisition, so ``/news/deep/page`` and ``/Plone/deep/page`` may show
what ``/deep/page`` shows. Nobody can list these paths, and no wildcard reaches them.
"""

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import re


#: plone.rest's way to the twin of a site. It stands once in a path, after the site.
_API = "/++api++"
#: Plone's way to the files of packages, with a hash; it leads to the site, too. What is
#: content there, or a page of the site, is at another place.
_HASHED_FILE = re.compile(r"/\+\+webresource\+\+[^/]*/\+\+(?:plone|resource|theme)\+\+")
_VIRTUAL_ROOT = "/VirtualHostRoot"


def is_alias(request: Any, traversed: Sequence[Any]) -> bool:
    """Say whether the content that was ``traversed`` (the last first) has a path of its
    own, which is not the beginning of the path that was asked for.

    A folder with a default page is asked for by the beginning of that page's path.
    """
    way = _without_namespaces(request, traversed)
    if not way:
        return False
    return (
        _is_acquired(way)
        or _has_empty_name(request.get("PATH_INFO", ""))
        or not _is_begun_by(request, way)
    )


def _without_namespaces(request: Any, traversed: Sequence[Any]) -> Sequence[Any]:
    """Return the way without what led to where it began: ``++api++`` after the site, and
    ``++webresource++``, each once.
    """
    way, path = list(traversed), request.get("PATH_INFO", "")
    if _API in path and len(way) > 1 and aq_base(way[-1]) is aq_base(way[-2]):
        way.pop()
    if _HASHED_FILE.search(path):
        bases = [aq_base(each) for each in way]
        for place, outer in enumerate(bases[1:]):
            if bases[place] is outer:
                del way[place]
                break
    return way


def _is_acquired(way: Sequence[Any]) -> bool:
    """Say whether something was not found in what was traversed before it."""
    return any(
        aq_base(aq_parent(aq_inner(inner))) is not aq_base(outer)
        for inner, outer in zip(way, way[1:])
    )


def _has_empty_name(path: str) -> bool:
    """Say whether the path has two slashes in its midst, which Zope takes for one."""
    return "//" in path.rpartition(_VIRTUAL_ROOT)[2].lstrip("/")


def _is_begun_by(request: Any, way: Sequence[Any]) -> bool:
    asked = urlsplit(request.get("ACTUAL_URL", "")).path.rstrip("/") + "/"
    own = request.physicalPathToURL(way[0].getPhysicalPath(), relative=1) + "/"
    if asked.startswith(own):
        return True
    if _API in asked:
        site = request.physicalPathToURL(way[-1].getPhysicalPath(), relative=1)
        if asked.startswith(f"{site}{_API}/"):
            asked = site + asked[len(site) + len(_API) :]
    return asked.startswith(own) or own.startswith(asked)
