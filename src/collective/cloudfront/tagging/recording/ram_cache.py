"""What Plone keeps in memory keeps its facts: results of functions, whole responses.

``plone.memoize.ram`` and plone.app.caching ask a utility for their caches. When the
first response gets tags, we register our utility before theirs. While facts are noted,
it uses keys of its own, so it finds nothing from other times or for logged-in people.
It keeps results of functions together with the facts noted while they were made.
Responses keep their tags as a header. The memory may be shared by processes, of other
versions, too (collective.redismemoize, memcached): facts are kept as plain data.
"""

from collections.abc import Iterable
from collective.cloudfront.tagging.anonymous import is_anonymous
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from plone.memoize.interfaces import ICacheChooser
from typing import Any
from zope.component import getGlobalSiteManager
from zope.globalrequest import getRequest
from zope.interface import implementer

import threading


#: plone.app.caching keeps whole responses, with their headers, under this name.
RESPONSES = "plone.app.caching.operations.ramcache"

#: The start of the keys that we use while facts are noted.
_OURS = "collective.cloudfront tagged 2 "
_KINDS = {kind.value: kind for kind in Kind}

_MISSING = object()


@implementer(ICacheChooser)
class Chooser:
    """Chooses as another chooser does, and wraps the cache while facts are noted."""

    def __init__(self, chooser: Any):
        self.chooser = chooser

    def __call__(self, name: str) -> Any:
        """Return the cache for the function with this dotted name."""
        cache = self.chooser(name)
        readset = getattr(getRequest(), ATTRIBUTE, None)
        if cache is None or readset is None or not is_anonymous():
            return cache
        return Responses(cache) if name == RESPONSES else Results(cache, readset)


class Responses:
    """A cache with keys of our own."""

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


class Results(Responses):
    """The same; beside each value it keeps the facts that the value depends on."""

    def __init__(self, cache: Any, readset: Any):
        super().__init__(cache)
        self._readset = readset

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value and note its facts; without one, collect facts for it."""
        stored = super().get(key, _MISSING)
        try:
            value, plain = stored
            facts = _facts(plain)
        except (TypeError, ValueError, KeyError):  # missing, or not a result of ours
            self._readset.begin_result(key)
            return default
        self._readset.note(*facts)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        facts = self._readset.end_result(key)
        super().__setitem__(key, (value, _plain(facts)))


def _plain(facts: Iterable[Fact]) -> tuple[tuple[Any, ...], ...]:
    return tuple((fact.kind.value, *fact[1:]) for fact in facts)


def _facts(plain: Iterable[tuple[Any, ...]]) -> list[Fact]:
    return [Fact._make((_KINDS[kind], *others)) for kind, *others in plain]


_lock = threading.Lock()


def take_over() -> None:
    """Register our utility in place of the one that is there, and wrap that one."""
    registry = getGlobalSiteManager()
    if isinstance(registry.queryUtility(ICacheChooser), Chooser):
        return
    with _lock:
        chooser = registry.queryUtility(ICacheChooser)
        if chooser is not None and not isinstance(chooser, Chooser):
            registry.registerUtility(Chooser(chooser), ICacheChooser)
