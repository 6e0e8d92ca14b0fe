"""Specification: people and programs that may see the status, and change nothing."""

from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from lxml import html
from plone import api
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import json
import pytest
import time
import transaction


PASSWORD = "correct horse"
PAGE = "@@cloudfront-controlpanel"
SETTINGS = "@@cloudfront-settings"


@pytest.fixture
def site(functional_portal, process):
    """Something is scheduled, refused and sent; caching needs somebody's attention."""
    registry = getUtility(IRegistry)
    registry["plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"] = (
        "http://127.0.0.1:9",
    )
    functional_portal.manage_permission(
        "plone.restapi: Use REST API", ["Anonymous"], acquire=1
    )
    transaction.commit()
    process.deliver()
    process.outbox.release("token", [Entry(DISTRIBUTION, "/refused")])
    process.outbox.claim(DISTRIBUTION, 60.0)
    batch = process.outbox.freeze(DISTRIBUTION, "reference", ["/refused"])
    process.outbox.quarantine(batch, plain("InvalidArgument: no"))
    purge = ManualPurge(functional_portal)
    purge.add_everything()
    purge.send("jane", "release", time.time() + 9999)
    transaction.commit()
    return functional_portal


@pytest.fixture
def somebody(site, browser):
    """Make a browser of somebody with these permissions, and no others of ours."""

    def make(*permissions):
        site._addRole("Chief")
        for permission in permissions:
            site.manage_permission(permission, ["Chief"], acquire=1)
        api.user.create("chief@example.com", "chief", PASSWORD, roles=["Chief"])
        transaction.commit()
        return browser("chief", PASSWORD)

    return make


@pytest.fixture
def viewer(somebody):
    return somebody(VIEW_STATUS)


def opened(person, site, view=PAGE):
    person.open(f"{site.absolute_url()}/{view}")
    return html.fromstring(person.contents)


def content(tree):
    (found,) = tree.xpath("//*[@id='content-core']")
    return found


def forms(tree):
    """Return where the forms in the page's content lead."""
    return [
        form.get("action").rpartition("@@")[2]
        for form in content(tree).iterfind(".//form")
    ]


def test_a_viewer_sees_the_status_the_checks_and_what_happened(site, viewer):
    tree = opened(viewer, site)
    for name in ("headline", "scheduled", "refused", "checks"):
        assert tree.xpath(f"//*[@id='cloudfront-{name}']"), name
    assert "release" in viewer.contents
    assert "@@cloudfront-log" in viewer.contents
    (title,) = opened(viewer, site, "@@cloudfront-log").xpath("//h1")
    assert title.text_content() == "History"


def test_a_viewer_sees_no_settings_and_no_button(site, viewer):
    tree = opened(viewer, site)
    assert forms(tree) == []
    assert content(tree).xpath(".//button | .//input") == []
    assert "cloudfront-settings" not in viewer.contents
    assert "cloudfront-purge-all" not in viewer.contents


def test_the_parts_that_a_script_keeps_current_have_none_either(site, viewer):
    for view in ("@@cloudfront-state", "@@cloudfront-history"):
        tree = opened(viewer, site, view)
        assert tree.xpath(".//form | .//button | .//input") == []


def test_a_viewer_is_not_led_to_what_is_for_others(site, viewer):
    getUtility(IRegistry)[
        "plone.cachepurging.interfaces.ICachePurgingSettings.enabled"
    ] = False
    getUtility(IRegistry)["collective.cloudfront.enabled"] = False
    transaction.commit()
    tree = opened(viewer, site)
    assert "Tell an administrator of this site." in viewer.contents
    links = [link.get("href") for link in content(tree).iterfind(".//a[@href]")]
    assert all("caching-controlpanel" not in link for link in links)
    assert all("#fieldset" not in link for link in links)


def test_who_configures_is_told_what_to_do(site, browser):
    getUtility(IRegistry)["collective.cloudfront.enabled"] = False
    transaction.commit()
    person = browser()
    links = [link.get("href") for link in opened(person, site).iterfind(".//a[@href]")]
    assert any(f"{SETTINGS}#fieldset-settings" in link for link in links)
    assert "Tell an administrator" not in person.contents


def test_buttons_are_shown_by_permission(site, somebody):
    person = somebody(VIEW_STATUS, PURGE_EVERYTHING)
    tree = opened(person, site)
    assert forms(tree) == ["cloudfront-cancel"]
    (button,) = content(tree).iterfind(".//button")
    said = button.get("aria-label")
    assert said.startswith("Cancel scheduled purge: /* ")
    assert "@@cloudfront-purge-all" in person.contents
    assert SETTINGS not in person.contents


def test_who_may_do_both_saves_the_settings(site, somebody):
    person = somebody(VIEW_STATUS, MANAGE_PURGING)
    opened(person, site, SETTINGS)
    person.getControl("Coalescing window").value = "7"
    person.getControl("Save").click()
    transaction.begin()
    assert getUtility(IRegistry)["collective.cloudfront.window"] == 7.0


def test_a_viewer_who_sends_the_form_all_the_same_changes_nothing(
    site, somebody, browser
):
    viewer = somebody(VIEW_STATUS, PURGE_EVERYTHING)
    token = opened(viewer, site).xpath("//*[@name='_authenticator']/@value")[0]
    viewer.handleErrors = True
    viewer.raiseHttpErrors = False
    for button in ("&form.buttons.save=Save", ""):
        viewer.post(
            f"{site.absolute_url()}/{SETTINGS}",
            f"_authenticator={token}&form.widgets.window=7.0{button}",
        )
        assert "Insufficient Privileges" in viewer.contents
    transaction.begin()
    assert getUtility(IRegistry)["collective.cloudfront.window"] == 0.0


def rest(person, site, path, body=None):
    url = f"{site.absolute_url()}/{path}"
    headers = {**person._req_headers, "Accept": "application/json"}
    if body is None:
        return person.testapp.get(url, headers=headers, expect_errors=True)
    headers["Content-Type"] = "application/json"
    text = json.dumps(body).encode()
    return person.testapp.post(url, text, headers=headers, expect_errors=True)


def test_monitoring_needs_no_other_permission(site, viewer):
    for path in ("", "/checks", "/scheduled", "/set-up"):
        answer = rest(viewer, site, f"@cloudfront{path}")
        assert answer.status_int == 200, path
        assert answer.json


def test_it_changes_nothing_over_rest(site, viewer):
    for name, body in (
        ("purge", {"all": True}),
        ("purge", {"paths": ["/a"]}),
        ("set-up", {"caching": True}),
        ("test-connection", {}),
    ):
        assert rest(viewer, site, f"@cloudfront/{name}", body).status_int == 401, name
    assert rest(viewer, site, "@controlpanels/cloudfront").status_int == 401
