"""``@@cloudfront-metrics``: the figures of this process and its outbox, for Prometheus.

It is off unless a token or addresses are in the environment of Zope.
"""

from collective.cloudfront.metrics.counts import NotInstalled
from collective.cloudfront.metrics.serving import Figures
from collective.cloudfront.monitoring.addresses import is_from
from collective.cloudfront.monitoring.counting import FROM
from collective.cloudfront.monitoring.counting import is_wanted
from collective.cloudfront.monitoring.counting import TOKEN
from collective.cloudfront.monitoring.tokens import has_token
from collective.cloudfront.process import this_process
from functools import cache
from Products.Five import BrowserView
from zope.publisher.interfaces import NotFound

import os


class MetricsView(BrowserView):
    """The figures, or why there are none."""

    def __call__(self) -> bytes | str:
        """Answer."""
        if not is_wanted(os.environ):
            raise NotFound(self.context, self.__name__, self.request)
        response = self.request.response
        response.setHeader("Cache-Control", "no-store")
        response.setHeader("Content-Type", "text/plain; charset=utf-8")
        if not (has_token(self.request, TOKEN) or is_from(self.request, FROM)):
            response.setStatus(403)
            return "Forbidden\n"
        try:
            page = _figures().page()
        except NotInstalled as error:
            response.setStatus(501)
            return f"{error}\n"
        response.setHeader("Content-Type", page.content_type)
        return page.body


@cache
def _figures() -> Figures:
    return Figures(lambda: this_process().outbox)
