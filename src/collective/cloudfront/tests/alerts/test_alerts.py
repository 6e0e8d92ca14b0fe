"""People get an alert when somebody must act, and when that is over: once each."""

from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.tests.alerts.conftest import store
from collective.cloudfront.tests.alerts.conftest import Watcher
from plone import api

import logging
import pytest
import threading
import time


HOUR = 3600.0


@pytest.fixture
def pause(process):
    """Let purging pause: there are no credentials."""

    def do():
        process.outbox.release("", [Entry(DISTRIBUTION, "/a")])
        process.outbox.wait(
            DISTRIBUTION,
            reason=message("no_credentials", error="none"),
            advice=message("advice_credentials"),
            paused=True,
            until=time.time() + 9e6,
        )

    return do


@pytest.fixture
def end(process):
    """Let everything be delivered."""

    def do():
        process.outbox.resume()
        process.deliver()

    return do


def subjects(mail_server):
    return [each["Subject"] for each in mail_server.messages]


def test_while_all_is_well_nobody_gets_anything(watcher, mail_server, webhook):
    watcher.look_for(HOUR)
    assert mail_server.messages == webhook.posted == []


def test_a_paused_distribution_is_told_once_and_so_is_its_end(
    watcher, mail_server, webhook, pause, end
):
    pause()
    watcher.look_for(HOUR)
    end()
    watcher.look_for(HOUR)
    assert subjects(mail_server) == [
        "Town of Æbelø: purging from CloudFront needs attention",
        "Town of Æbelø: purging from CloudFront works again",
    ]
    assert [each["status"] for each in webhook.posted] == ["begun", "over"]


def test_an_e_mail_says_what_to_do_and_where_to_look(watcher, mail_server, pause):
    pause()
    watcher.look_for(120.0)
    (found,) = mail_server.messages
    assert found["From"] == "Plone <plone@example.com>"
    assert mail_server.receivers == [["ops@example.com", "web@example.com"]]
    text = found.get_content()
    assert f"Purging is paused for {DISTRIBUTION}" in text
    assert "No usable AWS credentials were found: none." in text
    assert str(message("advice_credentials")).split(".")[0] in text
    url = "https://edit.example.com/@@cloudfront-controlpanel"
    assert text.rstrip().endswith(f"\n\n{url}")


def test_a_webhook_gets_a_text_and_the_same_as_values(watcher, webhook, pause):
    pause()
    watcher.look_for(120.0)
    (posted,) = webhook.posted
    assert webhook.paths == ["/s3cret"]
    text = posted.pop("text")
    assert text.startswith("Town of Æbelø: purging from CloudFront needs attention\n")
    assert f"Purging is paused for {DISTRIBUTION}" in text
    assert posted == {
        "status": "begun",
        "site": "Town of Æbelø",
        "url": "https://edit.example.com/@@cloudfront-controlpanel",
        "troubles": [f"paused:{DISTRIBUTION}"],
    }


def test_alerts_are_in_the_language_of_the_site(watcher, alerted, mail_server, pause):
    api.portal.set_registry_record("plone.default_language", "de")
    store()
    pause()
    watcher.look_for(120.0)
    assert "angehalten" in mail_server.messages[0].get_content()


def test_volto_has_the_status_in_its_own_control_panel(
    watcher, alerted, webhook, pause, monkeypatch
):
    monkeypatch.setattr(
        "collective.cloudfront.alerts.site.has_volto", lambda registry: True
    )
    pause()
    watcher.look_for(120.0)
    url = "https://edit.example.com/controlpanel/cloudfront"
    assert webhook.posted[0]["url"] == url


def test_refused_items_are_told(watcher, process, webhook):
    process.outbox.release("", [Entry(DISTRIBUTION, "/~a")])
    process.outbox.claim(DISTRIBUTION, 60.0)
    batch = process.outbox.freeze(DISTRIBUTION, "r", ["/~a"])
    process.outbox.quarantine(batch, plain("InvalidArgument"))
    watcher.look_for(120.0)
    assert webhook.posted[0]["troubles"] == [f"quarantined:{DISTRIBUTION}"]
    process.outbox.discard_quarantined(DISTRIBUTION, "/~a")
    watcher.look_for(120.0)
    assert "No items for" in webhook.posted[1]["text"]


