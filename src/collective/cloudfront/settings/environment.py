"""Environment variables that override settings.

The record ``collective.cloudfront.window`` is overridden by ``CLOUDFRONT_WINDOW``,
and so on. So a production database copied to a staging machine does not purge
production: there, set ``CLOUDFRONT_ENABLED=false`` or another distribution id.
"""

from collections.abc import Mapping
from collective.cloudfront.settings.keypair import SECRET
from collective.cloudfront.settings.records import PREFIX
from collective.cloudfront.settings.schema import ICloudFrontSettings
from collective.cloudfront.settings.webhook import WEBHOOK
from plone.registry.interfaces import IRegistry
from typing import Any
from zope import schema
from zope.interface import Invalid

import logging
import os


logger = logging.getLogger("collective.cloudfront")

#: The fields by name.
_SCHEMA: Any = ICloudFrontSettings

#: Settings that nobody sees.
SECRETS = frozenset({SECRET, WEBHOOK})

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def value_in_force(
    registry: IRegistry, name: str, environ: Mapping[str, str] = os.environ
) -> Any:
    """Return the value that is used for a setting, the environment's if there is one."""
    raw = environ.get(variable(name))
    if raw is not None:
        return _from_environment(name, raw.strip())
    field = _SCHEMA[name]
    value = registry.get(f"{PREFIX}.{name}", field.default)
    return field.default if value is None else value


def variable(name: str) -> str:
    """Return the environment variable that overrides the record ``name``."""
    return f"CLOUDFRONT_{name.upper()}"


_VARIABLES = {
    name: variable(name) for name in schema.getFieldNames(ICloudFrontSettings)
}


def values_in_force(
    registry: IRegistry, environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Return the values that are used for all settings, as ``value_in_force`` does.

    Each transaction with a change reads them, and a save waits for that.
    """
    found = {}
    # All names at once: each look-up in ``os.environ`` encodes and decodes
    present = set(environ)
    for name, overriding in _VARIABLES.items():
        if overriding in present:
            found[name] = _from_environment(name, environ[overriding].strip())
        else:
            value = registry.get(f"{PREFIX}.{name}")
            found[name] = _SCHEMA[name].default if value is None else value
    return found


def overrides(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the records that the environment overrides."""
    return tuple(
        name
        for name in schema.getFieldNames(ICloudFrontSettings)
        if variable(name) in environ
    )


def _from_environment(name: str, raw: str) -> Any:
    field = _SCHEMA[name]
    try:
        value = _parse(field, raw)
        field.validate(value)
    except (ValueError, Invalid, schema.ValidationError) as error:
        _complain(name, raw, error)
        # An unreadable override must rather purge nothing than the wrong thing.
        return _fallback(field)
    return value


def _parse(field: schema.interfaces.IField, raw: str) -> Any:
    if isinstance(field, schema.Bool):
        if raw.lower() in _TRUE:
            return True
        if raw.lower() in _FALSE:
            return False
        raise ValueError("use true or false")
    if isinstance(field, schema.Float):
        return float(raw)
    if isinstance(field, schema.Int):
        return int(raw)
    return raw


def _fallback(field: schema.interfaces.IField) -> Any:
    return False if isinstance(field, schema.Bool) else field.default


_complained: set[tuple[str, str]] = set()


def _complain(name: str, raw: str, error: Exception) -> None:
    if (name, raw) in _complained:
        return
    _complained.add((name, raw))
    shown = "its value" if name in SECRETS else repr(raw)
    logger.error(
        "Environment variable %s: %s is not valid (%s). Using %r instead. "
        "Correct the variable and restart.",
        variable(name),
        shown,
        error,
        _fallback(_SCHEMA[name]),
    )
