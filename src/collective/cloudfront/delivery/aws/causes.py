"""Why AWS did not answer, in our codes. Pure."""

from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.delivery.aws.described import UNEXPECTED
from collective.cloudfront.delivery.aws.described import UNREACHABLE
from collective.cloudfront.delivery.aws.port import Outcome


#: AWS's error codes (without "Exception") and botocore's exceptions, and our code.
CAUSES = {
    UNREACHABLE: "unreachable",
    UNEXPECTED: "unexpected",
    "AccessDenied": "denied",
    "UnauthorizedOperation": "denied",
    "NotAuthorized": "denied",
    "InvalidAccessKeyId": "key_unknown",
    "InvalidClientTokenId": "key_unknown",
    "UnrecognizedClient": "key_unknown",
    "IncompleteSignature": "signature",
    "SignatureDoesNotMatch": "signature",
    "ExpiredToken": "expired",
    "TokenRefreshRequired": "expired",
    "RequestExpired": "clock_refused",
    "RequestTimeTooSkewed": "clock_refused",
    "EntityNotFound": "missing",
    "NoSuchDistribution": "missing",
    # botocore refuses to send such an id.
    "ParamValidationError": "missing",
}


def cause_of(reply: Reply) -> str:
    """Return our code for why there is no answer; empty if there is one."""
    if not reply.error:
        return ""
    known = CAUSES.get(reply.error.removesuffix("Exception"))
    if known:
        return known
    if reply.outcome in (Outcome.THROTTLED, Outcome.OVER_QUOTA):
        return "throttled"
    return "aws_failed" if reply.outcome is Outcome.TRANSIENT else "refused"
