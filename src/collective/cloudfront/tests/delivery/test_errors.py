"""Specification: what the gateway answers can be translated where people see it."""

from botocore.exceptions import ClientError
from botocore.exceptions import EndpointConnectionError
from botocore.exceptions import NoCredentialsError
from botocore.exceptions import ProfileNotFound
from botocore.exceptions import SSLError
from collective.cloudfront.delivery.aws import errors
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.messages import WORDING

import pytest


CODES = set(WORDING) - {"text"}


def client_error(code: str, status: int = 400, operation: str = "CreateInvalidation"):
    response = {
        "Error": {"Code": code, "Message": "no (really): ${x}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


ERRORS = [
    *(client_error(code) for code in sorted(errors.ADVICE)),
    *(client_error(code) for code in sorted(errors.THROTTLED | errors.TRANSIENT)),
    client_error("TooManyInvalidationsInProgress"),
    client_error("ServiceUnavailable", 503),
    client_error("SomethingNew"),
    client_error("AccessDenied", 403, "AssumeRole"),
    EndpointConnectionError(endpoint_url="https://cloudfront.example"),
    NoCredentialsError(),
    ProfileNotFound(profile="x"),
    SSLError(endpoint_url="https://cloudfront.example", error="self-signed"),
    RuntimeError("cannot schedule new futures after shutdown"),
    ZeroDivisionError("x"),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_what_happened_and_what_to_do_have_codes(error):
    answer = errors.classify(error, "E1")
    assert answer.reason.code in CODES
    assert not answer.advice or answer.advice.code in CODES


def test_a_certificate_that_is_not_trusted_says_where_to_look():
    error = SSLError(endpoint_url="https://cloudfront.example", error="self-signed")
    answer = errors.classify(error, "E1")
    assert "self-signed" in str(answer.reason)
    assert "AWS_CA_BUNDLE" in str(answer.advice)


def test_why_an_item_is_refused_is_what_aws_says():
    answer = errors.classify(client_error("InvalidArgument"), "E1")
    assert answer.reason == plain("InvalidArgument: no (really): ${x}")
    assert answer.advice.code in CODES
