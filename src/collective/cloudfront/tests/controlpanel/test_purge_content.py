""" "Purge from CloudFront", among the actions of an object."""

from AccessControl.Permission import Permission
from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from lxml.html import fromstring
from plone import api
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from urllib.error import HTTPError
from urllib.parse import urlencode
from zExceptions import Forbidden
from zExceptions import Unauthorized

import json
import pytest
import time
import transaction


VIEW = "@@cloudfront-purge-content"


@pytest.fixture
def folder(functional_portal, process):
    folder = api.content.create(functional_portal, "Folder", "folder", title="<b>F</b>")
    api.content.create(folder, "Document", "page")
    api.user.revoke_roles(username=TEST_USER_ID, roles=["Manager"])
    api.user.grant_roles(username=TEST_USER_ID, roles=["Editor"], obj=folder["page"])
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    return folder


@pytest.fixture
def editor(browser):
    return browser(TEST_USER_NAME, TEST_USER_PASSWORD)


def test_an_editor_finds_it_among_the_actions_and_purges_the_page(
    folder, editor, process
):
    editor.open(folder["page"].absolute_url())
    editor.getLink("Purge from CloudFront").click()
    assert seen(editor.contents, "/folder/page*") == ["cloudfront-items"]
    editor.getControl(name="reason").value = "new figures"
    editor.getControl("Purge", index=-1).click()
    assert editor.url.partition("?")[0] == folder["page"].absolute_url()
    assert "Visitors see the current page within seconds." in editor.contents
    assert process.deliver() == ["/folder/page*"]
    (request,) = process.outbox.requests(1)
    assert (request.user, request.reason) == (TEST_USER_ID, "new figures")


def test_a_folder_is_purged_with_all_below_where_that_is_wanted(
    folder, browser, process
):
    manager = browser()
    manager.open(f"{folder.absolute_url()}/{VIEW}")
    assert "<b>F</b>" not in manager.contents
    manager.getControl(name="below").value = ["1"]
    manager.getControl("Purge", index=-1).click()
    assert process.deliver() == ["/folder*"]


def test_who_may_not_is_refused(folder, editor, process):
    editor.handleErrors = True
    editor.raiseHttpErrors = False
    editor.open(f"{folder.absolute_url()}/{VIEW}")
    assert "cloudfront-purge-content" not in editor.contents
    assert "Insufficient Privileges" in editor.contents


def test_a_post_without_authenticator_is_forbidden(folder, editor, process):
    with pytest.raises(Forbidden):
        editor.post(f"{folder['page'].absolute_url()}/{VIEW}", "send=1")
    assert process.deliver() == []


def test_a_site_that_does_not_purge_says_so(folder, editor):
    api.portal.set_registry_record("collective.cloudfront.enabled", False)
    transaction.commit()
    editor.open(f"{folder['page'].absolute_url()}/{VIEW}")
    assert "does not purge from CloudFront" in editor.contents


# --- what becomes of it ----------------------------------------------------------


@pytest.fixture
def purged(folder, editor):
    """An editor who has just purged the page."""
    editor.open(f"{folder['page'].absolute_url()}/{VIEW}")
    editor.getControl("Purge", index=-1).click()
    return editor


def seen(contents, item):
    """Return what a person must open (the ids of details) to see an item."""
    tree = fromstring(contents)
    found = tree.xpath("//*[@id='content' or @id='cloudfront-purged']//text()")
    return [
        next((each.get("id") for each in text.getparent().iterancestors("details")), "")
        for text in found
        if item in text
    ]


def told(contents):
    found = fromstring(contents).xpath("//*[@id='cloudfront-purged']")
    return " ".join(found[0].text_content().split()) if found else None


def test_the_page_says_how_far_cloudfront_is_until_it_is_fresh(purged, process):
    assert told(purged.contents).startswith("Visitors may still see the old page.")
    process.deliver()
    purged.reload()
    assert told(purged.contents).startswith("CloudFront is removing the old page")
    for settled in process.outbox.in_progress(DISTRIBUTION):
        process.outbox.complete(settled, "Completed")
    purged.reload()
    assert told(purged.contents).startswith("Visitors now see the current page.")


def test_what_is_in_memory_only_is_not_fresh(purged, process, monkeypatch):
    process.deliver()
    for settled in process.outbox.in_progress(DISTRIBUTION):
        process.outbox.complete(settled, "Completed")

    def fail(*arguments):
        raise OutboxUnavailable("database is locked")

    with monkeypatch.context() as locked:
        locked.setattr(process.outbox, "release", fail)
        process.intake.release("token", [Entry(DISTRIBUTION, "/folder/page*")])
    purged.reload()
    assert told(purged.contents).startswith("The outbox cannot be used now, so this")


