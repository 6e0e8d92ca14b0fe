"""The caching rules of plone.app.caching: which operation applies, with which options."""

from collections.abc import Iterator
from plone.caching.interfaces import ICachingOperationType
from plone.caching.utils import lookupOptions
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import queryUtility


CACHING = "plone.caching.interfaces.ICacheSettings"
_CHAIN = "plone.caching.operations.chain"
_USED = ("smaxage", "maxage", "etags", "anonOnly")


def operations(registry: IRegistry, rule: str) -> Iterator[str]:
    """Yield the names of the operations for a rule, those of a chain one by one."""
    name = (registry.get(f"{CACHING}.operationMapping") or {}).get(rule)
    if name == _CHAIN:
        yield from lookupOptions(name, rule).get("operations") or ()
    elif name:
        yield name


def known_operations(registry: IRegistry, rule: str) -> Iterator[Any]:
    """Yield the operations for a rule that are Plone's own: others are not known."""
    for name in operations(registry, rule):
        operation = queryUtility(ICachingOperationType, name=name)
        if operation is not None and name.startswith("plone.app.caching."):
            yield operation


def options(registry: IRegistry, rule: str) -> Iterator[dict[str, Any]]:
    """Yield the options in force, of Plone's own operations."""
    for operation in known_operations(registry, rule):
        # As the operations do: defaults are for what cannot be configured.
        defaults = {each: getattr(operation, each, None) for each in _USED}
        yield {**defaults, **lookupOptions(operation, rule)}


def lifetime(options: dict[str, Any]) -> int:
    """Return for how long (seconds) shared caches may keep responses."""
    smaxage = options["smaxage"]
    return (options["maxage"] if smaxage is None else smaxage) or 0
