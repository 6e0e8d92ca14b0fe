"""Specification: a configuration is sent back as it was, but for one member."""

from .conftest import PRIMARY
from botocore.serialize import create_serializer
from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.delivery.aws.editing import Editor
from collective.cloudfront.delivery.aws.editing import NoMember
from collective.cloudfront.delivery.aws.editing import serialize
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.changes import Kind
from collective.cloudfront.doctor.mending import apply
from collective.cloudfront.doctor.mending import Gone
from xml.etree import ElementTree

import botocore.exceptions
import pytest


TAGS = Edit(Kind.DISTRIBUTION, ("CacheTagConfig", "HeaderName"), "X-Tags")


@pytest.fixture
def built(build):
    return build(right(Options()))


def stored(cloudfront, kind="distribution", id=PRIMARY):
    """Return the XML that the local CloudFront has stored."""
    return cloudfront.control._store.find(kind, id).config


def text(element):
    return ElementTree.tostring(element, encoding="unicode")


def test_values_become_the_xml_that_botocore_makes(built, client):
    operation = client.meta.service_model.operation_model("UpdateDistribution")
    arguments = {"Id": "E", "IfMatch": "1", "DistributionConfig": built.current}
    expected = create_serializer("rest-xml").serialize_to_request(arguments, operation)
    model = Editor(client).model("Distribution")
    mine = serialize(model, "DistributionConfig", built.current)
    body = ElementTree.canonicalize(expected["body"])
    assert ElementTree.canonicalize(ElementTree.tostring(mine)) == body


def test_what_boto3_does_not_know_stays_where_it_is(built, client, cloudfront):
    config = stored(cloudfront)
    for parent in (
        config,
        config.find("CacheTagConfig"),
        config.find("DefaultCacheBehavior"),
        config.find("Origins/Items/Origin"),
    ):
        new = ElementTree.SubElement(parent, "SomethingNew")
        ElementTree.SubElement(new, "Of").text = "2027"
    before = text(config)
    assert before.count("SomethingNew") == 8
    assert "SomethingNew" not in str(built.current)
    assert apply(Editor(client), PRIMARY, [TAGS]) == [PRIMARY]
    after = text(stored(cloudfront))
    assert after == before.replace(">Cache-Tag<", ">X-Tags<")


def test_a_policy_keeps_what_is_not_known_as_well(built, client, cloudfront):
    policy = built.current["DefaultCacheBehavior"]["ResponseHeadersPolicyId"]
    config = stored(cloudfront, "response-headers-policy", policy)
    ElementTree.SubElement(config, "SomethingNew").text = "2027"
    before = text(config)
    path = ("RemoveHeadersConfig", "X-Tags")
    edit = Edit(Kind.RESPONSE_POLICY, path, {"Header": "X-Tags"}, policy)
    assert apply(Editor(client), PRIMARY, [edit]) == [policy]
    config = stored(cloudfront, "response-headers-policy", policy)
    headers = [each.text for each in config.iter("Header")]
    assert headers == ["Cache-Tag", "X-Powered-By", "X-Tags"]
    assert config.findtext("SomethingNew") == "2027"
    items = config.find("RemoveHeadersConfig/Items")
    items.remove(items[-1])
    config.find("RemoveHeadersConfig/Quantity").text = "2"
    assert text(config) == before


def test_what_somebody_else_changed_is_not_overwritten(built, client, monkeypatch):
    editor = Editor(client)
    read = editor.read

    def read_and_lose(kind, id):
        config = read(kind, id)
        built.store(built.current)
        return config

    monkeypatch.setattr(editor, "read", read_and_lose)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        apply(editor, PRIMARY, [TAGS])
    assert caught.value.response["Error"]["Code"] == "PreconditionFailed"


def test_a_managed_policy_is_copied_and_not_changed(built, client):
    managed = "67f7725c-6f97-4210-82d7-5512b31e9d03"
    current = built.current
    current["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] = managed
    built.store(current)
    edit = Edit(
        Kind.RESPONSE_POLICY,
        ("RemoveHeadersConfig", "Cache-Tag"),
        {"Header": "Cache-Tag"},
        managed,
        ("Default (*)",),
    )
    new, changed = apply(Editor(client), PRIMARY, [edit, edit])
    assert changed == PRIMARY
    assert built.current["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == new
    answer = client.get_response_headers_policy(Id=new)["ResponseHeadersPolicy"]
    config = answer["ResponseHeadersPolicyConfig"]
    assert config["Name"].startswith(f"{PRIMARY}-ResponseHeadersPolicy-")
    assert config["RemoveHeadersConfig"]["Items"] == [{"Header": "Cache-Tag"}]


def test_a_behavior_that_is_gone_is_not_made(built, client):
    edit = Edit(Kind.DISTRIBUTION, ("CacheBehaviors", "/gone/*", "Compress"), True)
    with pytest.raises(Gone, match="/gone/"):
        apply(Editor(client), PRIMARY, [edit])


def test_a_member_that_the_api_does_not_have_is_refused(built, client):
    edit = Edit(Kind.DISTRIBUTION, ("CacheTagConfig", "Color"), "red")
    with pytest.raises(NoMember, match="Color"):
        apply(Editor(client), PRIMARY, [edit])
