"""Specification: Save tries the connection, after the commit, and never fails for it."""

from collective.cloudfront.controlpanel import saved
from collective.cloudfront.controlpanel.saved import connections
from collective.cloudfront.controlpanel.saved import try_after_commit
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.testing import DISTRIBUTION
from lxml import html
from plone import api
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest
import socket
import transaction


OTHER = "E2OTHER12345"
ROLE = "arn:aws:iam::123456789012:role/cdn"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def cloudfront(monkeypatch):
    options = Options(distributions=(DISTRIBUTION, OTHER), api_rate=None)
    with LocalCloudFront(options=options) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        # Long enough for what answers, on a busy machine, too
        monkeypatch.setattr(saved, "LIMIT", 60.0)
        yield cloudfront


@pytest.fixture
def person(functional_portal, browser):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-controlpanel")
    return person


def save(person, **fields):
    """Type into the form and save it; return the status messages by their classes."""
    for name, value in fields.items():
        person.getControl(name=f"form.widgets.{name}").value = value
    person.getControl(name="form.buttons.save").click()
    tree = html.fromstring(person.contents)
    return {
        " ".join(each.text_content().split()): each.get("class")
        for each in tree.xpath("//div[contains(@class, 'portalMessage')]")
    }


def stored(name):
    transaction.begin()
    return api.portal.get_registry_record(f"collective.cloudfront.{name}")


def about_aws(messages):
    return [each for each in messages.items() if "Changes saved" not in each[0]]


def test_the_person_reads_that_aws_accepts_the_connection(person, cloudfront):
    ((text, kind),) = about_aws(save(person, distribution_id=OTHER))
    assert f"AWS allows Plone to purge {OTHER}." in text
    assert "“Test connection”" in text
    assert "alert-info" in kind
    # Nothing is made for it
    trials = [e for e in cloudfront.control.log() if e.outcome != "accepted"]
    assert [each.outcome for each in trials] == ["InconsistentQuantities"]


def test_the_person_reads_why_aws_refuses_and_the_settings_are_saved(
    person, cloudfront
):
    cloudfront.control.change_options(denied_actions={"CreateInvalidation"})
    ((text, kind),) = about_aws(save(person, distribution_id=OTHER))
    assert f"The settings are saved, but Plone cannot purge {OTHER}." in text
    assert "AWS denies cloudfront:CreateInvalidation" in text
    assert "Allow cloudfront:CreateInvalidation on this distribution" in text
    assert "alert-danger" in kind
    assert stored("distribution_id") == OTHER


def test_an_unknown_distribution_is_an_error(person, cloudfront):
    ((text, kind),) = about_aws(save(person, distribution_id="E9NOBODY"))
    assert "AWS knows no distribution E9NOBODY in this account" in text
    assert "alert-danger" in kind
    assert stored("distribution_id") == "E9NOBODY"


def test_aws_out_of_reach_is_an_error(person, cloudfront, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", "http://127.0.0.1:9")
    ((text, kind),) = about_aws(save(person, distribution_id=OTHER))
    assert "AWS cannot be reached" in text
    assert stored("distribution_id") == OTHER


def test_an_aws_that_does_not_answer_is_given_up(person, cloudfront, monkeypatch):
    monkeypatch.setattr(saved, "LIMIT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFRONT", url)
        ((text, kind),) = about_aws(save(person, distribution_id=OTHER))
    assert "The settings are saved. AWS has not answered within 0.2 seconds" in text
    assert "alert-warning" in kind
    assert stored("distribution_id") == OTHER


def test_no_message_shows_a_secret(person, cloudfront):
    cloudfront.control.inject(
        "error",
        code="SignatureDoesNotMatch",
        status=403,
        message=f"You said {SECRET}.",
        times=None,
    )
    pair = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    messages = save(person, **pair)
    ((text, kind),) = about_aws(messages)
    assert "The signature does not match" in text
    assert SECRET not in person.contents


def test_what_does_not_matter_for_the_connection_asks_nobody(person, cloudfront):
    cloudfront.control.change_options(denied_actions={"CreateInvalidation"})
    assert about_aws(save(person, window="2.5")) == []
    assert about_aws(save(person)) == []
    assert cloudfront.control.log() == []


def test_several_distributions_are_asked_at_once(person, cloudfront):
    messages = save(person, distribution_id=f"{OTHER} {DISTRIBUTION};role={ROLE}")
    texts = [text for text, _kind in about_aws(messages)]
    assert len(texts) == 2
    assert f"AWS allows Plone to purge {OTHER}." in texts[0]
    assert f"Plone cannot purge {DISTRIBUTION}." in texts[1]


# --- the transaction ----------------------------------------------------------------------


@pytest.fixture
def change(functional_portal, cloudfront):
    """Change the connection in the transaction, as the form does; return the request."""
    registry = getUtility(IRegistry)
    before = connections(registry)
    registry["collective.cloudfront.distribution_id"] = OTHER
    try_after_commit(registry, functional_portal.REQUEST, before)
    return functional_portal.REQUEST


def test_aws_is_asked_when_the_transaction_is_over(change, cloudfront):
    assert cloudfront.control.log() == []
    transaction.commit()
    assert cloudfront.control.log() != []
    assert "statusmessages" in change.response.cookies


def test_a_transaction_that_fails_asks_nobody(change, cloudfront):
    transaction.abort()
    assert cloudfront.control.log() == []
    assert "statusmessages" not in change.response.cookies
