"""The documentation's HTTP examples are performed, over HTTP, and must be true.

``HTTP_EXAMPLES=write make test ARGS="-k http_examples"`` writes the answers anew where
they differ.
"""

from collective.cloudfront.alerts import trial
from collective.cloudfront.api import set_up
from collective.cloudfront.controlpanel import connection
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.outcomes import CONFIRMED_REFUSALS
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.changes import Kind
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import UNKNOWN
from collective.cloudfront.process import this_process
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.api.examples import ask
from collective.cloudfront.tests.api.examples import Example
from collective.cloudfront.tests.api.examples import later
from collective.cloudfront.tests.api.examples import Message
from collective.cloudfront.tests.api.examples import names_in
from collective.cloudfront.tests.api.examples import VARIABLE
from dataclasses import replace
from datetime import datetime
from datetime import timezone
from pathlib import Path
from plone import api
from plone.app.testing import applyProfile
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.registry.interfaces import IRegistry
from Products.SiteAccess.VirtualHostMonster import manage_addVirtualHostMonster
from zope.component import getUtility

import json
import os
import pytest
import re
import shutil
import subprocess
import sys
import transaction
import uuid


DISTRIBUTION = "E2QWRUHAPOMQZL"
PASSWORD = "secret"
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ACCEPTED = ("I2J0I21PCUYOIK", "I3K5EXAMPLE7QX", "I1JQEZB5T0QX9G")
DENIED = Answer(
    Outcome.MISCONFIGURED,
    reason=message(
        "refused",
        error="AccessDenied: User: arn:aws:sts::123456789012:assumed-role/plone/i-0abc "
        "is not authorized to perform: cloudfront:CreateInvalidation",
    ),
    advice=message("advice_denied", operation="CreateInvalidation"),
)
REFUSED = Answer(
    Outcome.REFUSED_ITEMS,
    reason=plain(
        "InvalidArgument: Your request contains one or more invalid invalidation paths."
    ),
)


#: The id of a scheduled purge.
SCHEDULED = "5e0cb1f8a3d94c0fb7d1f7d1c1b3a2e4"
ARN = "arn:aws:sts::123456789012:assumed-role/plone/i-0abc"
#: By the connection test.
FOUND = [
    Finding("credentials", Level.OK, "credentials_machine", {"key": "MPLE"}),
    Finding("identity", Level.OK, "identity", {"arn": ARN}),
    Finding(
        "permission_create",
        Level.ERROR,
        "denied",
        {"action": "cloudfront:CreateInvalidation", "reason": "AccessDenied"},
    ),
    Finding(
        "cache_tags",
        Level.WARNING,
        "cache_tags_missing",
        {"wanted": "Cache-Tag"},
        (Edit(Kind.DISTRIBUTION, ("CacheTagConfig", "HeaderName"), "Cache-Tag"),),
        "E2QWRUHAPOMQZL",
    ),
]


def docs(config) -> Path:
    """The documentation, in a checkout and in an sdist; tox tests a wheel in one."""
    return config.rootpath / "docs"


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        folder = docs(metafunc.config) / "http-examples"
        names = names_in(folder) if folder.exists() else []
        metafunc.parametrize("name", names)


@pytest.fixture
def documentation(request) -> Path:
    folder = docs(request.config)
    if not folder.exists():
        pytest.skip("docs/ is only in a checkout")
    return folder


# --- the site of the examples ------------------------------------------------------


@pytest.fixture
def site(server_session, server):
    """A site as the documentation tells of it: people, content, and nothing purged."""
    portal = server["portal"]
    setRoles(portal, TEST_USER_ID, ["Manager"])
    applyProfile(portal, "plone.restapi:default")
    manage_addVirtualHostMonster(server["app"], "virtual_hosting")
    registry = getUtility(IRegistry)
    registry["plone.cachepurging.interfaces.ICachePurgingSettings.domains"] = (
        "https://www.example.com",
    )
    news = api.content.create(portal, "Folder", "news")
    portal._addRole("Deployer")
    portal.manage_permission(
        PURGE_EVERYTHING, ["Deployer", "Manager", "Site Administrator"], acquire=1
    )
    for name, roles in (
        ("anna", ["Manager"]),
        ("jane", ["Site Administrator"]),
        ("deployer", ["Deployer"]),
        ("eddie", []),
    ):
        portal.acl_users.source_users.addUser(name, name, PASSWORD)
        for role in roles:
            portal.acl_users.portal_role_manager.assignRoleToPrincipal(role, name)
    news.manage_setLocalRoles("eddie", ["Editor"])
    news.reindexObjectSecurity()
    transaction.commit()
    use_distributions(DISTRIBUTION)
    registry["collective.cloudfront.window"] = 0.0
    transaction.commit()
    process = this_process()
    process.start(portal._p_jar.db())
    process.courier.limits = replace(process.courier.limits, call_rate=1000.0)
    assert process.outbox.work() == ()
    return portal


@pytest.fixture
def now() -> datetime:
    return datetime.now(timezone.utc)


@pytest.fixture
def perform(server, site, now):
    """Perform a request of the documentation."""

    def send(request: Message, token: str = "none") -> Message:
        return ask(server["host"], server["port"], request, now, token)

    return send


