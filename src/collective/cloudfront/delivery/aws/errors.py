"""Errors of boto3 as answers: predicates know the SDK's shapes, ``classify`` reads them.

What others wrote (AWS, a proxy, botocore) becomes one printable line: it is logged, and
shown to people.
"""

from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.calls import DEADLINE
from collective.cloudfront.delivery.calls import GivenUp
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.messages import WORDING
from collective.cloudfront.outbox.values import as_line
from dataclasses import dataclass
from dataclasses import replace
from html import unescape
from typing import Any

import logging
import re


logger = logging.getLogger("collective.cloudfront")

#: Characters of a reason, at most, and of what a proxy says.
LONGEST_REASON = 1000
FIRST_WORDS = 200
#: The key of botocore's answer under which ``session`` puts the first words of a body
#: that is not AWS's.
FOREIGN = "collective.cloudfront"

_ERROR = re.compile(rb"\s*(<\?xml[^>]*>)?\s*<(ErrorResponse|Error)\b")

#: AWS's error codes by what they mean.
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
REFUSED_ITEMS = frozenset({"InvalidArgument", "BatchTooLarge"})
TRANSIENT = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "PriorRequestNotComplete",
        # These can only mean that our request was damaged on its way.
        "InconsistentQuantities",
        "MissingBody",
    }
)

#: The code of a message that says what to do, by AWS's error code without "Exception".
ADVICE = {
    "AccessDenied": "advice_denied",
    "NoSuchDistribution": "advice_distribution",
    "EntityNotFound": "advice_tenant",
    "InvalidClientTokenId": "advice_key_id",
    "UnrecognizedClient": "advice_key_id",
    "SignatureDoesNotMatch": "advice_signature",
    "ExpiredToken": "advice_expired",
    "RequestExpired": "advice_clock",
    "RequestTimeTooSkewed": "advice_clock",
}


class NeedsPerson(Exception):
    """Credentials are to be had only with the code of an MFA device."""


class CredentialsFailed(Exception):
    """The source of credentials is missing, or gives what cannot be read."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What AWS answered instead of an invalidation.

    ``status`` is HTTP's, 0 if there is none; ``operation`` is the API's name of the
    call. ``words`` are the first of a body that is not AWS's.
    """

    code: str
    text: str
    status: int
    operation: str
    words: str = ""

    @property
    def line(self) -> str:
        """What AWS said, or the status if it said nothing."""
        if self.words:
            return f"{self.status}: {self.words}"
        code = self.code or str(self.status)
        return f"{code}: {self.text}" if self.text else code

    @property
    def is_foreign(self) -> bool:
        """A proxy, a firewall or something else has answered, and not AWS, which names
        an error code. botocore gives the status for a code that it does not find.
        """
        return bool(self.words) or (
            self.status >= 300 and self.code in ("", str(self.status))
        )

    @property
    def is_over_quota(self) -> bool:
        """Too many invalidations are in progress."""
        return self.code == "TooManyInvalidationsInProgress"

    @property
    def is_throttled(self) -> bool:
        """The rate of calls is too high."""
        return self.code in THROTTLED or self.status == 429

    @property
    def is_about_items(self) -> bool:
        """At least one of the items, or their number, is not taken."""
        if self.is_foreign or self.is_taken_reference:
            return False
        return self.code in REFUSED_ITEMS or self.status == 413

    @property
    def is_taken_reference(self) -> bool:
        """The caller reference was used before, with other items."""
        return self.code == "InvalidationBatchAlreadyExists" or (
            self.code == "InvalidArgument" and "caller reference" in self.text.lower()
        )

    @property
    def is_transient(self) -> bool:
        """AWS, or something on the way to it, failed."""
        return self.status >= 500 or self.code in TRANSIENT

    @property
    def is_denied_role(self) -> bool:
        """The role may not be assumed."""
        return self.operation.startswith("AssumeRole") and self.code.startswith(
            "AccessDenied"
        )


