"""Specification: sentences of the rooms without Zope are translated where they are seen."""

from botocore.exceptions import ClientError
from botocore.exceptions import EndpointConnectionError
from botocore.exceptions import NoCredentialsError
from botocore.exceptions import ProfileNotFound
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.delivery.aws import errors
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.wording import recognise
from collective.cloudfront.wording import say
from collective.cloudfront.wording import WORDING
from zope.i18nmessageid import Message

import pytest
import re
import sqlite3


@pytest.mark.parametrize("code", WORDING)
def test_the_code_of_a_sentence_is_found_again(code):
    names = re.findall(r"\$\{(\w+)\}", WORDING[code])
    values = {name: f"{name}: (a) b\nc." for name in names}
    assert recognise(say(code, **values)) == (code, values)


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
    RuntimeError("cannot schedule new futures after shutdown"),
    ZeroDivisionError("x"),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_what_the_gateway_says_can_be_translated(error):
    answer = errors.classify(error, "E1")
    assert recognise(str(answer.reason))
    assert recognise(str(answer.advice)) or not answer.advice


def test_why_an_item_is_refused_is_what_aws_says():
    answer = errors.classify(client_error("InvalidArgument"), "E1")
    assert sentence(answer.reason) == "InvalidArgument: no (really): ${x}"
    assert not isinstance(sentence(answer.reason), Message)
    assert isinstance(sentence(answer.advice), Message)


def test_a_file_of_another_program_can_be_told_in_another_language(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.execute("PRAGMA application_id = 1")
    with pytest.raises(OutboxUnavailable) as caught:
        open_outbox(f"sqlite:///{path}").status()
    assert recognise(str(caught.value)) == ("outbox_foreign", {"path": str(path)})
