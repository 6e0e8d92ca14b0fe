"""The page: what it says in which state. Facts from ``overview``, markup from TAL."""

from collective.cloudfront.controlpanel.overview import SHOWN
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.outcomes import CONFIRMED_REFUSALS
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import NOTHING
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.settings import readers
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.settings.test_readers import learn
from lxml import html
from plone import api
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from plone.registry.interfaces import IRegistry
from unittest.mock import ANY
from zope.component import getUtility

import pytest
import time
import transaction


EVIL = "<script>alert('&')</script>"


@pytest.fixture
def configured(portal, process):
    """The registry of a site that purges."""
    registry = getUtility(IRegistry)
    use_distributions()
    registry["collective.cloudfront.window"] = 0.0
    return registry


@pytest.fixture
def page(configured, portal):
    """Render the page; returns its parts by id."""

    def render():
        view = portal.restrictedTraverse("@@cloudfront-controlpanel")
        return Page(view())

    return render


class Page:
    def __init__(self, contents):
        self.contents = contents
        self.tree = html.fromstring(contents)

    def text(self, id_):
        """Return the text of an element, with single spaces, or None."""
        found = self.tree.xpath(f"//*[@id='{id_}']")
        return " ".join(found[0].text_content().split()) if found else None

    def rows(self, id_):
        """Return the text of the cells of a table's body."""
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
            for row in self.tree.xpath(f"//*[@id='{id_}']//tbody/tr")
        ]

    def card(self, name):
        return self.text(f"cloudfront-card-{name}")

    def hindrances(self):
        found = self.tree.xpath("//*[contains(@class, 'cloudfront-hindrance')]")
        return [" ".join(each.text_content().split()) for each in found]

    def obstacles(self):
        found = self.tree.xpath("//*[contains(@class, 'cloudfront-obstacle')]")
        return [" ".join(each.text_content().split()) for each in found]


def deliver(process, *items, answers=()):
    """Let CloudFront be asked for ``items``; without ``answers`` it accepts."""
    process.gateway.answers.extend(answers)
    cause = Cause("jane", ("/a",), 1)
    process.outbox.release(
        "token", [Entry(DISTRIBUTION, item, cause=cause) for item in items]
    )
    process.outbox.resume()
    process.courier.round()
    while process.gateway.answers:
        process.outbox.resume()
        process.courier.round()


# --- the state -------------------------------------------------------------------


def test_a_site_that_purges_says_so(page):
    shown = page()
    assert shown.text("cloudfront-headline") == "Everything is delivered."
    assert shown.obstacles() == []
    assert shown.rows("cloudfront-work") == [
        [DISTRIBUTION, "Delivered", "0", "0", "0", "0"]
    ]
    assert "None yet." in shown.text("cloudfront-history")


def test_the_page_says_how_changes_are_purged(page):
    try:
        learn(**{DISTRIBUTION: ""})
        shown = page().text("cloudfront-way")
        assert f"because {DISTRIBUTION} does not read cache tags. Set" in shown
        learn(**{DISTRIBUTION: "cache-tag"})
        assert (
            page().text("cloudfront-way").startswith("Changes are purged by cache tag")
        )
        # What is wrong is among the checks
        learn(**{DISTRIBUTION: "x-tags"})
        assert page().text("cloudfront-way") is None
    finally:
        readers.forget()


def test_waiting_items_are_counted(page, process):
    process.outbox.release(
        "token", [Entry(DISTRIBUTION, "/a"), Entry(DISTRIBUTION, "/b")]
    )
    shown = page()
    assert shown.text("cloudfront-headline") == "Items on their way to CloudFront: 2."
    assert shown.rows("cloudfront-work") == [
        [DISTRIBUTION, "Sending", "2", "0", "0", "0"]
    ]


