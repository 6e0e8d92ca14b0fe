"""What is kept in memory keeps what it depends on: fragments of pages, whole responses.

``plone.memoize.ram`` and plone.app.caching ask a utility for their caches; ours is put
before whatever was registered, when the first response gets tags. While facts are noted
it keeps things under keys of their own, so that nothing from other times or for people
who are logged in is found: fragments with the facts that were noted when they were
made, responses as they are, with the tags among their headers.
"""

from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from plone.memoize.interfaces import ICacheChooser
from typing import Any
from zope.component import getGlobalSiteManager
from zope.globalrequest import getRequest
from zope.interface import implementer

import threading


#: plone.app.caching keeps whole responses under this name, headers and all.
PAGES = "plone.app.caching.operations.ramcache"

#: Before the keys of what was kept while facts were noted.
_OURS = "collective.cloudfront tagged "

_MISSING = object()


@implementer(ICacheChooser)
class Chooser:
    """Chooses what another one does, and wraps it where facts are noted."""

    def __init__(self, chooser: Any):
        self.chooser = chooser

    def __call__(self, name: str) -> Any:
        """Return the cache for the function with this dotted name."""
        cache = self.chooser(name)
        reading = getattr(getRequest(), ATTRIBUTE, None)
        if cache is None or reading is None or not is_anonymous():
            return cache
        return Pages(cache) if name == PAGES else Fragments(cache, reading)


class Pages:
    """A cache, under keys of ours."""

    def __init__(self, cache: Any):
        self._cache = cache

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or ``default`` if there is none."""
        return self._cache.get(_OURS + key, default)

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self._cache[_OURS + key] = value


class Fragments(Pages):
    """The same, beside whose values is what they depend on."""

    def __init__(self, cache: Any, reading: Any):
        super().__init__(cache)
        self._reading = reading

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value and note its facts; if there is none, wait for both."""
        stored = super().get(key, _MISSING)
        if stored is _MISSING:
            self._reading.begin_fragment(key)
            return default
        value, facts = stored
        self._reading.note(*facts)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, (value, self._reading.end_fragment(key)))


_lock = threading.Lock()


def take_over() -> None:
    """Put ours before the registered utility."""
    registry = getGlobalSiteManager()
    if isinstance(registry.queryUtility(ICacheChooser), Chooser):
        return
    with _lock:
        chooser = registry.queryUtility(ICacheChooser)
        if chooser is not None and not isinstance(chooser, Chooser):
            registry.registerUtility(Chooser(chooser), ICacheChooser)
