"""Specification: the command purges without Plone, as AWS Lambda calls it."""

from collective.cloudfront.slack import lambda_handler
from collective.cloudfront.slack import lambda_purge
from collective.cloudfront.slack.gate import LONGEST_BODY
from collective.cloudfront.tests.slack.awslambda import Context
from collective.cloudfront.tests.slack.awslambda import SECRET_ARN
from collective.cloudfront.tests.slack.awslambda import url_event
from collective.cloudfront.tests.slack.conftest import DISTRIBUTION
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import click_body
from collective.cloudfront.tests.slack.people import command_body
from collective.cloudfront.tests.slack.people import EDITOR
from collective.cloudfront.tests.slack.people import MANAGER
from collective.cloudfront.tests.slack.people import SECRET
from collective.cloudfront.tests.slack.people import signed
from collective.cloudfront.tests.slack.people import TEAM
from collective.cloudfront.tests.slack.people import USERS

import importlib
import json
import pytest
import time


WEBHOOK = "https://hooks.slack.com/services/T0/B0/s3cret"


@pytest.fixture
def function(slack, aws, cloudfront, monkeypatch):
    """Call the function, in a container that has just started."""
    environ = {
        **cloudfront.environment,
        **aws.environment,
        "CLOUDFRONT_DISTRIBUTION_ID": DISTRIBUTION,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_TEAM": TEAM,
        "SLACK_CHANNELS": CHANNEL,
        "SLACK_USERS": USERS,
        "SITE_HOSTS": "www.example.com",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    importlib.reload(lambda_handler)
    monkeypatch.setattr(lambda_purge, "LOOK_EVERY", 0.05)

    def call(body, headers=None, **how):
        event = url_event(body, headers, **how)
        answer = lambda_handler.handler(event, Context())
        # As Lambda returns it
        json.dumps(answer)
        content = json.loads(answer["body"]) if answer["body"] else None
        return answer["statusCode"], content

    return call


@pytest.fixture
def sent(cloudfront):
    """Return the items of all invalidations."""
    return lambda: [list(each.items) for each in cloudfront.control.invalidations()]


def later(aws):
    """Let Lambda do what was put off."""
    while aws.events:
        lambda_handler.handler(aws.events.pop(0), Context())


def test_a_page_is_purged_and_the_channel_is_told_of_the_end(
    function, sent, slack, aws
):
    status, answer = function(command_body("https://www.example.com/news below"))
    assert status == 200
    assert answer["response_type"] == "ephemeral"
    assert "CloudFront removes `/news` `/news?*` `/news/*`" in answer["text"]
    assert sent() == [["/news", "/news?*", "/news/*"]]
    assert slack.posted == []
    later(aws)
    ((path, message),) = slack.posted
    assert path.startswith("/commands/")
    assert message["response_type"] == "in_channel"
    assert f"<@{MANAGER}> purged `/news`" in message["text"]
    assert "CloudFront has completed it." in message["text"]


@pytest.mark.parametrize("is_base64", [True, False])
def test_tags_are_purged(function, sent, is_base64):
    function(command_body("tag 9f3a 77c1"), is_base64=is_base64)
    assert sent() == [["#9f3a", "#77c1"]]


def test_every_page_is_purged_after_a_click(function, sent, slack, aws):
    _, question = function(command_body("all"))
    assert sent() == []
    assert "Purge *every page*?" in question["text"]
    assert function(click_body(question)) == (200, None)
    assert sent() == [["/*"]]
    assert slack.messages[0]["replace_original"]
    assert "CloudFront removes `/*`" in slack.messages[0]["text"]
    later(aws)
    assert "CloudFront has completed it." in slack.messages[1]["text"]


@pytest.mark.parametrize("text", ["/*", "/ below", "https://www.example.com below"])
def test_what_reaches_every_page_asks_as_well(function, sent, text):
    _, question = function(command_body(text))
    assert question["blocks"]
    _, refused = function(command_body(text, user=EDITOR))
    assert "you may not do this" in refused["text"]
    assert sent() == []


def test_the_question_can_be_declined(function, sent, slack):
    _, question = function(command_body("all"))
    function(click_body(question, "cloudfront_all_no"))
    assert slack.messages == [
        {
            "response_type": "ephemeral",
            "text": "Nothing was purged.",
            "replace_original": True,
        }
    ]
    assert sent() == []


def test_only_who_was_asked_can_confirm(function, sent, slack):
    _, question = function(command_body("all"))
    function(click_body(question, user=EDITOR))
    assert "Only the person who asked" in slack.messages[0]["text"]
    assert sent() == []


def test_an_old_question_is_not_confirmed(function, sent, slack, monkeypatch):
    _, question = function(command_body("all"))
    now = time.time() + 700
    monkeypatch.setattr(lambda_handler.time, "time", lambda: now)
    body = click_body(question)
    function(body, signed(body, at=now))
    assert "too old" in slack.messages[0]["text"]
    assert sent() == []


# --- once -------------------------------------------------------------------------------


def test_what_slack_repeats_is_purged_once(function, sent, aws):
    body = command_body("/news")
    function(body)
    status, answer = function(body, {**signed(body), "x-slack-retry-num": "1"})
    assert status == 200
    assert "received before" in answer["text"]
    assert len(sent()) == len(aws.events) == 1


def test_also_where_another_container_gets_the_repetition(function, sent):
    body = command_body("/news")
    function(body)
    importlib.reload(lambda_handler)
    function(body, {**signed(body), "x-slack-retry-num": "1"})
    assert len(sent()) == 1


def test_a_second_click_purges_nothing(function, sent):
    _, question = function(command_body("all"))
    function(click_body(question))
    importlib.reload(lambda_handler)
    function(click_body(question))
    assert len(sent()) == 1


# --- refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "make"),
    [
        (401, lambda body: {"headers": signed(body, secret="other")}),
        (401, lambda body: {"headers": signed(body, at=time.time() - 301)}),
        (401, lambda body: {"headers": signed(body, at=time.time() + 301)}),
        (401, lambda body: {"headers": {}}),
        (405, lambda body: {"method": "GET"}),
    ],
)
def test_what_slack_has_not_signed_lately_is_refused(function, sent, status, make):
    body = command_body("/news")
    assert function(body, **make(body))[0] == status
    assert sent() == []


