"""Variables of the environment that hold for a whole process, and not for a site."""

from collections.abc import Mapping

import logging
import math


logger = logging.getLogger("collective.cloudfront")

_ON = frozenset({"on", "true", "yes", "1"})
_OFF = frozenset({"off", "false", "no", "0"})


def is_off(environ: Mapping[str, str], name: str) -> bool:
    """Say whether a variable of the environment switches something off."""
    value = environ.get(name, "").strip().lower()
    if value and value not in _ON | _OFF:
        logger.error("Environment variable %s: use on or off. Using on.", name)
    return value in _OFF


def number(
    environ: Mapping[str, str], name: str, default: float, least: float | None = None
) -> float:
    """Return a number of the environment: a positive one, or ``least`` at least."""
    try:
        number = float(environ.get(name, default))
    except ValueError:
        number = math.nan
    if math.isfinite(number) and (number > 0 if least is None else number >= least):
        return number
    logger.error(
        "Environment variable %s: %r is not a valid number. Using %s instead.",
        name,
        environ[name],
        default,
    )
    return default
