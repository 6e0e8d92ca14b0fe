"""Nobody has anything purged or changed by mistake, by a link, or without permission.

Our views and REST services are found among the registrations: what is added is covered
here without a change, and only its permission is to be written down.
"""

from collections.abc import Iterator
from collective.cloudfront.alerts import trial
from collective.cloudfront.api.post import ACTIONS
from collective.cloudfront.controlpanel import connection
from collective.cloudfront.controlpanel.purged import PURGED
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.outcomes import CONFIRMED_REFUSALS
from collective.cloudfront.interfaces import ICloudFrontLayer
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PERMISSIONS
from collective.cloudfront.interfaces import PURGE_CONTENT
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.testing import DISTRIBUTION
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from lxml import html
from plone import api
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.registry.interfaces import IRegistry
from plone.rest.interfaces import IService
from typing import Any
from urllib.parse import urlencode
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.interface import Interface

import json
import pytest
import sqlite3
import time
import transaction


OURS = "collective.cloudfront."
#: No permission: the view itself decides what it tells.
PUBLIC = "Public"
#: What every view and service asks for. The POST service asks for more, which depends on
#: what is to be done: see ``tests/api``.
ASKED = {
    "cloudfront-controlpanel": VIEW_STATUS,
    "cloudfront-banner": VIEW_STATUS,
    "cloudfront-settings": MANAGE_PURGING,
    "cloudfront-lifetimes": "Manage portal",
    "cloudfront-state": VIEW_STATUS,
    "cloudfront-history": VIEW_STATUS,
    "cloudfront-log": VIEW_STATUS,
    "cloudfront-history-csv": VIEW_STATUS,
    "cloudfront-invalidation": VIEW_STATUS,
    "cloudfront-check-act": MANAGE_PURGING,
    "cloudfront-refused": MANAGE_PURGING,
    "cloudfront-test-connection": MANAGE_PURGING,
    "cloudfront-test-alert": MANAGE_PURGING,
    "cloudfront-purge-all": PURGE_EVERYTHING,
    "purge-cloudfront": PURGE_EVERYTHING,
    "cloudfront-purge": PURGE_EVERYTHING,
    "cloudfront-cancel": PURGE_EVERYTHING,
    "cloudfront-purge-content": PURGE_CONTENT,
    "cloudfront-purged": PURGE_CONTENT,
    "fc-cloudfront-purge": PURGE_CONTENT,
    "cloudfront-health": PUBLIC,
    "cloudfront-metrics": PUBLIC,
    "cloudfront-slack": PUBLIC,
    "caching-controlpanel-purge": "Manage portal",
    "plone.cachepurging.purge": "plone.cachepurging: Manually purge objects",
    "GET @cloudfront": VIEW_STATUS,
    "POST @cloudfront": "View",
    "DELETE @cloudfront": PURGE_EVERYTHING,
}
#: Views that only show something: they do nothing by POST either, and need not refuse it.
READERS = {
    "cloudfront-controlpanel",
    "cloudfront-banner",
    "cloudfront-state",
    "cloudfront-history",
    "cloudfront-log",
    "cloudfront-history-csv",
    "cloudfront-invalidation",
    "cloudfront-purged",
    "cloudfront-health",
    "cloudfront-metrics",
    "purge-cloudfront",
    # By a link it purges nothing from CloudFront
    "plone.cachepurging.purge",
}

#: What asks for a signature instead, see ``tests/slack``. Without settings there is nothing.
SIGNED = {"cloudfront-slack"}

#: What a person may have typed into a form.
TYPED = {
    "lines": "/a\n/b*",
    "urls:lines": "/a",
    "section": "/folder",
    "reason": "why",
    "at": "",
}


# --- what there is -----------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A view of ours, or a REST service, whose name begins with its method then."""

    name: str
    required: Any
    is_service: bool

    def url(self, *contexts: Any) -> str:
        """Return where it is: at the first of ``contexts`` that it is for."""
        context = next(each for each in contexts if self.required.providedBy(each))
        name = self.name.partition(" ")[2] if self.is_service else f"@@{self.name}"
        return f"{context.absolute_url()}/{name}"


def registered() -> Iterator[View]:
    """Yield all views and services that are ours, or for our layer."""
    seen = set()
    for registry in (getGlobalSiteManager(), *getGlobalSiteManager().__bases__):
        for each in registry.registeredAdapters():
            if is_ours(each) and len(each.required) == 2 and each.name not in seen:
                seen.add(each.name)
                yield as_view(each)


