"""Lets in what Slack sends from the right place; what it refuses is counted, and logged once.

::

    size ──► signature ──► age ──► form ──► team ──► channel ──► Incoming

What is not Slack's gets a status and a bare word. What is Slack's, from a wrong place, gets
an answer that only its sender sees.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.slack.access import Access
from collective.cloudfront.slack.incoming import Incoming
from collective.cloudfront.slack.incoming import Malformed
from collective.cloudfront.slack.incoming import read
from collective.cloudfront.slack.signature import Flaw
from collective.cloudfront.slack.signature import flaw_of
from enum import Enum

import logging


logger = logging.getLogger("collective.cloudfront")

#: Bytes. Slack's requests are below 10 KB.
LONGEST_BODY = 65_536
#: The same trouble is logged so often (seconds).
LOG_EVERY = 3600.0


class Reason(Enum):
    """Why something is refused. The values are part of the metrics."""

    TOO_LARGE = "too_large"
    FORGED = "forged"
    OLD = "old"
    MALFORMED = "malformed"
    TEAM = "team"
    CHANNEL = "channel"
    USER = "user"
    #: It was there before: a replay, or a repetition of Slack's.
    REPEATED = "repeated"


_STATUS = {
    Reason.TOO_LARGE: 413,
    Reason.FORGED: 401,
    Reason.OLD: 401,
    Reason.MALFORMED: 400,
}

_SENTENCES = {
    Reason.TOO_LARGE: f"its body has more than {LONGEST_BODY} bytes",
    Reason.FORGED: "its signature is missing or wrong. If it came from Slack, compare "
    "the signing secret with that of the Slack app",
    Reason.OLD: "it was signed more than five minutes ago, or in the future. If this "
    "goes on, compare the clock of this machine",
    Reason.MALFORMED: "it is neither a command nor a click on a button",
    Reason.TEAM: "it comes from another workspace (team ID)",
    Reason.CHANNEL: "it comes from a channel that is not in the settings",
    Reason.USER: "the user may not do this",
    Reason.REPEATED: "the same request was received before; it purges once",
}


class Refused(Exception):
    """A request is refused. ``incoming`` is what is known of it, if Slack sent it."""

    def __init__(self, reason: Reason, incoming: Incoming | None = None):
        self.reason = reason
        self.incoming = incoming
        super().__init__(reason.value)

    @property
    def status(self) -> int:
        """The status of the HTTP response."""
        return _STATUS.get(self.reason, 200)


class Complaints:
    """Logs each kind of trouble once in a while, however often it comes."""

    def __init__(self, clock: Callable[[], float]):
        """``clock`` returns seconds, and nobody sets it."""
        self._clock = clock
        self._logged: dict[Reason, float] = {}
        self._more: dict[Reason, int] = {}

    def note(self, refused: Refused) -> None:
        """Log why something was refused, without what was sent."""
        reason, now = refused.reason, self._clock()
        if now - self._logged.get(reason, -LOG_EVERY) < LOG_EVERY:
            self._more[reason] = self._more.get(reason, 0) + 1
            return
        self._logged[reason] = now
        more = self._more.pop(reason, 0)
        found = refused.incoming
        logger.warning(
            "A request to the Slack command was refused because %s.%s%s",
            _SENTENCES[reason],
            f" Team {found.team}, channel {found.channel}, user {found.user}."
            if found is not None
            else "",
            f" In the hour after the last such message: {more} more." if more else "",
        )


class Gate:
    """Lets requests in, for one signing secret and one set of people."""

    def __init__(self, secret: str, access: Access, clock: Callable[[], float]):
        """``clock`` returns Unix seconds."""
        self._secret = secret
        self._access = access
        self._clock = clock

    def check_length(self, length: str | int | None) -> None:
        """Refuse a body that is too large, or of unknown size, before it is read."""
        text = "" if length is None else str(length)
        if not (text.isascii() and text.isdigit()) or int(text[:12]) > LONGEST_BODY:
            raise Refused(Reason.TOO_LARGE)

    def open(self, body: bytes, headers: Mapping[str, str]) -> Incoming:
        """Return what a request holds; its headers have names in lower case. Raises
        ``Refused``.
        """
        self.check_length(len(body))
        flaw = flaw_of(
            self._secret,
            body,
            headers.get("x-slack-request-timestamp", ""),
            headers.get("x-slack-signature", ""),
            self._clock(),
        )
        if flaw is not None:
            raise Refused(Reason.OLD if flaw is Flaw.OLD else Reason.FORGED)
        try:
            incoming = read(body)
        except Malformed as error:
            raise Refused(Reason.MALFORMED) from error
        if incoming.is_check:
            return incoming
        if incoming.team != self._access.team:
            raise Refused(Reason.TEAM, incoming)
        if incoming.channel not in self._access.channels:
            raise Refused(Reason.CHANNEL, incoming)
        return incoming