def test_an_accepted_invalidation_is_in_progress_and_then_completed(page, process):
    deliver(process, "/a", "/b", "/c", "/d", "/e")
    shown = page()
    assert shown.text("cloudfront-headline") == (
        "Everything is delivered, and CloudFront is removing the old copies."
    )
    (row,) = shown.rows("cloudfront-history")
    assert row[1:5] == [
        "/a /b /c and 2 more",
        "jane: /a",
        f"I1 {DISTRIBUTION}",
        "In progress",
    ]
    assert row[5] == "5"
    assert row[6].endswith(" s")
    assert row[7] == "—"

    (settled,) = process.outbox.in_progress(DISTRIBUTION)
    process.outbox.complete(settled, "Completed")
    shown = page()
    assert shown.text("cloudfront-headline") == "Everything is delivered."
    (row,) = shown.rows("cloudfront-history")
    assert row[4] == "Completed"
    assert row[7].endswith(" s")


def test_what_is_in_progress_has_a_bar_until_it_is_completed(page, process):
    deliver(process, "/a", "/b")
    shown = page()
    assert shown.text("cloudfront-in-progress").startswith("I1 Items: 2; accepted ")
    (bar,) = shown.tree.xpath("//*[@role='progressbar']")
    assert 0 <= int(bar.get("aria-valuenow")) <= 95
    assert bar.get("aria-label") == "I1"
    (settled,) = process.outbox.in_progress(DISTRIBUTION)
    process.outbox.complete(settled, "Completed")
    assert page().text("cloudfront-in-progress") is None


def test_what_counts_seconds_is_marked_so_that_it_is_not_said_aloud_again(
    page, process
):
    deliver(process, "/a")
    shown = page()
    marked = shown.tree.xpath("//*[@data-volatile]")
    assert "progressbar" in [each.get("role") for each in marked]
    in_cards = shown.tree.xpath("//*[@id='cloudfront-card-fresh']//*[@data-volatile]")
    assert in_cards


def test_the_items_that_aws_bills_this_month_are_counted(page, process):
    deliver(process, "/a", "/b")
    found = page()
    assert found.card("month").startswith("Items this month 2 Free of charge")
    assert found.rows("cloudfront-work")[0][-1] == "2"
    assert found.text("cloudfront-budget") is None


def test_what_is_used_is_shown_against_the_budget(page, process, configured):
    assert "budget" not in page().text("cloudfront-billed")
    configured["collective.cloudfront.monthly_budget"] = 50
    deliver(process, "/a")
    said = page().text("cloudfront-billed")
    assert said.startswith("The budget is 50 items a month.")


def test_a_budget_that_is_used_up_is_a_warning(page, process, configured):
    configured["collective.cloudfront.monthly_budget"] = 1
    deliver(process, "/a", "/b")
    warning = page().text("cloudfront-budget")
    assert "budget of 1 items is used up" in warning
    assert "Purging continues" in warning


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("cloudfront-banner", "on their way"),
        ("cloudfront-state", "on their way"),
        ("cloudfront-history", "None yet."),
    ],
)
def test_a_script_fetches_the_parts_that_change(
    configured, portal, process, view, words
):
    process.outbox.release("token", [Entry(DISTRIBUTION, "/a")])
    part = portal.restrictedTraverse(f"@@{view}")()
    assert words in part
    assert part.lstrip().startswith("<section")
    assert portal.REQUEST.response.getHeader("Cache-Control") == "no-store"


def test_a_paused_distribution_says_why_and_what_to_do(page, process):
    denied = Answer(
        Outcome.MISCONFIGURED,
        reason=plain("AccessDenied: no"),
        advice=plain("Allow purging."),
    )
    deliver(process, "/a", answers=[denied])
    shown = page()
    assert shown.text("cloudfront-headline") == (
        f"Purging is paused for {DISTRIBUTION}; nothing is lost, items kept: 1."
    )
    ((_, *cells),) = shown.rows("cloudfront-work")
    assert cells == ["Paused", "0", "1", "0", "0"]
    (said,) = shown.hindrances()
    assert said.startswith("AccessDenied: no. Allow purging. It is tried again in")
    assert "and at once when you save the settings." in said
    assert "Open the settings" in said
    assert "Test connection" in said


