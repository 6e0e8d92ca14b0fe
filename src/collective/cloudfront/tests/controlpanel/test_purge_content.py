""" "Purge from CloudFront", among the actions of an object."""

from plone import api
from plone.app.testing import TEST_USER_ID
from plone.app.testing import TEST_USER_NAME
from plone.app.testing import TEST_USER_PASSWORD
from zExceptions import Forbidden

import pytest
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
    assert '<code class="text-break">/folder/page*</code>' in editor.contents
    editor.getControl(name="reason").value = "new figures"
    editor.getControl("Purge", index=-1).click()
    assert editor.url == folder["page"].absolute_url()
    assert "Visitors see it new within seconds" in editor.contents
    assert process.deliver() == ["/folder/page*"]
    (action,) = process.outbox.actions(1)
    assert (action.user, action.reason) == (TEST_USER_ID, "new figures")


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
