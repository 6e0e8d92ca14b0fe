"""Specification: every kind of trouble, at every place that speaks of health.

The page (headline, table), the number at our tab on Plone's pages, ``@cloudfront``, the
check "purging", and what is said to whoever purges: one row below is one kind of trouble,
and all places say the same of it.
"""

from collections.abc import Callable
from collective.cloudfront.controlpanel.health import LASTS_LONG
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.tests.api.conftest import client
from collective.cloudfront.tests.api.conftest import Reply
from collective.cloudfront.tests.api.conftest import site
from dataclasses import dataclass
from lxml import html
from plone import api
from typing import Any

import pytest
import time
import transaction


__all__ = ["client", "site"]

PAGES = ("@@caching-controlpanel", "@@cloudfront-controlpanel")
TABS = "//div[contains(@class, 'autotabs')]/ul/li[@class='nav-item']/a"
WORKING = "Everything will be removed from CloudFront within seconds."
FAILING = "The outbox cannot be used now, so this is kept in memory"


# --- kinds of trouble ------------------------------------------------------------


@dataclass
class Scene:
    """What a kind of trouble is made with."""

    process: Any
    monkeypatch: pytest.MonkeyPatch
    tmp_path: Any

    def release(self, item: str = "/a", **how: Any) -> None:
        self.process.outbox.release("", [Entry(DISTRIBUTION, item, **how)])

    def wait(self, paused: bool, since: float = 0.0, **why: Any) -> None:
        self.release()
        # Since then
        clock = self.process.outbox.clock
        self.process.outbox.clock = lambda: time.time() - since
        self.process.outbox.wait(
            DISTRIBUTION, paused=paused, until=time.time() + 600, **why
        )
        self.process.outbox.clock = clock

    def freeze(self, item: str) -> Any:
        self.release(item)
        self.process.outbox.claim(DISTRIBUTION, 60.0)
        batch = self.process.outbox.freeze(DISTRIBUTION, f"r{item}", [item])
        return batch


def nothing(scene: Scene) -> None:
    """Everything is delivered."""


def pending(scene: Scene) -> None:
    """Something is on its way."""
    scene.release()


def arriving(scene: Scene) -> None:
    """A change was committed, and the courier has not brought it in yet."""
    scene.monkeypatch.setattr(scene.process.intake, "retry", lambda: None)
    scene.process.intake.release("token", [Entry(DISTRIBUTION, "/a")])


def coalesced(scene: Scene) -> None:
    """Every page is to be purged, and was a moment ago."""
    scene.release("/*", every=60.0)
    scene.process.deliver()
    for settled in scene.process.outbox.in_progress(DISTRIBUTION):
        scene.process.outbox.complete(settled, "Completed")
    scene.release("/*", every=60.0)


def in_progress(scene: Scene) -> None:
    """CloudFront works on an invalidation."""
    scene.process.outbox.settle(scene.freeze("/a"), "I1")


def quarantined(scene: Scene) -> None:
    """CloudFront refuses an item."""
    scene.process.outbox.quarantine(scene.freeze("/~a"), plain("InvalidArgument"))


def throttled(scene: Scene) -> None:
    """CloudFront takes nothing for a moment."""
    scene.wait(False, reason=plain("Rate exceeded"), advice=NOTHING)


def unreachable(scene: Scene) -> None:
    """CloudFront does not answer, for long."""
    reason = message("unreachable", error="timeout")
    advice = message("advice_unreachable")
    scene.wait(False, since=LASTS_LONG + 60, reason=reason, advice=advice)


def no_credentials(scene: Scene) -> None:
    """There are no credentials."""
    reason = message("no_credentials", error="none")
    scene.wait(True, reason=reason, advice=message("advice_credentials"))


def access_denied(scene: Scene) -> None:
    """The credentials do not suffice."""
    advice = message("advice_denied", operation="CreateInvalidation")
    scene.wait(True, reason=message("refused", error="AccessDenied"), advice=advice)


def wrong_id(scene: Scene) -> None:
    """There is no such distribution."""
    reason = message("refused", error="NoSuchDistribution")
    scene.wait(True, reason=reason, advice=message("advice_distribution"))


def no_worker(scene: Scene) -> None:
    """This Zope leaves the delivery to workers, and there is none."""
    scene.monkeypatch.setattr(scene.process, "is_courier_off", True)
    scene.process.presence.end()  # it has said that it delivers
    scene.release()


