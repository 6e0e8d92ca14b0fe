"""``/cdn-purge`` as an AWS Lambda function with a function URL: for when Plone is away.

Handler: ``collective.cloudfront.slack.lambda_handler.handler``. Runtime: Python 3.10 or
newer; boto3 is AWS's. The code is a ZIP file, see ``package``. Set a timeout of 90 s and
512 MB: with less memory, the first call takes longer than Slack waits (3 s).

Environment variables, and what a template has for them:

=============================  ========================================================
CLOUDFRONT_DISTRIBUTION_ID     IDs of distributions, separated by spaces
SLACK_SIGNING_SECRET_ARN       a secret in AWS Secrets Manager, as text or as JSON with
                               ``signing_secret`` (and ``webhook_url``), or instead:
SLACK_SIGNING_SECRET           the signing secret (a parameter with NoEcho)
SLACK_TEAM                     ID of the workspace (T…)
SLACK_CHANNELS                 IDs of channels (C…), separated by spaces
SLACK_USERS                    who may do what: ``U024BE7LH status pages tags all``,
                               entries separated by semicolons; ``*`` is everybody in the
                               channels. Without it nobody may do anything.
SLACK_WEBHOOK_URL              optional: an incoming webhook of Slack (NoEcho) that
                               hears of each purge, for example in another channel
SITE_HOSTS                     optional: the domains of the site; other URLs are refused
SITE_PREFIX                    optional: the path of the site's front page (/intranet)
SITE_API                       optional: ``on`` also purges Volto's REST API responses
=============================  ========================================================

Permissions of its role: ``cloudfront:CreateInvalidation``, ``cloudfront:GetInvalidation``
and ``cloudfront:ListInvalidations`` for the distributions;
``secretsmanager:GetSecretValue`` for the secret; ``lambda:InvokeFunction`` for itself, with
which it waits for CloudFront after it has answered (without it, nobody is told of the end);
and those for its log. The function URL has ``AuthType: NONE``, and the function a policy
that lets ``*`` do ``lambda:InvokeFunctionUrl`` and (since October 2025, with
``InvokedViaFunctionUrl``) ``lambda:InvokeFunction``.

::

    Slack ──► function URL ──► gate ──► CreateInvalidation ──► answer, in under 3 s
                                             │
                                             └──► the same function, later: waits for
                                                  Completed ──► response_url, webhook
"""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.slack import answers
from collective.cloudfront.slack.access import read_access
from collective.cloudfront.slack.answers import Answer
from collective.cloudfront.slack.desk import Desk
from collective.cloudfront.slack.gate import Complaints
from collective.cloudfront.slack.gate import Gate
from collective.cloudfront.slack.gate import LONGEST_BODY
from collective.cloudfront.slack.gate import Reason
from collective.cloudfront.slack.gate import Refused
from collective.cloudfront.slack.incoming import Incoming
from collective.cloudfront.slack.lambda_aws import Aws
from collective.cloudfront.slack.lambda_aws import NoSecret
from collective.cloudfront.slack.lambda_purge import LambdaBackend
from collective.cloudfront.slack.lambda_purge import Wanted
from collective.cloudfront.slack.posting import post_answer
from typing import Any

import base64
import json
import logging
import os
import time


logger = logging.getLogger("collective.cloudfront")
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Lambda's own logger writes warnings only
    logger.setLevel(logging.INFO)

#: An event of ours has this key; requests come in other keys.
FOLLOW = "collective.cloudfront.slack.follow"
#: Seconds for an answer to a click, of the three that Slack waits.
_POST_SECONDS = 1.0

_complaints = Complaints(time.monotonic)
# What this container has purged, so that it is told of once. CloudFront itself purges
# once, by its caller reference.
_seen: dict[str, float] = {}
_aws = Aws(os.environ)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request of Slack's to the function URL, or wait for CloudFront."""
    if FOLLOW in event:
        _backend(context).follow(event[FOLLOW], _seconds_left(context))
        return {}
    try:
        return _answer(event, context)
    except Refused as error:
        _complaints.note(error)
        access = _access()
        if error.status != 200 or error.incoming is None:
            return _response(error.status, {"error": error.reason.value})
        answer = Answer(answers.refusal(error.reason, access))
        return _reply(error.incoming, answer)
    except NoSecret as error:
        logger.error("%s", error)
        return _response(503, {"error": "not set up"})


def _answer(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    headers = {k.lower(): str(v) for k, v in (event.get("headers") or {}).items()}
    body = event.get("body") or ""
    # Before it is decoded: base64 is a third longer
    if len(body) > LONGEST_BODY * 4 // 3 + 4:
        raise Refused(Reason.TOO_LARGE)
    method = event.get("requestContext", {}).get("http", {}).get("method")
    if method != "POST":
        return _response(405, {"error": "POST only"})
    access = _access()
    gate = Gate(_aws.secret().signing_secret, access, time.time)
    incoming = gate.open(_decoded(body, bool(event.get("isBase64Encoded"))), headers)
    if incoming.is_check:
        return _response(200, {})
    answer = Desk(access, _backend(context), time.time).answer(incoming)
    return _reply(incoming, answer)


def _decoded(body: str, is_base64: bool) -> bytes:
    try:
        return base64.b64decode(body, validate=True) if is_base64 else body.encode()
    except ValueError as error:
        raise Refused(Reason.MALFORMED) from error


def _reply(incoming: Incoming, answer: Answer) -> dict[str, Any]:
    """Return the response. What a click is answered goes to the message instead."""
    if not incoming.action:
        return _response(200, answer.as_json())
    try:
        post_answer(incoming.response_url, answer, _POST_SECONDS)
    except NotDelivered as error:
        logger.warning("Slack did not take an answer: %s.", error)
    return _response(200, None)


def _response(status: int, content: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": "" if content is None else json.dumps(content),
    }


def _access() -> Any:
    return read_access(
        os.environ.get("SLACK_TEAM"),
        os.environ.get("SLACK_CHANNELS"),
        os.environ.get("SLACK_USERS"),
    )


def _backend(context: Any) -> LambdaBackend:
    return LambdaBackend(
        _aws,
        Wanted.of(os.environ),
        _seen,
        later=lambda event: _aws.invoke_later(
            context.invoked_function_arn, {FOLLOW: event}
        ),
    )


def _seconds_left(context: Any) -> Callable[[], float]:
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
