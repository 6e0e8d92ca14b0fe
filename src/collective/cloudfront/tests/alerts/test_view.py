"""The button that sends a test alert, and the thread that sends the others."""

from collective.cloudfront.alerts.thread import AlertsThread
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.tests.alerts.conftest import store
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest
import threading
import time


SETTINGS = "@@cloudfront-settings"


@pytest.fixture
def click(alerted, browser):
    """Send a test alert as a person does; returns what the person reads then."""

    def do():
        person = browser()
        person.open(f"{alerted.absolute_url()}/{SETTINGS}")
        person.getControl("Send a test alert").click()
        assert person.url.endswith(SETTINGS)
        return person.contents

    return do


def test_a_test_alert_goes_to_everybody_who_gets_alerts(click, mail_server, webhook):
    said = click()
    assert "A test alert was sent to ops@example.com web@example.com." in said
    assert "A test alert was sent to https://127.0.0.1:" in said
    assert "s3cret" not in said
    assert mail_server.messages[0]["Subject"] == (
        "Town of Æbelø: test alert of CloudFront"
    )
    assert webhook.posted[0]["status"] == "test"


def test_a_person_reads_why_it_did_not_arrive(click, mail_server, webhook):
    mail_server.refusal = "550 we do not know you"
    webhook.status = 403
    said = click()
    assert "we do not know you" in said
    assert "(HTTP 403)" in said
    assert "s3cret" not in said


def test_without_a_sender_no_e_mail_is_sent(click, alerted, mail_server):
    getUtility(IRegistry)["plone.email_from_address"] = None
    store()
    assert "Enter a “From” address in the Mail control panel" in click()
    assert mail_server.messages == []


def test_where_nobody_gets_alerts_there_is_no_button(alerted, browser):
    store(alert_emails="", alert_webhook="")
    person = browser()
    person.open(f"{alerted.absolute_url()}/{SETTINGS}")
    assert "Send a test alert" not in person.contents


# --- over REST ------------------------------------------------------------------------

REST = "@cloudfront/test-alert"


def test_scripts_send_a_test_alert_over_rest(alerted, client, mail_server, webhook):
    webhook.status = 403
    reply = client().post(REST)
    assert reply.status == 200
    mail, hook = reply.json["items"]
    assert mail["sent"]
    assert mail["receiver"] == "ops@example.com web@example.com"
    assert not hook["sent"]
    assert "(HTTP 403)" in hook["text"]
    assert "s3cret" not in str(reply.json)
    assert len(mail_server.messages) == 1


def test_without_receivers_it_is_refused(alerted, client):
    store(alert_emails="", alert_webhook="")
    assert client().post(REST).status == 409


def test_others_may_not_send_it(alerted, client, mail_server):
    from plone.app.testing import setRoles
    from plone.app.testing import TEST_USER_ID
    from plone.app.testing import TEST_USER_NAME
    from plone.app.testing import TEST_USER_PASSWORD

    setRoles(alerted, TEST_USER_ID, ["Editor"])
    store()
    assert client(TEST_USER_NAME, TEST_USER_PASSWORD).post(REST).status == 401
    assert mail_server.messages == []


# --- the thread -----------------------------------------------------------------------


def test_the_thread_looks_on_its_own_and_ends_with_the_process(
    alerted, process, webhook, monkeypatch
):
    # By its clock an hour passes with each look
    looks = iter(range(10**6))
    thread = AlertsThread(
        process.outbox,
        process.sites.known_below,
        clock=lambda: time.time() + 3600.0 * next(looks),
        every=0.01,
        first_after=0.0,
    )
    process.outbox.release("", [Entry(DISTRIBUTION, "/a")])
    process.outbox.wait(
        DISTRIBUTION,
        reason=message("no_credentials", error="none"),
        advice=message("advice_credentials"),
        paused=True,
        until=time.time() + 9e9,
    )
    thread.start(alerted._p_jar.db())
    while not webhook.posted:
        time.sleep(0.01)
    thread.stop(timeout=60.0)
    names = [each.name for each in threading.enumerate()]
    assert "cloudfront-alerts" not in names
    assert webhook.posted[0]["troubles"] == [f"paused:{DISTRIBUTION}"]


def test_slack_gets_a_text_alone_in_which_nothing_has_a_meaning():
    from collective.cloudfront.alerts.webhook import _body

    payload = {"text": "<!channel> a & b", "status": "test"}
    slack = "https://hooks.slack.com/services/T/B/x"
    assert _body(slack, payload) == {"text": "&lt;!channel&gt; a &amp; b"}
    assert _body("https://example.com/x", payload) == payload