def test_the_reason_is_said_once(page, process):
    denied = Answer(
        Outcome.MISCONFIGURED, reason=plain("Denied!"), advice=plain("Allow it.")
    )
    deliver(process, "/a", answers=[denied])
    shown = " ".join(page().tree.xpath("//*[@id='content-core']")[0].itertext())
    assert shown.count("Denied!") == 1
    assert shown.count("Allow it.") == 1


def test_who_may_not_configure_is_told_whom_to_tell(page, portal, process):
    denied = Answer(
        Outcome.MISCONFIGURED, reason=plain("Denied!"), advice=plain("Allow it.")
    )
    deliver(process, "/a", answers=[denied])
    portal.manage_permission(MANAGE_PURGING, roles=[], acquire=0)
    (said,) = page().hindrances()
    assert said.endswith("Tell an administrator of this site.")


def test_a_throttled_distribution_says_when_it_goes_on(page, process):
    slow = Answer(
        Outcome.THROTTLED, reason=plain("Rate exceeded"), advice=plain("Nothing to do.")
    )
    deliver(process, "/a", answers=[slow])
    (said,) = page().hindrances()
    assert said.startswith("Rate exceeded. Nothing to do. It is tried again")
    assert "Open the settings" not in said


def test_a_distribution_that_waits_with_nothing_to_send_is_no_reason_to_worry(
    page, process
):
    until = time.time() + 60
    process.outbox.wait(
        DISTRIBUTION, reason=plain("no"), advice=NOTHING, paused=False, until=until
    )
    shown = page()
    assert shown.text("cloudfront-headline") == "Everything is delivered."
    assert shown.hindrances() == []


def test_refused_items_are_listed_with_the_reason(page, process):
    refused = Answer(Outcome.REFUSED_ITEMS, reason=plain("InvalidArgument: bad"))
    deliver(process, "/known")
    deliver(process, "/~a", answers=[refused] * CONFIRMED_REFUSALS)
    shown = page()
    assert [row[1:] for row in shown.rows("cloudfront-refused")] == [
        ["/~a", DISTRIBUTION, "InvalidArgument: bad", ANY]
    ]


def test_buttons_with_the_same_words_say_what_they_act_on(page, process):
    refused = Answer(Outcome.REFUSED_ITEMS, reason=plain("InvalidArgument: bad"))
    deliver(process, "/known")
    deliver(process, "/~a", answers=[refused] * CONFIRMED_REFUSALS)
    table = page().tree.get_element_by_id("cloudfront-refused")
    buttons = table.xpath(".//button | .//summary")
    assert {button.get("aria-label") for button in buttons} == {
        "Try again: /~a",
        "Discard…: /~a",
        "Discard this item: /~a",
    }


def test_an_item_is_discarded_only_after_a_question(page, process):
    refused = Answer(Outcome.REFUSED_ITEMS, reason=plain("InvalidArgument: bad"))
    deliver(process, "/known")
    deliver(process, "/~a", answers=[refused] * CONFIRMED_REFUSALS)
    (button,) = page().tree.xpath("//button[@name='discard']")
    (question,) = button.iterancestors("details")
    assert question.get("open") is None
    assert "never sent" in question.text_content()


def test_items_for_a_distribution_that_is_none_any_more_are_mentioned(page, process):
    process.outbox.release("token", [Entry("E2GONE", "/a")])
    assert "E2GONE" in page().tree.xpath("string(//*[contains(@class, 'orphan')])")


def test_what_other_sites_purge_is_not_shown(page, process, monkeypatch):
    targets = {name: Target(name) for name in (DISTRIBUTION, "E2OTHERSITE")}
    monkeypatch.setattr(process, "targets", lambda: targets)
    process.outbox.release("token", [Entry("E2OTHERSITE", "/secret")])
    shown = page()
    assert "E2OTHERSITE" not in shown.contents
    assert shown.text("cloudfront-headline") == "Everything is delivered."


