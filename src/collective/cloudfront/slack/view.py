"""``@@cloudfront-slack``: what Slack sends when somebody writes ``/cdn-purge``.

It changes something and has no token of plone.protect, since no browser of a person who is
logged in sends it: nobody is logged in here, a cookie of a person means nothing, and whoever
has no signing secret cannot make the signature. So it is no aim of cross-site request
forgery. It writes nothing to the ZODB.
"""

from collective.cloudfront.metrics import counts
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.process import this_process
from collective.cloudfront.slack import answers
from collective.cloudfront.slack import thread
from collective.cloudfront.slack.access import Access
from collective.cloudfront.slack.answers import Answer
from collective.cloudfront.slack.desk import Desk
from collective.cloudfront.slack.following import reply_later
from collective.cloudfront.slack.gate import Complaints
from collective.cloudfront.slack.gate import Gate
from collective.cloudfront.slack.gate import LONGEST_BODY
from collective.cloudfront.slack.gate import Refused
from collective.cloudfront.slack.incoming import Incoming
from collective.cloudfront.slack.secret import signing_secret
from collective.cloudfront.slack.shelf import Shelf
from collective.cloudfront.slack.signature import NotInstalled
from collective.cloudfront.slack.site import access_of
from collective.cloudfront.slack.site import SiteBackend
from plone.protect.interfaces import IDisableCSRFProtection
from plone.registry.interfaces import IRegistry
from Products.Five import BrowserView
from typing import Any
from zope.component import getUtility
from zope.interface import alsoProvides
from zope.publisher.interfaces import NotFound

import json
import logging
import time


logger = logging.getLogger("collective.cloudfront")

_HEADERS = ("X-Slack-Request-Timestamp", "X-Slack-Signature")
_complaints = Complaints(time.monotonic)


class SlackView(BrowserView):
    """Answers Slack, in JSON."""

    def __call__(self) -> str:
        """Answer."""
        secret, access = signing_secret(), access_of(getUtility(IRegistry))
        if not (secret and access.is_set_up):
            raise NotFound(self.context, self.__name__, self.request)
        if self.request.method != "POST":
            self.request.response.setHeader("Allow", "POST")
            return self._write(405, {"error": "POST only"})
        try:
            incoming = self._read(Gate(secret, access, time.time))
            if incoming.is_check:
                return self._write(200, {})
            answer = Desk(access, SiteBackend(self.context), time.time).answer(incoming)
            _count("answered")
        except NotInstalled as error:
            logger.error("%s", error)
            return self._write(501, {"error": str(error)})
        except Refused as error:
            return self._refuse(error, access)
        return self._reply(incoming, answer)

    def _read(self, gate: Gate) -> Incoming:
        gate.check_length(self.request.environ.get("CONTENT_LENGTH"))
        # The signature is of the bytes as they were sent
        stream = self.request.stdin
        stream.seek(0)
        body = stream.read(LONGEST_BODY + 1)
        headers = {
            name.lower(): self.request.getHeader(name) or "" for name in _HEADERS
        }
        incoming = gate.open(body, headers)
        # From here on it is Slack's, see above
        alsoProvides(self.request, IDisableCSRFProtection)
        return incoming

    def _refuse(self, error: Refused, access: Access) -> str:
        _count(error.reason.value)
        _complaints.note(error)
        if error.status != 200 or error.incoming is None:
            return self._write(error.status, {"error": error.reason.value})
        return self._reply(
            error.incoming, Answer(answers.refusal(error.reason, access))
        )

    def _reply(self, incoming: Incoming, answer: Answer) -> str:
        if not incoming.action:
            return self._write(200, answer.as_json())
        # Slack shows nothing of the response to a click
        try:
            shelf = Shelf(this_process().outbox)
            reply_later(shelf, incoming.response_url, answer)
            thread.wake()
        except OutboxUnavailable as error:
            logger.warning("Slack gets no answer to a click: %s.", error)
        return self._write(200, None)

    def _write(self, status: int, content: Any) -> str:
        response = self.request.response
        response.setStatus(status)
        response.setHeader("Content-Type", "application/json")
        response.setHeader("Cache-Control", "no-store")
        return "" if content is None else json.dumps(content)


def _count(outcome: str) -> None:
    current = counts.current
    if current is not None:
        current.slack_requests.labels(outcome).inc()