def test_a_script_asks_for_the_sentence_alone(purged, folder):
    (part,) = fromstring(purged.contents).xpath("//*[@data-refresh]")
    assert part.get("aria-live") == "polite"
    purged.open(part.get("data-refresh"))
    assert purged.headers["Cache-Control"] == "no-store"
    assert "<h1" not in purged.contents
    assert told(purged.contents).startswith("Visitors may still see the old page.")
    assert seen(purged.contents, "/folder/page*") == ["cloudfront-purged-details"]


def test_visitors_are_told_nothing(purged, browser):
    visitor = browser(None)
    visitor.open(purged.url)
    assert told(visitor.contents) is None
    visitor.handleErrors = True
    visitor.raiseHttpErrors = False
    visitor.open(purged.url.replace("?", "/@@cloudfront-purged?"))
    assert told(visitor.contents) is None


@pytest.mark.parametrize("moment", ["", "now", "nan", "1", "1e12", "-1", "inf"])
def test_an_old_or_strange_moment_is_no_reason_to_tell_anything(folder, editor, moment):
    url = f"{folder['page'].absolute_url()}?cloudfront-purged={moment}"
    editor.open(url)
    assert told(editor.contents) is None


# --- what is selected in a folder's contents -------------------------------------


def select(person, folder, *pages, **form):
    """Do what Plone's pat-structure does."""
    person.open(f"{folder.absolute_url()}/folder_contents")
    token = fromstring(person.contents).xpath("//input[@name='_authenticator']/@value")
    form = {
        "_authenticator": token[0] if token else "",
        "folder": "/folder",
        "selection": json.dumps([page.UID() for page in pages]),
        **form,
    }
    person.post(f"{folder.absolute_url()}/@@fc-cloudfront-purge", urlencode(form))
    return json.loads(person.contents)


@pytest.fixture
def manager(browser):
    return browser()


def buttons(person, folder):
    person.open(f"{folder.absolute_url()}/folder_contents")
    (options,) = fromstring(person.contents).xpath("//@data-pat-structure")
    return {each["id"]: each for each in json.loads(options)["buttons"]}


def test_it_is_a_button_of_the_folder_contents(folder, manager):
    button = buttons(manager, folder)["cloudfront-purge"]
    assert button["tooltip"] == "Purge from CloudFront"
    assert button["url"] == f"{folder.absolute_url()}/@@fc-cloudfront-purge"
    assert "Including everything below" in button["form"]["template"]


def test_what_is_selected_is_purged_together(folder, manager, process):
    other = api.content.create(folder, "Document", "zebra")
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    answer = select(manager, folder, folder["page"], other)
    assert answer == {
        "status": "success",
        "msg": "Visitors see the current pages within seconds.",
    }
    assert process.deliver() == ["/folder/page*", "/folder/zebra*"]
    assert len(process.gateway.batches) == 1
    assert len(process.outbox.requests(9)) == 1


def test_all_below_is_purged_where_that_is_wanted(
    functional_portal, folder, manager, process
):
    manager.open(functional_portal.absolute_url())
    answer = select(manager, folder, folder, below="1")
    assert answer["status"] == "success"
    assert process.deliver() == ["/folder*"]


def test_what_somebody_may_not_purge_is_left_out_and_said(folder, browser, process):
    api.user.create("c@example.com", "colleague", "correct horse")
    api.user.grant_roles(username="colleague", roles=["Editor"], obj=folder)
    Permission(PURGE_CONTENT, (), folder["page"]).setRoles(("Manager",))
    transaction.commit()
    colleague = browser("colleague", "correct horse")
    answer = select(colleague, folder, folder["page"])
    assert answer["status"] == "warning"
    assert "Permission denied" in answer["msg"]
    assert process.deliver() == []
    assert process.outbox.requests(9) == []


def test_where_nothing_is_purged_that_is_said(folder, manager, process):
    api.portal.set_registry_record("collective.cloudfront.enabled", False)
    transaction.commit()
    answer = select(manager, folder, folder["page"])
    assert answer["status"] == "warning"
    assert "does not purge from CloudFront" in answer["msg"]


def test_selected_without_authenticator_is_forbidden(folder, manager, process):
    with pytest.raises((Forbidden, Unauthorized, HTTPError)):
        select(manager, folder, folder["page"], _authenticator="wrong")
    assert process.deliver() == []


def test_what_no_distribution_serves_is_neither_purged_nor_called_fresh(
    folder, browser, process
):
    with suspending():
        api.portal.set_registry_record(
            "collective.cloudfront.distribution_id", f"{DISTRIBUTION}/elsewhere"
        )
        api.content.create(api.portal.get(), "Folder", "elsewhere")
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    person = browser()
    person.open(f"{folder['page'].absolute_url()}/{VIEW}")
    person.getControl("Purge", index=-1).click()
    assert "Nothing was purged because no distribution serves" in person.contents
    assert process.deliver() == []
    moment = urlencode({"cloudfront-purged": time.time()})
    person.open(f"{folder['page'].absolute_url()}?{moment}")
    assert "Visitors now see" not in person.contents