def is_ours(registration: Any) -> bool:
    classes = getattr(registration.factory, "__mro__", (type(registration.factory),))
    modules = [f"{each.__module__}." for each in classes]
    return (
        registration.provided is Interface
        and bool(registration.name)
        and not any(f"{OURS}tests." in module for module in modules)
        and (
            ICloudFrontLayer in registration.required
            or any(module.startswith(OURS) for module in modules)
        )
    )


def as_view(registration: Any) -> View:
    name, factory = registration.name, registration.factory
    is_service = IService.implementedBy(factory)
    if is_service:
        name = f"{factory.method} {name[name.index('@') :]}"
    return View(name, registration.required[0], is_service)


def test_it_is_written_down_what_every_view_and_service_asks_for(functional_portal):
    assert {view.name for view in registered()} == ASKED.keys()


# --- a site where there is something to do everywhere ------------------------------


@pytest.fixture
def folder(functional_portal):
    return api.content.create(functional_portal, "Folder", "folder")


@pytest.fixture
def site(functional_portal, folder, process, monkeypatch):
    """Something waits, is scheduled, refused and settled; a check offers a button."""
    registry = getUtility(IRegistry)
    registry["plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"] = (
        "http://127.0.0.1:9",
    )
    functional_portal.manage_permission(
        "plone.restapi: Use REST API", ["Anonymous"], acquire=1
    )
    transaction.commit()
    process.deliver()
    refused = Answer(Outcome.REFUSED_ITEMS, reason=plain("InvalidArgument: no"))
    process.gateway.answers.extend([refused] * CONFIRMED_REFUSALS)
    process.outbox.release("token", [Entry(DISTRIBUTION, "/refused")])
    while process.gateway.answers:
        process.outbox.resume()
        process.courier.round()
    purge = ManualPurge(functional_portal)
    purge.add_everything()
    purge.send("jane", "release", time.time() + 9999)
    transaction.commit()
    process.outbox.release("token", [Entry(DISTRIBUTION, "/waiting")])
    # AWS is asked for nothing here; that it would be is a change, too.
    process.asked = []
    monkeypatch.setattr(
        connection,
        "test_connection",
        lambda *each, **rest: process.asked.append(each) or [],
    )
    # Nor is an alert sent to anybody
    registry["collective.cloudfront.alert_emails"] = "ops@example.com"
    transaction.commit()
    monkeypatch.setattr(trial, "send", lambda *each: process.asked.append(each))
    return functional_portal


@pytest.fixture
def urls(site, folder):
    """Where our views are, without services, by name."""
    return {
        view.name: view.url(site, folder)
        for view in registered()
        if not view.is_service
    }


@pytest.fixture
def snapshot(site, process):
    """Return everything that may change: it is compared with what is later.

    The registry, as all content, is in the database: nothing of it changes without a
    transaction.
    """

    def take():
        transaction.begin()
        with closing(sqlite3.connect(process.outbox.path)) as db:
            tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            outbox = {
                name: sorted(map(repr, db.execute(f"SELECT * FROM {name}")))
                for (name,) in tables.fetchall()
            }
        return {
            "outbox": outbox,
            "kept": process.intake.kept,
            "asked AWS": len(process.gateway.batches) + len(process.asked),
            "transaction": site._p_jar.db().lastTransaction(),
        }

    return take


@dataclass(frozen=True)
class Form:
    """A form on one of our pages: where it leads, and all that it can send."""

    action: str
    fields: tuple[tuple[str, str], ...]

    @property
    def view(self) -> str:
        return self.action.rpartition("/")[2].removeprefix("@@")

    def data(self, **more: str) -> str:
        sent = {**dict(self.fields), **more}
        return urlencode(
            {name: value for name, value in sent.items() if value is not None}
        )


@pytest.fixture
def forms(urls, folder, person):
    """All forms on our pages that lead to views of ours that change something."""
    selected = {"selection": json.dumps([folder.UID()]), "below": "1"}
    made_by_script = Form(urls["fc-cloudfront-purge"], tuple(selected.items()))
    found = {made_by_script.action: made_by_script}
    for url in urls.values():
        person.open(url)
        for form in html.fromstring(person.contents or "<p/>").iterfind(".//form"):
            made = Form(form.get("action") or "", tuple(fields_of(form)))
            if made.view in urls and made.view not in READERS:
                found.setdefault(made.action, made)
    return list(found.values())


