"""``@@cloudfront-health``: a code and a word for probes, the rest for monitoring.

``tests/controlpanel/test_health.py`` tests that it says of every kind of trouble what all
other places say.
"""

from collective.cloudfront.controlpanel import health
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD

import pytest
import threading
import time
import transaction


HEALTH = "@@cloudfront-health"


def basic(name, password):
    """Return the header of somebody who logs in."""
    from base64 import b64encode

    pair = b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


OWNER = basic(SITE_OWNER_NAME, SITE_OWNER_PASSWORD)
TOKEN = {"Authorization": "Bearer s3cret-ü".encode().decode("latin-1")}


@pytest.fixture
def paused(process):
    """A site that has no credentials."""
    process.outbox.release("", [Entry(DISTRIBUTION, "/a")])
    process.outbox.wait(
        DISTRIBUTION,
        reason=message("no_credentials", error="none"),
        advice=message("advice_credentials"),
        paused=True,
        until=time.time() + 600,
    )


@pytest.fixture
def broken(process, monkeypatch):
    """A site whose outbox cannot be read."""

    def fail(*arguments):
        raise OutboxUnavailable("disk on fire")

    monkeypatch.setattr(process.outbox, "work", fail)


def test_where_purging_works_anybody_gets_200_and_one_word(machine):
    answer = machine(HEALTH)
    assert (answer.status_int, answer.text) == (200, "ok\n")
    assert answer.content_type == "text/plain"


def test_where_a_person_must_act_anybody_gets_503_and_one_word(machine, paused):
    answer = machine(HEALTH)
    assert (answer.status_int, answer.text) == (503, "error\n")


def test_nobody_else_learns_more_as_json(machine, paused):
    answer = machine(HEALTH, Accept="application/json")
    assert (answer.status_int, answer.json) == (503, {"status": "error"})


def test_who_may_see_the_status_reads_why_in_one_line(machine, paused):
    answer = machine(HEALTH, **OWNER)
    assert answer.status_int == 503
    assert answer.text.startswith("error: paused. Purging is paused for ")
    assert answer.text.count("\n") == 1


def test_who_may_see_the_status_gets_it_as_json(machine, paused):
    answer = machine(HEALTH, Accept="application/json", **OWNER)
    assert answer.status_int == 503
    assert answer.content_type == "application/json"
    found = answer.json
    assert (found["status"], found["level"], found["code"]) == (
        "error",
        "error",
        "paused",
    )
    assert "No usable AWS credentials were found" in found["text"]


def test_a_token_shows_the_details(machine, paused, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_HEALTH_TOKEN", "s3cret-ü")
    assert "paused" in machine(HEALTH, **TOKEN).text


@pytest.mark.parametrize("token", [None, "", " ", "another", "s3cret"])
def test_no_other_token_does(machine, paused, monkeypatch, token):
    if token is not None:
        monkeypatch.setenv("CLOUDFRONT_HEALTH_TOKEN", token)
    assert machine(HEALTH, **TOKEN).text == "error\n"
    for sent in ("", "Bearer", "Bearer ", "Basic", "Bearer  "):
        assert machine(HEALTH, Authorization=sent).text == "error\n"


def test_no_cache_stores_it_and_it_has_no_tags(machine):
    headers = machine(HEALTH).headers
    assert headers["Cache-Control"] == "no-store"
    assert "Cache-Tag" not in headers


def test_an_outbox_that_cannot_be_read_is_503(machine, broken):
    answer = machine(HEALTH, **OWNER)
    assert answer.status_int == 503
    assert answer.text.startswith("error: unavailable.")


def test_an_outbox_that_hangs_is_503_and_nobody_waits_for_it(
    machine, process, monkeypatch
):
    end, threads = threading.Event(), []

    def hang(*arguments, **options):
        threads.append(threading.current_thread())
        end.wait()
        return ()

    # The whole outbox, whatever is asked of it
    for name in ("work", "poll", "run", "history", "claim_run", "status"):
        monkeypatch.setattr(process.outbox, name, hang)
    monkeypatch.setattr(health.quick_health, "__defaults__", (0.05,))
    try:
        for _ in range(3):
            answer = machine(HEALTH, **OWNER)
            assert answer.status_int == 503
            assert "The outbox did not answer within 0.05 seconds." in answer.text
        assert len(threads) == 1
    finally:
        end.set()
    threads[0].join()


# --- readiness ----------------------------------------------------------------------


def test_a_process_that_can_keep_changes_is_ready_though_a_person_must_act(
    machine, paused
):
    answer = machine(f"{HEALTH}/ready")
    assert (answer.status_int, answer.text) == (200, "ok\n")


def test_a_process_that_cannot_use_the_outbox_is_not_ready(machine, broken):
    answer = machine(f"{HEALTH}/ready")
    assert (answer.status_int, answer.text) == (503, "error\n")


def test_nothing_else_is_below_it(machine):
    assert machine(f"{HEALTH}/x").status_int == 404
    assert machine(f"{HEALTH}/ready/ready").status_int == 404


def test_it_is_asked_for_without_a_body(functional, site, paused):
    from plone.testing.zope import Browser

    app = Browser(functional["app"]).testapp
    answer = app.head(f"{site.absolute_url()}/{HEALTH}", expect_errors=True)
    assert (answer.status_int, answer.body) == (503, b"")


def test_a_site_without_the_add_on_has_no_such_view(functional, site, machine):
    api.portal.get_tool("portal_setup").runAllImportStepsFromProfile(
        "profile-collective.cloudfront:uninstall"
    )
    transaction.commit()
    assert machine(HEALTH).status_int == 404