def refusal_of(response: Any, operation: str) -> Refusal:
    """Read the ``response`` of a botocore ``ClientError``."""
    error = response.get("Error", {})
    return Refusal(
        code=str(error.get("Code", "")),
        text=str(error.get("Message", "")),
        status=response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
        operation=operation,
        words=str(response.get(FOREIGN, "")),
    )


def classify(error: Exception, distribution: str) -> Answer:
    """Type an error of boto3: what it means for the batch, and what to do."""
    return replace(_classified(error, distribution), code=_code_of(error))


def _classified(error: Exception, distribution: str) -> Answer:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return classify_refusal(refusal_of(error.response, error.operation_name))
    if isinstance(error, exceptions.ProxyConnectionError):
        return _no_way_through(error)
    if is_unreachable(error):
        return Answer(
            Outcome.TRANSIENT,
            reason=_why_unreachable(error),
            advice=message(
                "advice_certificate"
                if isinstance(error, exceptions.SSLError)
                else "advice_unreachable"
            ),
        )
    if has_no_credentials(error):
        return Answer(
            Outcome.MISCONFIGURED,
            reason=_reason("no_credentials", error),
            advice=message("advice_credentials"),
        )
    if isinstance(error, NeedsPerson):
        return Answer(
            Outcome.MISCONFIGURED, reason=message("mfa"), advice=message("advice_mfa")
        )
    if isinstance(error, CredentialsFailed):
        return Answer(
            Outcome.MISCONFIGURED,
            reason=_reason("credentials_failed", error),
            advice=message("advice_source"),
        )
    if isinstance(error, GivenUp):
        return timed_out(sent=False)
    if isinstance(error, exceptions.BotoCoreError):
        return Answer(
            Outcome.MISCONFIGURED,
            reason=_reason("configuration", error),
            advice=message("advice_settings"),
        )
    if is_shutdown(error):
        # A script has ended while its courier was at work; the next one goes on.
        return Answer(Outcome.TRANSIENT, reason=message("ending"))
    logger.error("Calling CloudFront for %s failed.", distribution, exc_info=error)
    return Answer(
        Outcome.TRANSIENT,
        reason=_reason("unexpected", repr(error)),
        advice=message("advice_unexpected"),
    )


def classify_refusal(refusal: Refusal) -> Answer:
    """Type what AWS answered."""
    if refusal.is_over_quota:
        return _wait(Outcome.OVER_QUOTA, "over_quota", refusal)
    if refusal.is_throttled:
        return _wait(Outcome.THROTTLED, "throttled", refusal)
    if refusal.is_about_items:
        return Answer(
            Outcome.REFUSED_ITEMS,
            reason=plain(as_line(refusal.line, LONGEST_REASON)),
            advice=message("advice_path"),
        )
    if refusal.is_taken_reference:
        reason = plain(as_line(refusal.line, LONGEST_REASON))
        return Answer(Outcome.REFERENCE_TAKEN, reason=reason)
    if refusal.is_transient:
        code = "proxy" if refusal.words else "failed"
        return _wait(Outcome.TRANSIENT, code, refusal)
    if refusal.is_foreign:
        return Answer(
            Outcome.MISCONFIGURED,
            reason=_reason("proxy", refusal.line),
            advice=message("advice_proxy"),
        )
    if refusal.is_denied_role:
        return Answer(
            Outcome.MISCONFIGURED,
            reason=_reason("role", refusal.line),
            advice=message("advice_role"),
        )
    return Answer(
        Outcome.MISCONFIGURED,
        reason=_reason("refused", refusal.line),
        advice=_what_to_do(refusal),
    )


def timed_out(sent: bool) -> Answer:
    """Return the answer to a call that was given up: nobody knows whether it arrived,
    if it was ``sent``. If not, there were no credentials.
    """
    seconds = f"{DEADLINE:g}"
    if sent:
        return Answer(
            Outcome.TRANSIENT,
            reason=message("timed_out", seconds=seconds),
            advice=message("advice_unreachable"),
        )
    return Answer(
        Outcome.MISCONFIGURED,
        reason=message("credentials_timed_out", seconds=seconds),
        advice=message("advice_source"),
    )