def fields_of(form: Any) -> Iterator[tuple[str, str]]:
    for field in form.xpath(".//input | .//textarea | .//button | .//select"):
        name = field.get("name")
        if name and name != "_authenticator":
            chosen = field.xpath(".//option[@selected]/@value")
            value = "".join(chosen) or field.get("value") or (field.text or "").strip()
            yield name, TYPED.get(name, value)


def token_of(person: Any, url: str) -> str:
    """Return an authenticator that is valid for this person."""
    person.open(url)
    return html.fromstring(person.contents).xpath("//*[@name='_authenticator']/@value")[
        0
    ]


def status(person: Any) -> str:
    return person.headers["Status"].split()[0]


@pytest.fixture
def person(browser):
    """A Manager, who sees what went wrong as an answer."""
    made = browser()
    made.raiseHttpErrors = False
    made.handleErrors = True
    return made


# --- by POST -----------------------------------------------------------------------


def test_the_forms_that_change_something_are_found(forms):
    assert {form.view for form in forms} >= {
        "cloudfront-settings",
        "cloudfront-purge-all",
        "cloudfront-purge",
        "cloudfront-purge-content",
        "fc-cloudfront-purge",
        "cloudfront-cancel",
        "cloudfront-refused",
        "cloudfront-check-act",
        "cloudfront-test-connection",
        "cloudfront-test-alert",
    }


def test_what_they_send_changes_something_with_an_authenticator(
    forms, urls, person, snapshot
):
    """Or the tests below would find nothing, whatever happened."""
    token = token_of(person, urls["cloudfront-purge-all"])
    for form in forms:
        before = snapshot()
        window = {"form.widgets.window": "7", "form.buttons.cancel": None}
        person.post(form.action, form.data(_authenticator=token, **window))
        assert status(person) == "200", form.view
        assert snapshot() != before, form.view


def test_a_post_without_a_valid_authenticator_is_refused_and_changes_nothing(
    forms, urls, person, snapshot
):
    all_fields = {name: value for form in forms for name, value in form.fields}
    before = snapshot()
    for name, url in urls.items():
        own = next((form for form in forms if form.view == name), Form(url, ()))
        everything = Form(url, tuple(all_fields.items()))
        for form, authenticator in product(
            (own, everything, Form(url, ())), (None, "", "0" * 40)
        ):
            person.post(url, form.data(_authenticator=authenticator))
            if name in READERS:
                assert status(person) in ("200", "204", "403", "404"), name
            elif name in SIGNED:
                assert status(person) == "404", name
            else:
                assert status(person) == "403", name
            assert snapshot() == before, name


# --- by GET ------------------------------------------------------------------------


@pytest.mark.parametrize("authentic", [False, True])
def test_a_get_changes_nothing_whatever_is_in_the_query_string(
    forms, urls, site, folder, person, snapshot, authentic
):
    token = token_of(person, urls["cloudfront-purge-all"]) if authentic else None
    all_fields = {name: value for form in forms for name, value in form.fields}
    for url in urls.values():  # what is only made once, such as keys of tokens
        person.open(url)
    before = snapshot()
    shown = {**urls, "": site.absolute_url(), "folder": folder.absolute_url()}
    for name, url in shown.items():
        own = next((form for form in forms if form.view == name), Form(url, ()))
        for form in (own, Form(url, tuple(all_fields.items()))):
            more = {"_authenticator": token, PURGED: str(time.time() - 1)}
            person.open(f"{url}?{form.data(**more)}")
            assert snapshot() == before, name


# --- REST --------------------------------------------------------------------------

EVERYTHING = json.dumps({"all": True})
#: What a page of another site can have a browser send without asking Plone first.
SIMPLE = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; x=application/json",
    "",
)


@pytest.fixture
def logged_in(site, browser):
    """Somebody who is logged in with a cookie, as people are."""
    person = browser(None)
    person.handleErrors = True
    person.raiseHttpErrors = False
    person.open(f"{site.absolute_url()}/login")
    person.getControl(name="__ac_name").value = SITE_OWNER_NAME
    person.getControl(name="__ac_password").value = SITE_OWNER_PASSWORD
    person.getControl("Log in").click()
    assert any(name.startswith("__ac") for name in person.cookies)
    return person