def test_a_long_history_is_cut(page, process):
    for number in range(SHOWN + 3):
        process.outbox.claim(DISTRIBUTION, 60)
        process.outbox.release("token", [Entry(DISTRIBUTION, f"/{number}")])
        batch = process.outbox.freeze(DISTRIBUTION, f"r{number}", [f"/{number}"])
        process.outbox.settle(batch, f"I{number}")
    assert len(page().rows("cloudfront-history")) == SHOWN


# --- trouble with the outbox -----------------------------------------------------


def test_an_outbox_that_cannot_be_read_is_a_message_and_no_error_page(
    page, process, monkeypatch
):
    def fail(*arguments):
        raise OutboxUnavailable(f"disk I/O error {EVIL}")

    monkeypatch.setattr(process.outbox, "work", lambda most: fail())
    shown = page()
    assert shown.text("cloudfront-headline") == (
        "The outbox cannot be read, so the status is not known."
    )
    said = shown.text("cloudfront-unavailable")
    assert said.startswith(f"disk I/O error {EVIL}")
    assert "Check the disk" in said


def test_a_really_unusable_outbox_is_a_message_too(page, process, tmp_path):
    blocked = tmp_path / "a file and no folder"
    blocked.touch()
    process.outbox = open_outbox(f"sqlite:///{blocked}/outbox.sqlite")
    assert "Check the disk" in page().text("cloudfront-unavailable")


def test_items_in_memory_only_are_an_alarm(page, process, monkeypatch):
    def fail(*arguments):
        raise OutboxUnavailable("no space left on device")

    monkeypatch.setattr(process.outbox, "release", fail)
    process.intake.release("token", [Entry(DISTRIBUTION, "/a")])
    said = page().text("cloudfront-kept")
    assert said.startswith("no space left on device Free space on the disk")


# --- why nothing is purged -------------------------------------------------------


def test_purging_disabled_in_caching_is_said_with_the_way_there(
    page, configured, portal
):
    configured[PURGING_ENABLED] = False
    shown = page()
    (obstacle,) = shown.obstacles()
    assert obstacle.startswith("Purging is disabled in the Caching control panel.")
    assert shown.tree.xpath("//a[contains(., 'Enable purging')]/@href") == [
        f"{portal.absolute_url()}/@@caching-controlpanel"
    ]
    assert shown.text("cloudfront-headline") == "Nothing is purged."


def test_what_waits_where_nothing_is_purged_is_kept_and_not_tried(
    page, process, configured
):
    denied = Answer(
        Outcome.MISCONFIGURED, reason=plain("AccessDenied"), advice=plain("Allow it.")
    )
    deliver(process, "/a", answers=[denied])
    configured[PURGING_ENABLED] = False
    shown = page()
    assert shown.text("cloudfront-headline") == ("Nothing is purged; items kept: 1.")
    assert "tried again" not in shown.text("cloudfront-state")


def test_items_where_nothing_is_purged_are_not_said_to_be_on_their_way(
    page, process, configured
):
    process.outbox.release("token", [Entry(DISTRIBUTION, "/a")])
    configured[PURGING_ENABLED] = False
    ((_, state, *_),) = page().rows("cloudfront-work")
    assert state == "Kept"


def test_our_own_switch_being_off_is_said(page, configured):
    configured["collective.cloudfront.enabled"] = False
    (obstacle,) = page().obstacles()
    assert obstacle.startswith("“Purge from CloudFront” is off.")


def test_a_missing_distribution_is_said(page, configured):
    configured["collective.cloudfront.distribution_id"] = ""
    (obstacle,) = page().obstacles()
    assert obstacle.startswith("No distribution is set.")


