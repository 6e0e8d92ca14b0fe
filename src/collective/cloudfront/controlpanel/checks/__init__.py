"""What may be wrong with a site's set-up: checks, which other add-ons can add to.

A check is a named adapter of the site and the request for ``ICheck``; ``Check`` is a
base class for it. ``ours`` has ours. They are all asked on the CloudFront page, and,
for the number at its tab, on the pages of the Caching control panel.
"""

from collections.abc import Iterator
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import ICheck
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import getSiteManager
from zope.interface import implementer
from zope.interface import providedBy

import logging


logger = logging.getLogger("collective.cloudfront")


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    WARNING = 1
    ERROR = 2


@implementer(ICheck)
class Check:
    """A base class: nothing is wrong, and there is nothing to do."""

    level = Level.OK
    title = ""
    text = ""
    advice = ""
    link = ""
    action = ""

    def __init__(self, site: Any, request: Any):
        self.site = site
        self.request = request

    def act(self) -> str:
        """See ``ICheck``."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Result:
    """What a check has found; the attributes are those of ``ICheck``."""

    name: str
    level: Level
    title: str
    text: str
    advice: str = ""
    link: str = ""
    action: str = ""


def checks(site: Any, request: Any) -> list[Result]:
    """Return what all checks find, the worst first."""
    results = _results(site, request)
    return sorted(results, key=lambda result: (-result.level, result.name))


def problems(results: list[Result]) -> int:
    """Return how many warnings and errors there are."""
    return sum(result.level > Level.OK for result in results)


def find_check(site: Any, request: Any, name: str) -> ICheck | None:
    """Return the check of that name, or None."""
    factory = dict(_factories(site, request)).get(name)
    return factory(site, request) if factory is not None else None


def _factories(site: Any, request: Any) -> Any:
    # Not getAdapters, where one factory that fails is the end of all.
    required = (providedBy(site), providedBy(request))
    return getSiteManager(site).adapters.lookupAll(required, ICheck)


def _results(site: Any, request: Any) -> Iterator[Result]:
    for name, factory in _factories(site, request):
        try:
            check = factory(site, request)
            if check is not None:
                yield _result(name, check)
        except ConflictError:
            raise
        except Exception:
            logger.exception("The check %r failed.", name)
            yield _failure(name)


def _result(name: str, check: ICheck) -> Result:
    return Result(
        name=name,
        level=Level(check.level),
        title=check.title,
        text=check.text,
        advice=check.advice,
        link=check.link,
        action=check.action,
    )


def _failure(name: str) -> Result:
    return Result(
        name=name,
        level=Level.ERROR,
        title=name,
        text=_("check_failed", default="This check failed."),
        advice=_("advice_check_failed", default="See the log of Zope for details."),
    )