def set_record(name, value):
    getUtility(IRegistry)[f"collective.cloudfront.{name}"] = value
    transaction.commit()


def deliver(*items, cause=UNKNOWN, answers=()):
    """Have CloudFront asked for items; without ``answers`` it accepts."""
    process = this_process()
    process.gateway.answers.extend(answers)
    entries = [Entry(DISTRIBUTION, item, cause=cause) for item in items]
    process.outbox.release("token", entries)
    process.outbox.resume()
    process.courier.round()
    while process.gateway.answers:
        process.outbox.resume()
        process.courier.round()


def have_delivered(monkeypatch, site, now):
    process = this_process()
    for invalidation, items, cause in (
        (
            ACCEPTED[0],
            ["/news/prices*", "/news*", "/sitemap"],
            Cause("eddie", ("/news/prices",), 1),
        ),
        (ACCEPTED[1], ["/*"], Cause("jane", ("new theme",), 1, "person")),
    ):
        answer = Answer(Outcome.ACCEPTED, invalidation, "InProgress")
        deliver(*items, cause=cause, answers=[answer])
        process.outbox.complete(process.outbox.history(1)[0], "Completed")


def have_history(monkeypatch, site, now):
    """Something is accepted, something refused, and something to come."""
    have_delivered(monkeypatch, site, now)
    deliver("/~old", answers=[REFUSED] * CONFIRMED_REFUSALS)
    purge = ManualPurge(site)
    purge.add_everything()
    due = datetime.fromisoformat(later("2026-11-21T22:00:00+00:00", now))
    purge.send("jane", "release 1.3", due.timestamp())
    transaction.commit()


def have_trouble(monkeypatch, site, now):
    have_history(monkeypatch, site, now)
    deliver("/contact*", cause=Cause("eddie", ("/contact",), 1), answers=[DENIED])


def have_scheduled(monkeypatch, site, now):
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(SCHEDULED))
    purge = ManualPurge(site)
    purge.add_everything()
    due = datetime.fromisoformat(later("2026-11-21T22:00:00+00:00", now))
    purge.send("jane", "release 1.3", due.timestamp())
    transaction.commit()


def have_no_right_to_look(monkeypatch, site, now):
    monkeypatch.setattr(connection, "test_connection", lambda *each, **rest: FOUND)


def have_somebody_who_gets_alerts(monkeypatch, site, now):
    set_record("alert_emails", "ops@example.com")
    monkeypatch.setattr(trial, "send", lambda *each: None)


def have_no_profile_of_others(monkeypatch, site, now):
    """Their texts are no business of this documentation."""
    monkeypatch.setattr(set_up, "_profiles", profiles_of_ours)


def profiles_of_ours(all_profiles=set_up._profiles):
    return [each for each in all_profiles() if "cloudfront" in each["id"]]


def cannot_read_the_outbox(monkeypatch, site, now):
    def fail():
        raise OutboxUnavailable("cloudfront-outbox.sqlite: disk I/O error")

    monkeypatch.setattr(this_process().outbox, "work", lambda most: fail())


def cannot_write_the_outbox(monkeypatch, site, now):
    def fail(*arguments):
        raise OutboxUnavailable("no space left on device")

    monkeypatch.setattr(this_process().outbox, "prepare", fail)


def do_not_purge(monkeypatch, site, now):
    set_record("enabled", False)


def have_default_window(monkeypatch, site, now):
    set_record("window", 1.0)


def have_a_key_pair(monkeypatch, site, now):
    set_record("window", 1.0)
    set_record("aws_access_key_id", KEY_ID)
    set_record("aws_secret_access_key", SECRET)


#: What is done before; nothing for all others.
BEFORE = {
    "history": have_history,
    "history-filter": have_history,
    "scheduled": have_scheduled,
    "scheduled-cancel": have_scheduled,
    "set-up": have_no_profile_of_others,
    "set-up-import": have_no_profile_of_others,
    "set-up-lifetimes": have_no_profile_of_others,
    "set-up-switch": have_no_profile_of_others,
    "test-alert": have_somebody_who_gets_alerts,
    "test-connection": have_no_right_to_look,
    "state": have_delivered,
    "state-trouble": have_trouble,
    "state-unavailable": cannot_read_the_outbox,
    "purge-not-purging": do_not_purge,
    "purge-outbox-fails": cannot_write_the_outbox,
    "settings": have_a_key_pair,
    "settings-invalid": have_default_window,
}


# --- they are true -----------------------------------------------------------------


def test_the_documented_answer_is_the_actual_one(
    documentation, site, perform, monkeypatch, now, name
):
    example = Example(name, documentation / "http-examples")
    if name in BEFORE:
        BEFORE[name](monkeypatch, site, now)
    token = "none"
    if "Bearer" in example.request.as_text():
        login = Example("login", documentation / "http-examples")
        token = json.loads(perform(login.request).body)["token"]
    answer = perform(example.request, token)
    assert SECRET not in answer.as_text()
    documented = example.answer
    if os.environ.get(VARIABLE) == "write" and (
        documented is None or documented.masked != answer.masked
    ):
        example.write(answer)
        return
    assert documented is not None, f"Run with {VARIABLE}=write."
    assert answer.masked == documented.masked


