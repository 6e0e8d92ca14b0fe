"""``@@cloudfront-health``: whether purging works, for probes and monitoring.

::

    GET @@cloudfront-health          503 where a person must act: for alerts
    GET @@cloudfront-health/ready    503 where this process cannot use the outbox

Anybody learns one word. Who may see the status, or sends the token, learns the rest.
"""

from AccessControl import getSecurityManager
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.headline import report
from collective.cloudfront.controlpanel.health import Health
from collective.cloudfront.controlpanel.health import OF_THE_OUTBOX
from collective.cloudfront.controlpanel.health import quick_health
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.monitoring.tokens import has_token
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from typing import Any
from zope.component import getUtility
from zope.i18n import translate
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces import NotFound

import json


#: The environment variable with the token that shows the details.
TOKEN = "CLOUDFRONT_HEALTH_TOKEN"
#: The name of what is below the view.
READY = "ready"


@implementer(IPublishTraverse)
class HealthView(BrowserView):
    """200 or 503, and one line, or JSON if that is accepted."""

    is_about_ready = False

    def publishTraverse(self, request: Any, name: str) -> "HealthView":
        """Take a name from the URL."""
        if self.is_about_ready or name != READY:
            raise NotFound(self.context, name, request)
        self.is_about_ready = True
        return self

    def __call__(self) -> str:
        """Answer."""
        found = quick_health(getUtility(IRegistry))
        is_fine = self._is_fine(found)
        response = self.request.response
        response.setStatus(200 if is_fine else 503)
        response.setHeader("Cache-Control", "no-store")
        if self.request.method == "HEAD":
            return ""
        word = "ok" if is_fine else "error"
        details = self._details(found) if self._may_see_details() else {}
        if "application/json" in (self.request.getHeader("Accept") or ""):
            response.setHeader("Content-Type", "application/json")
            return json.dumps({"status": word, **details}, ensure_ascii=False)
        response.setHeader("Content-Type", "text/plain; charset=utf-8")
        line = f"{word}: {details['code']}. {details['text']}" if details else word
        return " ".join(line.split()) + "\n"

    def _is_fine(self, found: Health) -> bool:
        if self.is_about_ready:
            return found.code not in OF_THE_OUTBOX
        return found.level is not Level.ERROR

    def _details(self, found: Health) -> dict[str, str]:
        return {
            "level": found.level.name.lower(),
            "code": found.code.value,
            "text": translate(report(found), context=self.request),
        }

    def _may_see_details(self) -> bool:
        security = getSecurityManager()
        return bool(security.checkPermission(VIEW_STATUS, self.context)) or has_token(
            self.request, TOKEN
        )
