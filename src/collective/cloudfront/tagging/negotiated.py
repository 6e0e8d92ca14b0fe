"""Answers in a language that the browser, or a cookie, chose.

CloudFront keeps one answer for a URL, unless ``Accept-Language`` or the cookie is in its
cache key, which Zope cannot know. Where Plone finds the language by the path or by the
content first (Language control panel), the other visitors get the same.
"""

from collections.abc import Iterator
from plone.i18n.interfaces import ILanguageUtility
from plone.registry.interfaces import IRegistry
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from zope.component import queryUtility
from zope.component.hooks import getSite


_BY_BROWSER = "plone.use_request_negotiation"
_BY_COOKIE = "plone.use_cookie_negotiation"
#: Cookies are looked at for logged-in people only.
_ONLY_LOGGED_IN = "plone.authenticated_users_only"
_LANGUAGES = "plone.available_languages"
#: What has no language: files, and what a package or a theme has of its own.
_BARE = ("image/", "video/", "audio/", "font/", "application/pdf", "text/css")
_OF_PACKAGES = ("/++plone++", "/++resource++", "/++theme++", "/++webresource++")


def negotiations(registry: Any) -> list[str]:
    """Return the request headers by which a visitor chooses a language, by Plone's
    settings: none in a site with one language.
    """
    if len(registry.get(_LANGUAGES, None) or ()) < 2:
        return []
    found = []
    if registry.get(_BY_BROWSER, False):
        found.append("Accept-Language")
    if registry.get(_BY_COOKIE, False) and not registry.get(_ONLY_LOGGED_IN, False):
        found.append("Cookie")
    return found


def is_negotiated(request: Any) -> bool:
    """Say whether other visitors may get another language at the same URL.

    A response that says so itself, by ``Vary``, was made for a cache key that has it.
    """
    registry = queryUtility(IRegistry)
    if registry is None:
        return False
    headers = negotiations(registry)
    if not headers or _has_no_language(request):
        return False
    varies = (request.response.getHeader("Vary") or "").lower().split(",")
    names = {name.strip() for name in varies}
    if all(header.lower() in names for header in headers):
        return False
    return not _is_decided(request, registry)


def _has_no_language(request: Any) -> bool:
    response = request.response
    if response.getStatus() != 200:
        return False
    kind = (response.getHeader("Content-Type") or "").lower()
    return (
        kind.startswith(_BARE)
        or response.getHeader("Content-Disposition") is not None
        or any(name in request.get("ACTUAL_URL", "") for name in _OF_PACKAGES)
    )


def _is_decided(request: Any, registry: Any) -> bool:
    """Say whether Plone found the language by the path, or by the content there."""
    tool = queryUtility(ILanguageUtility)
    if tool is None:
        return False
    names = list(_names(request))
    if registry.get("plone.use_path_negotiation", False):
        asked = {"TraversalRequestNameStack": names}
        if tool.getPathLanguage(asked):
            return True
    if registry.get("plone.use_content_negotiation", False):
        # It takes the names from the end, as a request does
        return bool(tool.getContentLanguage(SimpleNamespace(path=names[::-1])))
    return False


def _names(request: Any) -> Iterator[str]:
    """Yield the names in the URL from the site on, as the visitor asked for them."""
    site = getSite().getPhysicalPath()
    own = request.physicalPathToURL(site, relative=1).rstrip("/")
    # Where the virtual host is a folder of the site, its names come first
    yield from request.get("VirtualRootPhysicalPath", ())[len(site) :]
    for name in urlsplit(request.get("ACTUAL_URL", "")).path[len(own) :].split("/"):
        if name and name != "++api++":
            yield name
