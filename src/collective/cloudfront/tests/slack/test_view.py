"""Specification: in Plone, the command purges like the control panel, with Slack's signature
instead of a login.
"""

from collective.cloudfront.metrics import counts
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.slack.following import Following
from collective.cloudfront.slack.gate import LONGEST_BODY
from collective.cloudfront.slack.posting import post_answer
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.tests.slack.people import CHANNEL
from collective.cloudfront.tests.slack.people import click_body
from collective.cloudfront.tests.slack.people import command_body
from collective.cloudfront.tests.slack.people import EDITOR
from collective.cloudfront.tests.slack.people import MANAGER
from collective.cloudfront.tests.slack.people import SECRET
from collective.cloudfront.tests.slack.people import signed
from collective.cloudfront.tests.slack.people import TEAM
from collective.cloudfront.tests.slack.people import USERS
from datetime import datetime
from datetime import timedelta
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from zope.component import getUtility

import pytest
import time
import transaction


VIEW = "@@cloudfront-slack"


@pytest.fixture
def site(functional_portal, process, monkeypatch):
    """A site with Slack set up."""
    monkeypatch.setenv("CLOUDFRONT_SLACK_SIGNING_SECRET", SECRET)
    registry = getUtility(IRegistry)
    registry[f"{PREFIX}.slack_team"] = TEAM
    registry[f"{PREFIX}.slack_channels"] = CHANNEL
    registry[f"{PREFIX}.slack_users"] = USERS
    registry[f"{PREFIX}.again_after"] = 0.0
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    return functional_portal


@pytest.fixture
def post(site, functional):
    """Send what Slack sends; returns the status, and what is in the JSON."""

    def send(body, headers=None, method="post", view=VIEW):
        app = Browser(functional["app"]).testapp
        answer = getattr(app, method)(
            f"{site.absolute_url()}/{view}",
            *([body] if method == "post" else ()),
            headers=signed(body) if headers is None else headers,
            expect_errors=True,
        )
        is_json = answer.content_type == "application/json"
        return answer.status_int, answer.json if answer.body and is_json else None

    return send


@pytest.fixture
def later(process, slack):
    """Post what is due, as the thread does."""
    return Following(process.outbox, post_answer).look


def test_a_page_is_purged_and_the_channel_reads_when_it_is_completed(
    post, process, slack, later
):
    status, answer = post(command_body("/news below"))
    assert status == 200
    assert answer["response_type"] == "ephemeral"
    assert "On its way to CloudFront: `/news`" in answer["text"]
    assert later()  # CloudFront has not completed it
    assert slack.posted == []
    assert process.deliver() == ["/news", "/news/*", "/news?*"]
    complete(process)
    assert not later()
    ((path, said),) = slack.posted
    assert path.startswith("/commands/")
    assert said["response_type"] == "in_channel"
    assert f"<@{MANAGER}> purged `/news`" in said["text"]
    assert "CloudFront has completed it." in said["text"]


def complete(process):
    """Let CloudFront complete what it has accepted."""
    for each in process.outbox.in_progress(DISTRIBUTION):
        process.outbox.complete(each, "Completed")


def test_with_volto_it_is_reached_by_the_rest_api(post, process):
    post(command_body("/news"), view=f"++api++/{VIEW}")
    assert process.deliver() == ["/news"]


def test_the_journal_has_who_purged_what(post, process):
    post(command_body("tag 9f3a"))
    (request,) = process.outbox.requests(10)
    assert request.user == f"roadrunner (Slack {MANAGER})"
    assert request.items == ("#9f3a",)
    assert process.deliver() == ["#9f3a"]
    ((settled),) = process.outbox.history(1)
    assert f"Slack {MANAGER}" in str(settled.causes)


def test_urls_of_the_site_are_purged_and_others_are_not(post, site, process):
    post(command_body(f"{site.absolute_url()}/news"))
    _, refused = post(command_body("https://other.example.com/news"))
    assert "not a domain of this site" in refused["text"]
    assert [each.rpartition("/")[2] for each in process.deliver()] == ["news"]


def test_with_volto_the_rest_api_is_purged_as_well(post, process):
    getUtility(IRegistry)[f"{PREFIX}.api_paths"] = "on"
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    post(command_body("/news"))
    assert process.deliver() == ["/++api++/news", "/news"]