def rest_urls(site):
    """Return URLs that a cross-site form may lead to: services that take a POST."""
    url = site.absolute_url()
    yield from (f"{url}/@controlpanels/cloudfront{below}" for below in ("", "/x"))
    for view in registered():
        if view.name.startswith("POST "):
            for below in ("", *(f"/{name}" for name in ACTIONS)):
                yield f"{view.url(site)}{below}"


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_page_of_another_site_can_do_nothing_by_rest(site, logged_in, snapshot, kind):
    """With the person's cookies, and with every header that needs no preflight."""
    bodies = (
        EVERYTHING,
        json.dumps({"enabled": False, "window": 7.0}),
        urlencode({"all": "1", "form.widgets.window": "7"}),
        '{"all": true, "reason": "=',  # text/plain forms send name=value
        json.dumps({"caching": True, "purging": False}),
        "{}",
    )
    before = snapshot()
    for url in rest_urls(site):
        for address in (url, url.replace("/plone/", "/plone/++api++/")):
            for body in bodies:
                answer = logged_in.testapp.post(
                    address,
                    body.encode(),
                    headers={
                        **({"Content-Type": kind} if kind else {}),
                        "Accept": "application/json",
                        "Cookie": logged_in.cookies.header,
                        "Origin": "https://evil.example",
                    },
                    expect_errors=True,
                )
                assert answer.status_int >= 400, (address, answer)
            assert snapshot() == before, address


def test_the_same_with_the_type_that_needs_a_preflight_purges(site, logged_in, process):
    """Or the test above would find nothing, whatever happened."""
    answer = logged_in.testapp.post(
        f"{site.absolute_url()}/@cloudfront/purge",
        EVERYTHING.encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Cookie": logged_in.cookies.header,
        },
    )
    assert answer.json["items"] == ["/*"]


