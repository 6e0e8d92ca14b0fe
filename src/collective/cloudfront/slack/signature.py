"""Slack's signature of a request: v0, HMAC-SHA256 over the raw body. slack-sdk checks it.

See https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from enum import Enum

import re


#: Seconds by which a request may be older, or newer, than now.
LONGEST_AGE = 300

# As many digits as Unix seconds have for some thousand years
_TIMESTAMP = re.compile(r"[0-9]{1,11}\Z")


class Flaw(Enum):
    """What is wrong with a signature."""

    #: There is none, it is another secret's, or of another body.
    FORGED = "forged"
    #: It is right, or may be, but was made too long ago, or is of the future.
    OLD = "old"


class NotInstalled(Exception):
    """slack-sdk is missing; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "slack-sdk is not installed. Install collective.cloudfront[slack]."
        )


class _Clock:
    """slack-sdk asks an object for the time."""

    def __init__(self, now: float):
        self._now = now

    def now(self) -> float:
        return self._now


def flaw_of(
    secret: str, body: bytes, timestamp: str, signature: str, now: float
) -> Flaw | None:
    """Return what is wrong with the signature of a body, or None.

    ``timestamp`` and ``signature`` are the headers ``X-Slack-Request-Timestamp`` and
    ``X-Slack-Signature``, ``now`` is Unix seconds. Raises ``NotInstalled``.
    """
    try:
        from slack_sdk.signature import SignatureVerifier
    except ImportError as error:
        raise NotInstalled() from error
    if not (_TIMESTAMP.match(timestamp) and signature.isascii() and secret.strip()):
        return Flaw.FORGED
    if abs(now - int(timestamp)) > LONGEST_AGE:
        return Flaw.OLD
    try:
        is_valid = SignatureVerifier(secret, _Clock(now)).is_valid(
            body, timestamp, signature
        )
    except UnicodeDecodeError:  # Slack's bodies are ASCII
        return Flaw.FORGED
    return None if is_valid else Flaw.FORGED
