""" "Test connection": the findings of delivery/connection.py, shown to a person."""

from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.testing import DISTRIBUTION
from lxml import html
from plone import api
from urllib.parse import urlsplit
from zExceptions import Forbidden

import pytest
import transaction


def texts(browser):
    tree = html.fromstring(browser.contents)
    return {
        item.get("id"): " ".join(item.text_content().split())
        for item in tree.xpath("//li[starts-with(@id, 'finding-')]")
    }


@pytest.fixture
def person(functional_portal, browser):
    person = browser()
    person.open(f"{functional_portal.absolute_url()}/@@cloudfront-settings")
    return person


def test_a_person_sees_what_works(person, monkeypatch):
    with LocalCloudFront(options=Options(distributions=(DISTRIBUTION,))) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        person.getControl("Test connection").click()
        assert cloudfront.control.invalidations() == []
    found = texts(person)
    assert found["finding-permission_create"].startswith("OK")
    assert found["finding-distribution"].startswith("OK")
    assert DISTRIBUTION in person.contents


def test_each_of_the_sites_hosts_is_named_once(person, functional_portal, monkeypatch):
    api.portal.set_registry_record(
        "plone.cachepurging.interfaces.ICachePurgingSettings.domains",
        ("https://www.example.com", "http://www.example.com:80"),
    )
    transaction.commit()
    options = Options(distributions=(DISTRIBUTION,), aliases=("www.example.com",))
    with LocalCloudFront(options=options) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        person.getControl("Test connection").click()
    found = texts(person)["finding-hosts"]
    # Which one it is depends on the tests before: some ask a real server
    here = urlsplit(functional_portal.absolute_url()).hostname
    assert f"serves www.example.com, but not {here}." in found


def test_each_distribution_is_asked_about_its_own_header_once(person, monkeypatch):
    api.portal.set_registry_record(
        "collective.cloudfront.distribution_id",
        f"{DISTRIBUTION}/en;header=X-Tags {DISTRIBUTION}/de",
    )
    api.portal.set_registry_record("collective.cloudfront.cache_tags", "headers")
    transaction.commit()
    options = Options(distributions=(DISTRIBUTION,), cache_tag_header="X-Tags")
    with LocalCloudFront(options=options) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        person.getControl("Test connection").click()
        operations = [each.operation for each in cloudfront.control.log()]
    assert operations.count("GetDistribution") == 1
    assert (
        "reads cache tags from the header X-Tags" in texts(person)["finding-cache_tags"]
    )


def test_a_change_is_shown_exactly(person, monkeypatch):
    api.portal.set_registry_record("collective.cloudfront.cache_tags", "headers")
    transaction.commit()
    # Somebody chose a name that is no good for HTML
    behavior = {"path_pattern": "/a&b/*", "min_ttl": 60, "cache_policy": "own"}
    options = Options(distributions=(DISTRIBUTION,), behaviors=(behavior,))
    with LocalCloudFront(options=options) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        person.getControl("Test connection").click()
        operations = {each.operation for each in cloudfront.control.log()}
    found = texts(person)
    minimum = found["finding-minimum_ttl"]
    assert "aws cloudfront update-cache-policy --id own" in minimum
    assert "MinTTL: 0" in minimum
    assert "/a&b/*: 60 s" in minimum
    assert "The exact change" not in found["finding-credentials"]
    assert not any(each.startswith("Update") for each in operations)


def test_an_unreachable_cloudfront_is_an_error_with_advice(person, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDFRONT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-mine")
    person.getControl("Test connection").click()
    assert any("Error" in text for text in texts(person).values())
    assert "a-secret-of-mine" not in person.contents


def test_it_is_not_done_by_get(person, functional_portal):
    with pytest.raises(Forbidden):
        person.open(f"{functional_portal.absolute_url()}/@@cloudfront-test-connection")


@pytest.mark.parametrize(
    ("header", "chosen"), [("", "auto"), ("Other", "auto"), ("Cache-Tag", "invalidate")]
)
def test_purging_by_tags_needs_a_distribution_that_reads_them(
    person, monkeypatch, header, chosen
):
    options = Options(distributions=(DISTRIBUTION,), cache_tag_header=header)
    with LocalCloudFront(options=options) as cloudfront:
        for name, value in cloudfront.environment.items():
            monkeypatch.setenv(name, value)
        person.getControl(name="form.widgets.cache_tags:list").value = ["invalidate"]
        person.getControl(name="form.buttons.save").click()
    transaction.begin()
    assert api.portal.get_registry_record("collective.cloudfront.cache_tags") == chosen
    refused = "is not known to read cache tags from Cache-Tag" in person.contents
    assert refused is (chosen == "auto")
