"""Switches counting on in a Zope process whose figures somebody may read."""

from collections.abc import Mapping
from collective.cloudfront.delivery.counted import count
from collective.cloudfront.metrics import counts
from typing import Any

import logging


logger = logging.getLogger("collective.cloudfront")

#: Environment variables: who may read the figures. Without both there are none.
TOKEN, FROM = "CLOUDFRONT_METRICS_TOKEN", "CLOUDFRONT_METRICS_FROM"


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Say whether anybody may read the figures of this process."""
    return any(environ.get(each, "").strip() for each in (TOKEN, FROM))


def count_if_wanted(process: Any) -> None:
    """Count what a process does from now on, if anybody may read it."""
    if not is_wanted(process.environ):
        return
    try:
        _count(process, counts.switch_on())
    except counts.NotInstalled as error:
        logger.warning("There are no metrics: %s", error)
    except Exception:
        # The courier calls this, and goes on without.
        logger.exception("There are no metrics.")


def _count(process: Any, current: counts.Counts) -> None:
    # Not above: the process calls this
    from collective.cloudfront.changes import timed

    intake = process.intake
    current.read_in_memory = lambda: intake.kept
    if not process.is_courier_off:
        count(process.courier, current)
    timed.switch_on()