def test_every_page_is_purged_after_a_click(post, process, slack, later):
    _, question = post(command_body("all"))
    assert process.deliver() == []
    assert post(click_body(question)) == (200, None)
    later()
    assert slack.messages[0]["replace_original"]
    assert "On its way to CloudFront: `/*`" in slack.messages[0]["text"]
    assert process.deliver() == ["/*"]
    complete(process)
    assert not later()
    assert "CloudFront has completed it." in slack.messages[1]["text"]


@pytest.mark.parametrize("text", ["/*", "/ below"])
def test_what_reaches_every_page_asks_as_well(post, process, text):
    assert post(command_body(text))[1]["blocks"]
    assert "you may not do this" in post(command_body(text, EDITOR))[1]["text"]
    assert process.deliver() == []


def test_it_is_scheduled_in_the_time_zone_of_the_site(post, process):
    moment = (datetime.now() + timedelta(days=3)).replace(hour=3, minute=0)
    _, answer = post(command_body(f"/sale at {moment:%Y-%m-%d %H:%M}"))
    assert answer["response_type"] == "in_channel"
    assert "scheduled a purge of `/sale`" in answer["text"]
    (planned,) = process.outbox.planned(10)
    assert abs(planned.due - time.time() - 3 * 86400) < 86400
    assert process.deliver() == []
    assert f"<!date^{int(planned.due)}^" in answer["text"]


def test_everything_is_scheduled_after_a_click(post, process):
    _, question = post(command_body("all at 03:00"))
    assert "<!date^" in question["text"]
    assert process.outbox.planned(10) == []
    post(click_body(question))
    (planned,) = process.outbox.planned(10)
    assert planned.items == ("/*",)
    assert 0 < planned.due - time.time() <= 86400 + 3600


def test_who_lost_the_right_cannot_confirm(post, process):
    _, question = post(command_body("all"))
    getUtility(IRegistry)[f"{PREFIX}.slack_users"] = f"{MANAGER} status"
    transaction.commit()
    post(click_body(question))
    assert process.outbox.requests(10) == []


def test_a_time_that_is_over_is_refused(post, process):
    assert "is over" in post(command_body("/a at 2020-01-01 03:00"))[1]["text"]
    assert process.outbox.requests(10) == []


def test_the_status_is_that_of_the_control_panel(post, process):
    assert "delivered" in post(command_body("status"))[1]["text"]
    post(command_body("/a"))
    process.outbox.wait(
        DISTRIBUTION,
        reason=message("no_credentials", error="none"),
        advice=message("advice_credentials"),
        paused=True,
        until=time.time() + 9e9,
    )
    assert "Purging is paused" in post(command_body("status"))[1]["text"]
    said = post(command_body("/news"))[1]["text"]
    assert "On its way" in said
    assert "Purging is paused" in said


def test_what_cloudfront_refuses_is_said_in_the_channel(post, process, slack, later):
    post(command_body("/news"))
    process.outbox.claim(DISTRIBUTION, 60)
    batch = process.outbox.freeze(DISTRIBUTION, "r", ["/news"])
    process.outbox.quarantine(batch, message("text", text="no such path"))
    assert not later()
    assert "CloudFront refuses `/news`: no such path" in slack.messages[0]["text"]


def test_after_25_minutes_the_channel_reads_that_it_is_not_completed(
    post, process, slack
):
    post(command_body("/news"))
    then = Following(process.outbox, post_answer, lambda: time.time() + 1600)
    assert not then.look()
    assert "has not completed it yet" in slack.messages[0]["text"]


def test_what_slack_does_not_take_is_tried_and_given_up(post, process, slack, caplog):
    post(command_body("/news"))
    process.deliver()
    complete(process)
    slack.status = 500
    now = [time.time()]
    following = Following(process.outbox, post_answer, lambda: now[0])
    while following.look():
        now[0] += 31
    assert len(slack.posted) == 3
    assert "Slack did not take an answer: HTTP 500." in caplog.text
    assert "hooks.slack.com/commands" not in caplog.text


# --- once -------------------------------------------------------------------------------