def test_every_example_is_in_the_documentation_and_nothing_else(documentation):
    text = (documentation / "rest.rst").read_text()
    included = set(re.findall(r"literalinclude:: http-examples/(\S+)", text))
    assert included == {
        path.name for path in (documentation / "http-examples").iterdir()
    }


def test_what_is_documented_as_purged_is_purged(
    documentation, site, perform, monkeypatch, now
):
    """The answers say so; here it is looked at."""
    folder = documentation / "http-examples"
    process = this_process()
    for name, items in (
        ("purge-paths", ["/news*", "/timetable", "/timetable?day=today"]),
        ("purge-content", ["/news*"]),
        ("purge-all", ["/*"]),
    ):
        perform(Example(name, folder).request)
        process.gateway.batches.clear()
        assert process.deliver() == items
    for name in names_in(folder):
        if Example(name, folder).answer.start.startswith("HTTP/1.1 4"):
            if name in BEFORE:
                BEFORE[name](monkeypatch, site, now)
            perform(Example(name, folder).request)
    assert not any(work.ready for work in process.outbox.work())


def test_the_settings_of_the_example_are_stored(documentation, perform):
    folder = documentation / "http-examples"
    perform(Example("settings-change", folder).request)
    panel = json.loads(perform(Example("settings", folder).request).body)
    assert panel["data"]["window"] == 2.5


# --- scripts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("purge-after-deployment.sh", "sh"),
        ("purge_after_deployment.py", sys.executable),
    ],
)
class TestScript:
    @pytest.fixture
    def run(self, documentation, server, site, script, command):
        if command == "sh" and not shutil.which("curl"):
            pytest.skip("curl is not installed; .ci/run installs it")

        def run(**environ):
            return subprocess.run(
                [command, str(documentation / "examples" / script)],
                env={
                    "PATH": os.environ["PATH"],
                    "PLONE_URL": f"http://{server['host']}:{server['port']}/plone",
                    "PLONE_USER": "deployer",
                    "PLONE_PASSWORD": PASSWORD,
                    **environ,
                },
                capture_output=True,
                text=True,
                timeout=600,
            )

        return run

    def test_it_purges_everything(self, run):
        done = run()
        assert done.returncode == 0, done.stderr
        assert '"billed": 1' in done.stdout
        assert this_process().deliver() == ["/*"]
        (request,) = this_process().outbox.requests(10)
        assert (request.user, request.reason) == ("deployer", "deployment")

    def test_it_fails_where_it_may_not(self, run):
        done = run(PLONE_USER="eddie")
        assert done.returncode != 0
        assert "Unauthorized" in done.stdout + done.stderr
        assert this_process().deliver() == []

    def test_it_fails_with_a_wrong_password(self, run):
        done = run(PLONE_PASSWORD="wrong")
        assert done.returncode != 0
        assert "401" in done.stdout + done.stderr
        assert this_process().deliver() == []

    def test_the_password_is_shown_nowhere(self, run):
        for password in (PASSWORD, "wrong-password"):
            done = run(PLONE_PASSWORD=password)
            assert password not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        "password",
        [
            'a"b"',
            "a\\b",
            'a\\"',
            "\\",
            '"',
            "a b$HOME`ls`'%s",
            "#a:b",
            "Schlüßel",
            "\\n",
        ],
    )
    def test_a_password_may_have_any_character(self, run, site, password):
        site.acl_users.source_users.updateUserPassword("deployer", password)
        transaction.commit()
        done = run(PLONE_PASSWORD=password)
        assert done.returncode == 0, done.stderr
        assert len(this_process().outbox.requests(10)) == 1

    @pytest.mark.parametrize(
        ("wrong", "advice"),
        [
            ({"PLONE_USER": "eddie"}, "collective.cloudfront: Purge everything"),
            ({"PLONE_PASSWORD": "wrong"}, "Check PLONE_USER and PLONE_PASSWORD."),
            ({"PLONE_URL": "/nowhere"}, "Check PLONE_URL"),
        ],
    )
    def test_an_error_says_what_to_do(self, run, server, wrong, advice):
        if "PLONE_URL" in wrong:
            url = f"http://{server['host']}:{server['port']}/plone/nowhere"
            wrong = {"PLONE_URL": url}
        done = run(**wrong)
        assert done.returncode != 0
        assert advice in done.stderr

    def test_it_says_what_a_site_without_rest_lacks(self, run, site):
        """Plone's Classic UI distribution does not install plone.restapi."""
        site.acl_users.manage_delObjects(["jwt_auth"])
        site.manage_permission("plone.restapi: Use REST API", [], acquire=1)
        transaction.commit()
        done = run()
        assert done.returncode != 0
        assert "Install plone.restapi in this site" in done.stderr
        assert this_process().outbox.requests(10) == []

    def test_it_is_in_the_documentation(self, documentation, script, command):
        text = (documentation / "rest.rst").read_text()
        assert f"literalinclude:: examples/{script}" in text