def disk_full(scene: Scene) -> None:
    """The outbox can be read, and not written."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise OutboxUnavailable("disk full")

    for name in ("prepare", "release", "announce"):
        scene.monkeypatch.setattr(scene.process.outbox, name, fail)
    scene.process.intake.release("token", [Entry(DISTRIBUTION, "/a")])


def unusable(scene: Scene) -> None:
    """The outbox can neither be read nor written."""
    blocked = scene.tmp_path / "a file and no folder"
    blocked.touch()
    outbox = open_outbox(f"sqlite:///{blocked}/outbox.sqlite")
    scene.monkeypatch.setattr(scene.process, "outbox", outbox)
    scene.monkeypatch.setattr(scene.process.intake, "outbox", outbox)


def switched_off(scene: Scene) -> None:
    """Purging from CloudFront is off."""
    api.portal.set_registry_record("collective.cloudfront.enabled", False)


def purging_off(scene: Scene) -> None:
    """Purging is disabled in the Caching control panel."""
    api.portal.set_registry_record(PURGING_ENABLED, False)


def no_distribution(scene: Scene) -> None:
    """No distribution is set."""
    api.portal.set_registry_record("collective.cloudfront.distribution_id", "")


@dataclass
class Row:
    """What all places say of one kind of trouble."""

    trouble: Callable[[Scene], None]
    level: str
    code: str
    headline: str
    #: In the table; empty where there is none
    badge: str
    pending: int
    clicked: str = WORKING
    status: int = 200


OFF = "Nothing is purged."
IN_MEMORY = "The outbox cannot be written; items waiting in memory:"
PAUSED = f"Purging is paused for {DISTRIBUTION}; nothing is lost, items kept: 1."
NOTHING_ACCEPTED = "CloudFront accepts nothing at the moment; items waiting: 1."
WAITS = "Purging is paused, so this waits in the outbox."
LATER = "CloudFront does not accept it now, so this waits in the outbox."

TABLE = [
    Row(nothing, "ok", "delivered", "Everything is delivered.", "Delivered", 0),
    Row(pending, "ok", "pending", "Items on their way to CloudFront: 1.", "Sending", 1),
    Row(arriving, "ok", "pending", "Items on their way to CloudFront: 1.", "", 1),
    Row(
        coalesced,
        "ok",
        "coalesced",
        "Items on their way to CloudFront: 1.",
        "Waiting Every page: in ",
        1,
    ),
    Row(
        in_progress,
        "ok",
        "in_progress",
        "Everything is delivered, and CloudFront is removing the old copies.",
        "In progress",
        0,
    ),
    Row(
        quarantined,
        "warning",
        "quarantined",
        "CloudFront refuses some items; everything else is delivered.",
        "Refused items",
        0,
    ),
    Row(
        throttled,
        "ok",
        "waiting",
        f"{NOTHING_ACCEPTED} Rate exceeded.",
        "Waiting",
        1,
        LATER,
    ),
    Row(
        unreachable,
        "warning",
        "waiting",
        f"{NOTHING_ACCEPTED} CloudFront cannot be reached: timeout.",
        "Waiting",
        1,
        LATER,
    ),
    Row(no_credentials, "error", "paused", f"{PAUSED} No usable", "Paused", 1, WAITS),
    Row(
        access_denied,
        "error",
        "paused",
        f"{PAUSED} CloudFront refused",
        "Paused",
        1,
        WAITS,
    ),
    Row(
        wrong_id, "error", "paused", f"{PAUSED} CloudFront refused", "Paused", 1, WAITS
    ),
    Row(
        no_worker,
        "error",
        "unattended",
        "This Zope process leaves the delivery to workers, and no worker is running; "
        "items waiting: 1. Start “cloudfront worker”",
        "No worker",
        1,
        "No worker is running, so this waits in the outbox.",
    ),
    Row(disk_full, "error", "in_memory", IN_MEMORY, "In memory", 1, FAILING, 503),
    Row(
        unusable,
        "error",
        "unavailable",
        "The outbox cannot be read, so the status is not known.",
        "",
        0,
        FAILING,
        503,
    ),
    Row(switched_off, "error", "off", OFF, "Off", 0, "", 409),
    Row(purging_off, "error", "off", OFF, "Off", 0, "", 409),
    Row(no_distribution, "error", "off", OFF, "", 0, "", 409),
]


@pytest.fixture
def healthy(site, process):
    """A site in which nothing is wrong, and nothing is on its way."""
    setup = api.portal.get_tool("portal_setup")
    setup.runAllImportStepsFromProfile("profile-collective.cloudfront:with-cloudfront")
    transaction.commit()
    process.deliver()
    for settled in process.outbox.in_progress(DISTRIBUTION):
        process.outbox.complete(settled, "Completed")
    return site


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.trouble.__name__)
def test_all_places_say_the_same(
    row, healthy, client, browser, process, monkeypatch, tmp_path
):
    row.trouble(Scene(process, monkeypatch, tmp_path))
    transaction.commit()
    # REST
    state = client().get("@cloudfront").json
    assert state["health"]["level"] == row.level
    assert state["health"]["code"] == row.code
    assert state["health"]["text"].startswith(row.headline)
    assert state["pending"] == row.pending
    found = client().get("@cloudfront/checks").json["items"]
    check = next(each for each in found if each["name"] == "purging")
    assert check["level"] == row.level
    if row.level == "ok":
        assert check["text"] == "Changes are purged."
    else:
        # Here one sentence; the others say why, and what to do
        assert state["health"]["text"].startswith(check["text"])
    # Machines
    told = client().get("@@cloudfront-health")
    assert told.status == (503 if row.level == "error" else 200)
    assert told.json["level"] == row.level
    assert told.json["text"] == state["health"]["text"]
    assert client("", "").get("@@cloudfront-health") == Reply(
        told.status, {"status": "error" if row.level == "error" else "ok"}
    )
    # The pages
    person, url = browser(), healthy.absolute_url()
    problems = sum(each["level"] != "ok" for each in found)
    assert (problems > 0) == (row.level != "ok")
    for page in PAGES:
        person.open(f"{url}/{page}")
        tree = html.fromstring(person.contents)
        tab = tree.xpath(TABS)[-1]
        badges = [word for each in tab.xpath("span/text()") for word in each.split()]
        assert badges == ([str(problems)] if problems else [])
    banner = tree.get_element_by_id("cloudfront-headline")
    assert state["health"]["text"].startswith(words(banner))
    sections = tree.xpath("//*[@id='cloudfront-banner' or @id='cloudfront-state']")
    shown = " ".join(words(each) for each in sections)
    assert all(part in shown for part in sentences_of(state["health"]["text"]))
    kinds = tree.get_element_by_id("cloudfront-banner").get("class").split()
    assert KINDS[row.level] & set(kinds)
    if row.badge:
        cell = tree.xpath("//table[@id='cloudfront-work']/tbody/tr/td[2]")[0]
        assert words(cell).startswith(row.badge)
    # Whoever purges
    reply = client().post("@cloudfront/purge", all=True)
    assert reply.status == row.status
    if row.status == 200:
        assert reply.json["health"]["code"] in (row.code, "pending")
        assert process.outbox.work() or process.intake.handed_over()
    elif row.status == 503:
        assert (
            "Nothing was purged because the outbox cannot be used"
            in (reply.json["error"]["message"])
        )
    person.open(f"{url}/@@cloudfront-purge-all")
    if not row.clicked:
        assert "Purge everything</button>" not in person.contents
        return
    person.getControl("Purge everything").click()
    tree = html.fromstring(person.contents)
    said = " ".join(map(words, tree.xpath("//*[contains(@class, 'portalMessage')]")))
    assert row.clicked in said
    assert (WORKING in said) == (row.clicked == WORKING)


#: Of the banner, by level.
KINDS = {
    "ok": {"alert-success", "alert-info"},
    "warning": {"alert-warning"},
    "error": {"alert-danger"},
}


def sentences_of(text: str) -> list[str]:
    """Return what the page says of the health, too: in one place or another."""
    return [each.strip(" .") for each in text.split(". ")]


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def test_what_the_outbox_does_not_take_over_rest_is_not_kept_either(
    client, process, monkeypatch, tmp_path
):
    disk_full(Scene(process, monkeypatch, tmp_path))
    before = process.intake.kept
    assert client().post("@cloudfront/purge", all=True).status == 503
    assert process.intake.kept == before


def test_what_a_person_purges_while_the_outbox_fails_is_kept_and_sent_later(
    site, browser, process, monkeypatch, tmp_path
):
    with monkeypatch.context() as broken:
        disk_full(Scene(process, broken, tmp_path))
        person = browser()
        person.open(f"{site.absolute_url()}/@@cloudfront-purge-all")
        person.getControl("Purge everything").click()
    process.intake.retry()
    assert "/*" in process.deliver()