def test_what_slack_repeats_is_purged_once(post, process):
    body = command_body("/news")
    post(body)
    status, answer = post(body, {**signed(body), "x-slack-retry-num": "1"})
    assert status == 200
    assert "received before" in answer["text"]
    assert len(process.outbox.requests(10)) == 1
    process.deliver()
    assert len(process.gateway.batches) == 1


def test_a_second_click_purges_nothing(post, process):
    _, question = post(command_body("all"))
    post(click_body(question))
    post(click_body(question))
    assert len(process.outbox.requests(10)) == 1


def test_what_failed_can_be_repeated(post, process, monkeypatch):
    body = command_body("/news")
    with monkeypatch.context() as patch:
        # At the end of the transaction, as when the database is away
        patch.setattr(
            "collective.cloudfront.slack.view.SlackView._write", lambda *args: 1 / 0
        )
        assert post(body)[0] == 500
    assert process.outbox.requests(10) == []
    assert "On its way" in post(body)[1]["text"]
    assert process.deliver() == ["/news"]


def test_without_an_outbox_nothing_is_promised(post, process, monkeypatch):
    def away(*arguments, **options):
        raise OutboxUnavailable(message("text", text="disk full"))

    monkeypatch.setattr(process.outbox, "together", away)
    assert "outbox cannot be used" in post(command_body("/news"))[1]["text"]


# --- refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        lambda body: signed(body, secret="other"),
        lambda body: signed(body, at=time.time() - 301),
        lambda body: signed(body, at=time.time() + 301),
        lambda body: signed(body + b"&text=all"),
        lambda body: {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_what_slack_has_not_signed_lately_is_refused(post, process, headers):
    body = command_body("/news")
    assert post(body, headers(body))[0] == 401
    assert process.outbox.requests(10) == []


def test_who_is_logged_in_needs_the_signature_as_well(site, browser):
    person = browser()
    person.raiseHttpErrors = False
    person.post(f"{site.absolute_url()}/{VIEW}", command_body("all").decode())
    assert person.headers["status"].startswith("401")


def test_huge_bodies_are_refused(post):
    assert post(command_body("/a", filler="x" * LONGEST_BODY))[0] == 413


def test_get_is_refused(post):
    assert post(b"", method="get")[0] == 405


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channel_id": "C0OTHER00"}, "does not work in this channel"),
        ({"team_id": "T0OTHER00"}, "not for this workspace"),
        ({"user_id": "U0OTHER01"}, "you may not do this"),
    ],
)
def test_wrong_people_and_places_are_told_so(post, process, changes, said):
    status, answer = post(command_body("/news", **changes))
    assert status == 200
    assert said in answer["text"]
    assert process.outbox.requests(10) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("slack_team", ""), ("slack_channels", ""), ("slack_users", "")],
)
def test_without_settings_there_is_nothing(post, name, value):
    getUtility(IRegistry)[f"{PREFIX}.{name}"] = value
    transaction.commit()
    assert post(command_body("/news"))[0] == 404


def test_without_a_secret_there_is_nothing(post, monkeypatch):
    monkeypatch.delenv("CLOUDFRONT_SLACK_SIGNING_SECRET")
    assert post(command_body("/news"))[0] == 404


@pytest.mark.parametrize("url", ["https://evil.example/x", "http://hooks.slack.com/x"])
def test_answers_go_to_slack_and_nowhere_else(post, process, slack, later, url):
    post(command_body("/news", response_url=url))
    process.deliver()
    complete(process)
    later()
    assert slack.hosts == []


def test_requests_are_counted_by_outcome(post):
    current = counts.switch_on()
    try:
        post(command_body("/news"))
        body = command_body("/news")
        post(body, signed(body, secret="other"))
        value = current.registry.get_sample_value
        name = "cloudfront_slack_requests_total"
        assert value(name, {"outcome": "answered"}) == 1
        assert value(name, {"outcome": "forged"}) == 1
    finally:
        counts.switch_off()


def test_nothing_is_written_to_the_database(post, site):
    def serial():
        return site._p_jar.db().lastTransaction()

    before = serial()
    post(command_body("/news"))
    post(command_body("status"))
    assert serial() == before
    assert this_process().outbox.requests(1)