def test_somebody_with_a_cookie_sets_up_caching_with_that_type(site, logged_in):
    """As scripts on Plone's own pages may."""
    logged_in.testapp.post(
        f"{site.absolute_url()}/@cloudfront/set-up",
        json.dumps({"caching": True}).encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Cookie": logged_in.cookies.header,
        },
    )
    transaction.begin()
    assert getUtility(IRegistry)["plone.caching.interfaces.ICacheSettings.enabled"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_browsers_are_not_allowed_to_send_it_for_another_site(site, logged_in, method):
    for url in rest_urls(site):
        answer = logged_in.testapp.options(
            url,
            headers={
                "Origin": "https://evil.example",
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "content-type",
                "Cookie": logged_in.cookies.header,
            },
            expect_errors=True,
        )
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_get_by_rest_changes_nothing(site, logged_in, snapshot):
    before = snapshot()
    query = urlencode({"all": "true", "path": "/folder", "window": "7"})
    for url in rest_urls(site):
        for address in (url, url.replace("/plone/", "/plone/++api++/")):
            logged_in.open(f"{address}?{query}")
            assert snapshot() == before, address


# --- who may -----------------------------------------------------------------------

#: Who has which of our permissions. The last four have a role for one alone.
PEOPLE = {
    "nobody": set(),
    "member": set(),
    "editor": {PURGE_CONTENT},
    "reviewer": {PURGE_CONTENT},
    "administrator": set(PERMISSIONS),
    "configures": {MANAGE_PURGING},
    "sees-the-status": {VIEW_STATUS},
    "purges-everything": {PURGE_EVERYTHING},
    "purges-content": {PURGE_CONTENT},
}
ROLES = {
    "editor": "Editor",
    "reviewer": "Reviewer",
    "administrator": "Site Administrator",
}
PASSWORD = "correct horse"


@pytest.fixture
def somebody(site, browser):
    """Make a browser of one of the people."""

    def make(name):
        if name == "nobody":
            return browser(None)
        api.user.create(f"{name}@example.com", name, PASSWORD)
        role = ROLES.get(name)
        if role is None and PEOPLE[name]:
            site._addRole(role := name)
            (permission,) = PEOPLE[name]
            site.manage_permission(permission, [role], acquire=1)
        if role:
            api.user.grant_roles(username=name, roles=[role])
        transaction.commit()
        return browser(name, PASSWORD)

    return make


def has(name: str, permission: str, obj: Any) -> bool:
    if permission == PUBLIC:
        return True
    if name == "nobody":
        return permission == "View"
    return api.user.has_permission(permission, username=name, obj=obj)


def deleted(person: Any, url: str) -> Any:
    headers = dict(person._req_headers)
    return person.testapp.delete(url, headers=headers, expect_errors=True)


def may(person: Any, view: View, url: str) -> bool:
    """Say whether a view is shown to a person, or says that it wants a POST."""
    if view.is_service:
        person.addHeader("Accept", "application/json")
    person.raiseHttpErrors = False
    person.handleErrors = True
    if view.name.startswith("POST "):
        person.post(f"{url}/purge", "{}", "application/json")
    elif view.name.startswith("DELETE "):
        return deleted(person, f"{url}/scheduled/none").status_int == 404
    else:
        person.open(url)  # 403 where it is by POST only
    assert not status(person).startswith("5"), person.contents
    return not (
        status(person) == "401"
        or "/login" in person.url
        or "Insufficient Privileges" in str(person.contents)
    )


@pytest.mark.parametrize("name", list(PEOPLE))
def test_who_may_use_what(site, folder, somebody, name):
    person = somebody(name)
    others = set(ASKED.values()) - set(PERMISSIONS)
    granted = PEOPLE[name] | {each for each in others if has(name, each, folder)}
    found = {
        view.name: may(person, view, view.url(site, folder)) for view in registered()
    }
    assert found == {view: asked in granted for view, asked in ASKED.items()}


@pytest.mark.parametrize("name", list(PEOPLE))
def test_who_may_have_what_purged_by_rest(site, folder, somebody, process, name):
    person = somebody(name)
    person.raiseHttpErrors = False
    person.handleErrors = True
    person.addHeader("Accept", "application/json")
    for body, permission in (
        ({"all": True}, PURGE_EVERYTHING),
        ({"paths": ["/a"]}, PURGE_EVERYTHING),
        ({"path": "/folder"}, PURGE_CONTENT),
    ):
        person.post(
            f"{site.absolute_url()}/@cloudfront/purge",
            json.dumps({**body, "dry_run": True}),
            "application/json",
        )
        wanted = "200" if permission in PEOPLE[name] else "401"
        assert status(person) == wanted, body


# --- where it leads ----------------------------------------------------------------

ELSEWHERE = "https://evil.example/"


def test_nobody_is_led_to_another_site(forms, urls, site, person):
    """Whatever a link, a form or a Referer says."""
    token = token_of(person, urls["cloudfront-purge-all"])
    names = (
        "came_from",
        "next",
        "page_url",
        "referer",
        "return_url",
        "url",
        "orig_url",
    )
    lures = {**dict.fromkeys(names, ELSEWHERE), "HTTP_REFERER": ELSEWHERE}
    person.addHeader("Referer", ELSEWHERE)
    person.followRedirects = False
    led = 0
    for url in urls.values():
        person.open(f"{url}?{urlencode(lures)}")
        led += leads_home(person, site)
    for form in forms:
        person.post(form.action, form.data(_authenticator=token, **lures))
        led += leads_home(person, site)
    assert led >= 5


def leads_home(person: Any, site: Any) -> bool:
    assert ELSEWHERE not in str(person.contents).replace(f'value="{ELSEWHERE}"', "")
    location = person.headers.get("Location")
    assert location is None or location.startswith(f"{site.absolute_url()}")
    return location is not None


BREAKS = ("\r\n", "\n", "\r", "\0", "\x85", "\u2028")


@pytest.mark.parametrize("line_break", BREAKS)
def test_no_line_break_gets_into_the_headers(forms, urls, site, person, line_break):
    token = token_of(person, urls["cloudfront-purge-all"])
    forged = f"/a{line_break}X-Evil: 1{line_break}{line_break}<p>"
    person.followRedirects = False
    for form in forms:
        fields = {name: forged for name, _ in form.fields if "buttons" not in name}
        # What is selected in folder contents is JSON that Plone reads
        fields |= {"at": "", "selection": "[]", "_authenticator": token}
        person.post(form.action, form.data(**fields))
        assert "X-Evil" not in person.headers
        assert int(status(person)) < 500, form
    person.addHeader("Accept", "application/json")
    for body in (
        {"paths": [forged]},
        {"path": forged},
        {"all": True, "reason": forged},
    ):
        address = f"{site.absolute_url()}/@cloudfront/purge"
        person.post(address, json.dumps(body), "application/json")
        assert "X-Evil" not in person.headers
        assert int(status(person)) < 500, body
