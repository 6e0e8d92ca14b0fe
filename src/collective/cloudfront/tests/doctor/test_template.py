"""Specification: the doctor finds nothing wrong with a distribution of our templates.

The template is read by the local CloudFront, which tells the doctor what it says.
"""

from collective.cloudfront.blueprint import Interface
from collective.cloudfront.blueprint import Options as Choices
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cloudformation import render
from collective.cloudfront.delivery.aws import probe
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.session import make_session
from collective.cloudfront.doctor.connection import test_connection as examine
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.template import parse_template
from collective.cloudfront.tests.doctor.conftest import _Sts

import os
import pytest


CERTIFICATE = {"CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x"}
NAME = "ETEMPLATE12345"


@pytest.fixture
def look(monkeypatch, tmp_path):
    """Return what the doctor finds wrong with the distribution of a template."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def look(choices, tag_header):
        template = parse_template(render(right(choices)), CERTIFICATE)
        options = Options(distributions=(NAME,), api_rate=None)
        with LocalCloudFront(options=options, template=template) as cloudfront:
            for name, value in cloudfront.environment.items():
                monkeypatch.setenv(name, value)
            session = make_session(Credentials())
            client = session.client("cloudfront", region_name="us-east-1")
            session.client = lambda service, **_: _Sts() if service == "sts" else client
            monkeypatch.setattr(probe, "make_session", lambda credentials: session)
            found = examine(
                NAME,
                Credentials(),
                choices.domains,
                tag_header,
                is_classic=choices.interface is Interface.CLASSIC,
            )
        return [each for each in found if each.level is not Level.OK]

    return look


@pytest.mark.parametrize("tags", [True, False], ids=["tags", "paths"])
@pytest.mark.parametrize("interface", list(Interface), ids=lambda each: each.value)
def test_it_finds_nothing_wrong_with_a_distribution_of_ours(interface, tags, look):
    choices = Choices(interface=interface, tags=tags)
    assert look(choices, "Cache-Tag" if tags else "") == []


def test_it_finds_what_is_wrong_with_the_template(look):
    assert look(Choices(tags=False), "Cache-Tag") != []
    other = Choices(domains=("elsewhere.example.com",))
    assert look(other, "Other-Header") != []