def test_huge_bodies_are_refused(function, sent):
    body = command_body("/news", filler="x" * LONGEST_BODY)
    assert function(body)[0] == 413
    assert sent() == []


def test_a_request_cannot_pretend_to_be_a_later_event(function, aws, slack):
    event = {lambda_handler.FOLLOW: {"response_url": "https://evil.example/"}}
    assert function(json.dumps(event).encode())[0] == 400
    assert slack.hosts == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channel_id": "C0OTHER00"}, "does not work in this channel"),
        ({"team_id": "T0OTHER00"}, "not for this workspace"),
        ({"user_id": "U0OTHER01"}, "you may not do this"),
    ],
)
def test_wrong_people_and_places_are_told_so(function, sent, changes, said):
    status, answer = function(command_body("/news", **changes))
    assert status == 200
    assert said in answer["text"]
    assert sent() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://other.example.com/news", "not a domain of this site"),
        ("/news at 03:00", "only Plone can"),
        ("news", "I do not understand `news`"),
    ],
)
def test_what_cannot_be_done_is_said(function, sent, text, said):
    assert said in function(command_body(text))[1]["text"]
    assert sent() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com.evil.example/commands/1",
        "https://hooks.slack.com@evil.example/commands/1",
        "https://hooks.slack.com:8443/commands/1",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "",
    ],
)
def test_answers_go_to_slack_and_nowhere_else(function, sent, slack, aws, url):
    function(command_body("/news", response_url=url))
    later(aws)
    assert len(sent()) == 1
    assert slack.hosts == []


# --- AWS --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret", [SECRET, json.dumps({"signing_secret": SECRET, "webhook_url": WEBHOOK})]
)
def test_the_secret_comes_from_secrets_manager_once(
    function, sent, aws, slack, monkeypatch, secret
):
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    monkeypatch.setenv("SLACK_SIGNING_SECRET_ARN", SECRET_ARN)
    aws.secret = secret
    function(command_body("/a"))
    function(command_body("/b"))
    assert len(sent()) == 2
    assert aws.reads == 1
    later(aws)
    told = [path for path, _ in slack.posted if path.startswith("/services/")]
    assert len(told) == (2 if secret != SECRET else 0)


def test_without_a_secret_nothing_is_let_in(function, sent, aws, monkeypatch, caplog):
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    assert function(command_body("/news"))[0] == 503
    monkeypatch.setenv("SLACK_SIGNING_SECRET_ARN", SECRET_ARN)
    aws.denies = True
    assert function(command_body("/news"))[0] == 503
    assert sent() == []
    assert "secretsmanager:GetSecretValue" in caplog.text


def test_who_may_not_call_itself_purges_all_the_same(function, sent, aws, caplog):
    aws.denies = True
    assert "CloudFront removes" in function(command_body("/news"))[1]["text"]
    assert len(sent()) == 1
    assert "lambda:InvokeFunction" in caplog.text


def test_what_aws_refuses_is_said(function, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", "E0UNKNOWN00")
    _, answer = function(command_body("/news"))
    assert "Nothing was purged." in answer["text"]
    assert "NoSuchDistribution" in answer["text"]


def test_the_status_counts_what_is_in_progress(function, cloudfront):
    assert f"`{DISTRIBUTION}`: ready" in function(command_body("status"))[1]["text"]
    cloudfront.control.change_options(completion_delay=1000.0)
    function(command_body("/news"))
    said = function(command_body("status"))[1]["text"]
    assert "invalidations in progress: 1" in said


def test_help_says_what_one_may_do(function):
    said = function(command_body("help", user=EDITOR))[1]["text"]
    assert "below" in said
    assert "all" not in said
    assert "at 03:00" not in said


def test_what_is_not_completed_in_time_is_said(function, aws, slack, cloudfront):
    cloudfront.control.change_options(completion_delay=1000.0)
    function(command_body("/news"))
    lambda_handler.handler(aws.events.pop(), Context(seconds=1.0))
    assert "has not completed it yet" in slack.messages[0]["text"]


def test_the_secret_and_the_body_are_never_logged(function, caplog):
    caplog.set_level("DEBUG", "collective.cloudfront")
    body = command_body("/news", token="t0ken")
    function(body)
    function(body, signed(body, secret="other"))
    for each in (SECRET, "t0ken", "hooks.slack.com/commands"):
        assert each not in "\n".join(
            record.getMessage()
            for record in caplog.records
            if record.name.startswith("collective")
        )