def test_what_waits_for_too_long_is_told_whatever_the_reason(
    watcher, process, webhook, end
):
    store(alert_minutes=10)
    process.outbox.release("", [Entry(DISTRIBUTION, "/a")])
    watcher.look_for(9 * 60.0)
    assert webhook.posted == []
    watcher.look_for(5 * 60.0)
    (posted,) = webhook.posted
    assert posted["troubles"] == [f"late:{DISTRIBUTION}"]
    assert "waiting for more than 10 minutes; items waiting: 1." in posted["text"]
    end()
    watcher.look_for(120.0)
    assert webhook.posted[1]["status"] == "over"


def test_it_is_told_why_it_waits(watcher, process, webhook):
    store(alert_minutes=1)
    process.outbox.release("", [Entry(DISTRIBUTION, "/a")])
    process.outbox.wait(
        DISTRIBUTION,
        reason=message("unreachable", error="timeout"),
        advice=NOTHING,
        paused=False,
        until=time.time() + 9e6,
    )
    watcher.look_for(5 * 60.0)
    assert "CloudFront cannot be reached: timeout." in webhook.posted[0]["text"]


def test_a_budget_that_is_used_up_is_told(watcher, process, webhook, end):
    store(monthly_budget=1)
    process.outbox.release("", [Entry(DISTRIBUTION, "/a"), Entry(DISTRIBUTION, "/b")])
    end()
    watcher.look_for(120.0)
    (posted,) = webhook.posted
    assert posted["troubles"] == ["budget"]
    assert "This month's budget of 1 items is used up." in posted["text"]


def test_a_site_that_does_not_purge_tells_nothing(watcher, webhook, pause):
    store(enabled=False)
    pause()
    watcher.look_for(HOUR)
    assert webhook.posted == []


# --- several processes ----------------------------------------------------------------


def test_of_many_processes_one_tells(alerted, process, webhook, pause, end):
    """Each has an outbox of its own on the same file, as processes have."""
    database = alerted._p_jar.db()
    outboxes = [SqliteOutbox(process.outbox.path) for _ in range(5)]
    watchers = [Watcher(process, database) for _ in outboxes]
    for each, outbox in zip(watchers, outboxes):
        each._look._outbox = outbox

    def look_at_once():
        threads = [threading.Thread(target=each.look) for each in watchers]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    pause()
    for _ in range(5):
        look_at_once()
    assert [each["status"] for each in webhook.posted] == ["begun"]
    end()
    for _ in range(5):
        look_at_once()
    assert [each["status"] for each in webhook.posted] == ["begun", "over"]


def test_another_process_goes_on_after_a_restart(
    alerted, process, webhook, pause, watcher, end
):
    pause()
    watcher.look_for(120.0)
    another = Watcher(process, alerted._p_jar.db())
    another.now = watcher.now
    another.look_for(HOUR)
    assert len(webhook.posted) == 1
    end()
    another.look_for(120.0)
    assert [each["status"] for each in webhook.posted] == ["begun", "over"]


# --- trouble with the outbox ------------------------------------------------------------


def test_an_outbox_that_cannot_be_used_is_told_by_each_process_once_an_hour(
    watcher, process, webhook, monkeypatch
):
    with monkeypatch.context() as broken:

        def fail(*arguments, **options):
            raise OutboxUnavailable("disk on fire")

        for name in ("work", "run", "claim_run", "keep_run", "billed"):
            broken.setattr(process.outbox, name, fail)
        watcher.look_for(900.0)
    assert [each["status"] for each in webhook.posted] == ["begun"]
    assert "disk on fire." in webhook.posted[0]["text"]
    watcher.look_for(120.0)
    assert webhook.posted[1]["text"].splitlines()[1] == "The outbox can be used again."
    for _ in range(3):
        with monkeypatch.context() as broken:
            broken.setattr(process.outbox, "work", fail)
            watcher.look_for(300.0)
        watcher.look_for(300.0)
    assert len(webhook.posted) == 2


