"""Plone's own ways to purge proxies, where there may be none but CloudFront.

Plone asks its purger once for each proxy: without one, never.
"""

from collective.cloudfront.manual.proxies import hand_over
from collective.cloudfront.manual.proxies import HEADER
from collective.cloudfront.manual.proxies import may_hand_over
from collective.cloudfront.manual.proxies import PSEUDO_PROXY
from pathlib import Path
from plone.app.caching.browser import controlpanel
from plone.cachepurging.browser import PurgeImmediately
from plone.cachepurging.interfaces import ICachePurgingSettings
from plone.cachepurging.utils import getPathsToPurge
from plone.cachepurging.utils import isCachePurgingEnabled
from plone.registry.interfaces import IRegistry
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from typing import Any
from zope.component import getUtility


class _WithPseudoProxy:
    """Plone's settings, with CloudFront where there is no proxy."""

    def __init__(self, settings: Any):
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._settings, name)

    @property
    def cachingProxies(self) -> tuple[str, ...]:
        """See ``ICachePurgingSettings``."""
        return tuple(self._settings.cachingProxies or ()) or (PSEUDO_PROXY,)


class PurgeTab(controlpanel.Purge):
    """The tab "Purge caching proxy"."""

    index = ViewPageTemplateFile("purge.pt", str(Path(controlpanel.__file__).parent))

    def processPurge(self) -> None:
        """Purge what was entered."""
        self.purgingSettings = _WithPseudoProxy(self.purgingSettings)
        super().processPurge()


class PurgeNow(PurgeImmediately):
    """``@@plone.cachepurging.purge``: purges an object from proxies, and CloudFront."""

    def __call__(self) -> Any:
        """Purge, and say in lines what is done."""
        self.request.response.setHeader("Content-Type", "text/plain; charset=utf-8")
        if not isCachePurgingEnabled():
            return super().__call__()
        settings = getUtility(IRegistry).forInterface(
            ICachePurgingSettings, check=False
        )
        if settings.cachingProxies:
            super().__call__()
        else:
            for path in getPathsToPurge(self.context, self.request):
                hand_over(PSEUDO_PROXY + (path if path[:1] == "/" else f"/{path}"))
        self.write(self._about_cloudfront())
        return None

    def _about_cloudfront(self) -> str:
        if may_hand_over():
            return "CloudFront purges the same paths.\n"
        # By a link, anybody could have somebody else do it
        url = f"{self.context.absolute_url()}/@@cloudfront-purge-content"
        return (
            f"Nothing was purged from CloudFront. Open {url}, or send the header "
            f"{HEADER} with this request.\n"
        )