def unreadable(response: Any) -> Answer:
    """Return the answer for a ``response`` with success that names no invalidation."""
    status = refusal_of(response, "").status
    return Answer(
        Outcome.TRANSIENT,
        reason=message("proxy", error=f"{status}, without an invalidation"),
        advice=message("advice_proxy"),
        code=str(status),
    )


def no_thread(error: Exception) -> Answer:
    """Return the answer for a call that could not begin."""
    return Answer(
        Outcome.TRANSIENT,
        reason=message("no_thread", error=str(error)),
        advice=message("advice_nothing"),
    )


def refuses_all(refusal: Answer) -> Answer:
    """Return the answer for a refusal that is not about an item."""
    return Answer(
        Outcome.MISCONFIGURED,
        reason=message("refuses_all", error=refusal.reason),
        advice=message("advice_refuses_all"),
        code=refusal.code,
    )


def _no_way_through(error: Any) -> Answer:
    """Type that a proxy makes no connection; what it said is in a cause of the error."""
    said = as_line(str(error.kwargs.get("error", error)), LONGEST_REASON)
    refuses = re.search(r"\b(403|407)\b", said)
    return Answer(
        Outcome.MISCONFIGURED if refuses else Outcome.TRANSIENT,
        reason=_reason("proxy", said),
        advice=message("advice_proxy"),
    )


def _code_of(error: Exception) -> str:
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return type(error).__name__
    refusal = refusal_of(response, "")
    return refusal.code or str(refusal.status)


def first_words(body: bytes) -> str:
    """Return the first words of a page, in one line."""
    text = body[:20_000].decode("utf-8", "replace")
    text = re.sub(r"(?is)<(head|script|style)\b.*?</\1\s*>", " ", text)
    words = unescape(re.sub(r"<[^>]*>", " ", text)).split()
    return as_line(" ".join(words), FIRST_WORDS)


def is_of_aws(body: bytes) -> bool:
    """Say whether the body of an error is one of AWS's."""
    return _ERROR.match(body) is not None


def _wait(outcome: Outcome, code: str, refusal: Refusal) -> Answer:
    return Answer(
        outcome, reason=_reason(code, refusal.line), advice=message("advice_nothing")
    )


def _what_to_do(refusal: Refusal) -> Message:
    code = ADVICE.get(refusal.code.removesuffix("Exception"), "advice_settings")
    if code == "advice_denied":
        # The IAM actions are called like the operations; those on tenants differ.
        return message(code, operation=refusal.operation)
    return message(code)


def _reason(code: str, error: object) -> Message:
    """Return a message that has ``error`` in it, as a line, and is not too long."""
    return message(code, error=as_line(str(error), LONGEST_REASON - len(WORDING[code])))


def is_unreachable(error: Exception) -> bool:
    """Say whether there was no answer, or none that AWS gave."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    return isinstance(
        error,
        (
            exceptions.ConnectionError,
            exceptions.HTTPClientError,
            ResponseParserError,
            exceptions.IncompleteReadError,
        ),
    )


def has_no_credentials(error: Exception) -> bool:
    """Say whether there was nothing, or not enough, to sign with."""
    from botocore import exceptions

    return isinstance(
        error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)
    )


def is_shutdown(error: Exception) -> bool:
    """Say whether the interpreter is ending, and takes no more work."""
    return isinstance(error, RuntimeError) and "shutdown" in str(error)


def _why_unreachable(error: Exception) -> Message:
    """Say what happened, without the headers that may not be shown.

    A session token with a line break at its end cannot be sent as a header; Python
    repeats it in the error, and botocore in an HTTPClientError of its own.
    """
    cause = getattr(error, "kwargs", {}).get("error")
    if isinstance(cause, ValueError) and "header" in str(cause):
        return message("header")
    return _reason("unreachable", error)
