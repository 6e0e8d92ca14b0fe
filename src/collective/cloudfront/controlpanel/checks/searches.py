"""The check that says who answers searches."""

from collective.cloudfront.controlpanel.checks import Check
from collective.cloudfront.i18n import _
from collective.cloudfront.planning.late import INDEX_LAG
from collective.cloudfront.settings import TAGS_OFF
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.tagging.recording.selfcheck import searches_elsewhere
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility


class Searches(Check):
    """Another search engine than Plone's catalog answers, and what follows from that."""

    title = _("check_searches", default="Searches")

    def __init__(self, site: Any, request: Any, module: str):
        """``module`` is the name of the module that answers."""
        super().__init__(site, request)
        self.module = module

    @property
    def text(self) -> str:
        """Who answers, and what is not cached because of that."""
        return _(
            "check_searches_elsewhere",
            default="${module} can answer searches instead of the catalog of Plone. Its "
            "index may show a change later than Plone. For ${seconds} seconds after a "
            "change, CloudFront therefore does not store the pages that the change affects "
            "and that use such a search.",
            mapping={"module": self.module, "seconds": f"{INDEX_LAG:.0f}"},
        )


def searches(site: Any, request: Any) -> Searches | None:
    """Return the check where another engine answers; None where the catalog does, or
    where nobody looks because no cache tags are sent.
    """
    if value_in_force(getUtility(IRegistry), "cache_tags") == TAGS_OFF:
        return None
    module = searches_elsewhere()
    return Searches(site, request, module) if module else None
