"""Specification: behind a template that we print, the doctor finds nothing.

The local CloudFront runs from the template, with a Plone in this process behind it. The
doctor reads the configuration with boto3, and asks the site through the edge.
"""

from click.testing import CliRunner
from collective.cloudfront.blueprint import Editors
from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options as Chosen
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cloudformation import render
from collective.cloudfront.cli.main import main
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.template import parse_template
from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.local.fake_plone import FakePlone
from collective.cloudfront.tests.local.fake_plone import PUBLIC
from collective.cloudfront.tests.local.fake_plone import Reply

import json
import pytest


CERTIFICATE = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x"}
#: An answer of Plone.
PAGE = Reply(200, "text " * 400, {"Cache-Control": PUBLIC, "Content-Type": "text/html"})


@pytest.fixture
def plone():
    found = FakePlone()
    found.replies["/"] = PAGE
    with found.served() as url:
        found.url = url
        yield found


@pytest.fixture
def doctor(plone, monkeypatch):
    """Run the local CloudFront from a template, and the doctor; return its findings."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.delenv("CLOUDFRONT_OUTBOX", raising=False)

    def doctor(*arguments, change=lambda text: text, **options):
        # The edge is asked by the name of this machine
        text = change(render(right(Chosen(domains=("site.test",), **options))))
        text = text.replace("site.test", "127.0.0.1")
        template = parse_template(text, CERTIFICATE)
        local = Options(distributions=(E1,), api_rate=None)
        with LocalCloudFront(plone.url, local, template=template) as cloudfront:
            for name, value in cloudfront.environment.items():
                monkeypatch.setenv(name, value)
            asked = ["doctor", "--distribution", E1, "--json"]
            site = ["--site", cloudfront.edge_url, "--origin", f"{plone.url}/Plone"]
            result = CliRunner().invoke(main, [*asked, *site, *arguments])
        (found,) = json.loads(result.stdout)["distributions"]
        levels = ("info", "warning", "error")
        wrong = {each["code"] for each in found["items"] if each["level"] in levels}
        assert result.exit_code == (1 if wrong else 0), result.stderr
        return wrong

    return doctor


@pytest.mark.parametrize("editors", list(Editors))
def test_classic_ui_is_right(doctor, editors):
    assert doctor(editors=editors) == set()


def test_classic_ui_without_tags_is_right(doctor):
    assert doctor("--tag-header", "", tags=False) == set()


def test_classic_ui_behind_another_proxy_is_right(doctor):
    assert doctor(site="") == set()


def test_volto_is_right(doctor):
    assert doctor("--volto", interface=Interface.VOLTO) == set()


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        (
            "QueryStringBehavior: all",
            "QueryStringBehavior: none",
            {"query_strings_none"},
        ),
        ("Compress: true", "Compress: false", {"compression_off"}),
    ],
)
def test_a_mistake_in_the_template_is_found_in_the_configuration(
    doctor, old, new, codes
):
    def change(text):
        assert old in text
        return text.replace(old, new)

    assert codes <= doctor(change=change)