def test_being_switched_off_in_the_environment_is_said(page, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_ENABLED", "false")
    (obstacle,) = page().obstacles()
    assert (
        "in the environment of this Zope process: CLOUDFRONT_ENABLED=false." in obstacle
    )


def test_a_distribution_emptied_in_the_environment_is_said(page, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_DISTRIBUTION_ID", "")
    (obstacle,) = page().obstacles()
    assert "CLOUDFRONT_DISTRIBUTION_ID=" in obstacle


def test_a_site_still_at_2_0_is_told_to_upgrade(page, configured):
    for name in list(configured.records):
        if name.startswith("collective.cloudfront."):
            del configured.records[name]
    shown = page()
    assert "this site has not" in shown.text("cloudfront-upgrade")
    assert shown.text("cloudfront-headline") is None


# --- what others wrote -----------------------------------------------------------


def test_everything_from_outside_is_escaped(page, process, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_AWS_PROFILE", EVIL)
    deliver(process, f"/{EVIL}")
    refused = Answer(Outcome.REFUSED_ITEMS, reason=plain(EVIL), advice=plain(EVIL))
    deliver(process, f"/refused{EVIL}", answers=[refused] * CONFIRMED_REFUSALS)
    paused = Answer(Outcome.MISCONFIGURED, reason=plain(EVIL), advice=plain(EVIL))
    deliver(process, "/paused", answers=[paused])
    process.outbox.release("token", [Entry(f"E{EVIL}", "/a")])
    shown = page()
    assert shown.contents.count("&lt;script&gt;alert(") >= 7
    assert "<script>alert(" not in shown.contents


# --- who may see it --------------------------------------------------------------


def test_a_person_reaches_it_from_site_setup(functional_portal, browser):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@overview-controlpanel")
    person.getLink("CloudFront", index=1).click()
    assert person.url.endswith("/@@cloudfront-controlpanel")
    assert (
        Page(person.contents).text("cloudfront-headline") == "Everything is delivered."
    )


def test_a_site_administrator_may_see_it(functional_portal, browser):
    api.user.grant_roles(username="test_user_1_", roles=["Site Administrator"])
    transaction.commit()
    person = browser(TEST_USER_NAME, TEST_USER_PASSWORD)
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-controlpanel")
    assert "cloudfront-headline" in person.contents


VIEWS = {
    "cloudfront-controlpanel": VIEW_STATUS,
    "cloudfront-settings": MANAGE_PURGING,
    "cloudfront-banner": VIEW_STATUS,
    "cloudfront-state": VIEW_STATUS,
    "cloudfront-history": VIEW_STATUS,
    "cloudfront-log": VIEW_STATUS,
    "cloudfront-history-csv": VIEW_STATUS,
    "cloudfront-invalidation": VIEW_STATUS,
    "cloudfront-purge-all": PURGE_EVERYTHING,
    "purge-cloudfront": PURGE_EVERYTHING,
    "cloudfront-purge": PURGE_EVERYTHING,
    "cloudfront-cancel": PURGE_EVERYTHING,
    "cloudfront-refused": MANAGE_PURGING,
    "cloudfront-test-connection": MANAGE_PURGING,
}


def is_refused(person, url):
    person.handleErrors = True
    person.raiseHttpErrors = False
    person.open(url)
    assert "cloudfront-headline" not in person.contents
    return "login" in person.url or "Insufficient Privileges" in person.contents


@pytest.mark.parametrize("view", list(VIEWS))
def test_editors_and_visitors_may_not(functional_portal, browser, view):
    api.user.create("e@example.com", "editor", "correct horse", roles=["Editor"])
    transaction.commit()
    url = f"{functional_portal.absolute_url()}/@@{view}"
    assert is_refused(browser(None), url)
    assert is_refused(browser("editor", "correct horse"), url)


@pytest.mark.parametrize("view", list(VIEWS))
def test_without_the_permission_not_even_a_manager_may(
    functional_portal, browser, view
):
    functional_portal.manage_permission(VIEWS[view], roles=[], acquire=0)
    transaction.commit()
    assert is_refused(browser(), f"{functional_portal.absolute_url()}/@@{view}")


def test_who_may_configure_but_not_purge_everything_sees_no_button(page, portal):
    assert "Purge all" in page().text("cloudfront-purge")
    portal.manage_permission(PURGE_EVERYTHING, roles=[], acquire=0)
    shown = page()
    assert "@@cloudfront-purge-all" not in shown.contents
    assert shown.text("cloudfront-headline") == "Everything is delivered."