def test_an_outbox_that_cannot_be_written_is_told(
    watcher, process, webhook, monkeypatch
):
    def fail(*arguments, **options):
        raise OutboxUnavailable("disk full")

    for name in ("prepare", "release", "announce", "claim_run", "keep_run"):
        monkeypatch.setattr(process.outbox, name, fail)
    process.intake.release("token", [Entry(DISTRIBUTION, "/a")])
    watcher.look_for(300.0)
    (posted,) = webhook.posted
    assert posted["troubles"] == ["outbox"]
    assert "The outbox cannot be written; items waiting in memory: 1." in posted["text"]


def test_an_outbox_that_hangs_is_told(watcher, process, webhook, monkeypatch):
    over = threading.Event()

    def hang(*arguments, **options):
        over.wait()
        return ()

    for name in ("work", "run", "claim_run", "keep_run", "billed"):
        monkeypatch.setattr(process.outbox, name, hang)
    monkeypatch.setattr(
        "collective.cloudfront.controlpanel.health.quick_overview.__defaults__", (0.02,)
    )
    try:
        watcher.look_for(180.0)
        assert webhook.posted[0]["troubles"] == ["outbox"]
    finally:
        over.set()


# --- what does not arrive ---------------------------------------------------------------


def test_what_fails_is_tried_again_and_the_other_way_is_not(
    watcher, mail_server, webhook, pause, caplog
):
    webhook.status = 500
    pause()
    watcher.look_for(90.0)
    assert (len(mail_server.messages), len(webhook.posted)) == (1, 1)
    webhook.status = 200
    watcher.look_for(90.0)
    assert (len(mail_server.messages), len(webhook.posted)) == (1, 2)
    watcher.look_for(HOUR)
    assert (len(mail_server.messages), len(webhook.posted)) == (1, 2)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_what_fails_for_long_is_given_up_and_logged_once(
    watcher, mail_server, webhook, pause, caplog
):
    webhook.status = 404
    mail_server.refusal = "550 we do not know you"
    pause()
    with caplog.at_level(logging.WARNING):
        watcher.look_for(3 * HOUR)
    assert len(webhook.posted) == 5
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == 2
    assert "by webhook after 5 attempts: HTTP 404." in " ".join(logged)
    assert "we do not know you" in " ".join(logged)
    assert "s3cret" not in caplog.text


def test_a_mail_server_that_hangs_keeps_the_webhook_from_nothing(
    alerted, process, mail_server, webhook, pause
):
    mail_server.answers.clear()
    watcher = Watcher(process, alerted._p_jar.db(), deadline=0.3)
    pause()
    watcher.look_for(90.0)
    assert mail_server.messages == []
    assert len(webhook.posted) == 1


def test_purging_goes_on_whatever_fails(watcher, process, webhook, mail_server, pause):
    webhook.status = 500
    mail_server.refusal = "421 later"
    pause()
    watcher.look_for(90.0)
    process.outbox.resume()
    assert process.deliver() == ["/a"]


def test_a_redirect_is_not_followed(watcher, webhook, pause):
    webhook.status, webhook.location = 302, f"{webhook.url}/elsewhere"
    pause()
    watcher.look_for(90.0)
    assert webhook.paths == ["/s3cret"]


def test_a_certificate_that_is_not_trusted_gets_nothing(
    watcher, webhook, pause, monkeypatch, tmp_path
):
    monkeypatch.delenv("SSL_CERT_FILE")
    pause()
    watcher.look_for(90.0)
    assert webhook.posted == []


def test_what_makes_no_sense_in_the_outbox_keeps_nothing_from_being_told(
    watcher, alerted, process, webhook, pause
):
    from plone.uuid.interfaces import IUUID

    name = f"alerts:{IUUID(alerted, None) or '/plone'}"
    nonsense = ([1], {"known": 7}, {"outgoing": [[1], ["x", {}, 1], [{}, [], "y"]]})
    for each in nonsense:
        assert process.outbox.claim_run(name, 60.0)
        process.outbox.keep_run(name, each, 0.0)
        watcher.look()
    pause()
    watcher.look_for(120.0)
    assert len(webhook.posted) == 1
