"""Specification: a change as commands, and as a part of a template."""

from .conftest import PRIMARY
from .test_wrong_distributions import MISTAKES
from collective.cloudfront.blueprint import right
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.changes import Kind
from collective.cloudfront.doctor.words import commands
from collective.cloudfront.doctor.words import snippet

import pytest
import re
import shlex


def test_a_setting_of_a_distribution():
    edits = [Edit(Kind.DISTRIBUTION, ("DefaultCacheBehavior", "Compress"), True)]
    assert commands("E1", edits) == [
        "aws cloudfront get-distribution-config --id E1 > old.json",
        "jq '.DistributionConfig | .DefaultCacheBehavior.Compress = true' old.json"
        " > new.json",
        "aws cloudfront update-distribution --id E1 --if-match "
        '"$(jq -r .ETag old.json)" --distribution-config file://new.json',
    ]
    assert snippet(edits).splitlines() == [
        "# The distribution",
        "DistributionConfig:",
        "  DefaultCacheBehavior:",
        "    Compress: true",
    ]


def test_a_setting_of_one_behavior():
    path = ("CacheBehaviors", "/en/*", "ViewerProtocolPolicy")
    edits = [Edit(Kind.DISTRIBUTION, path, "redirect-to-https")]
    program = shlex.split(commands("E1", edits)[1])[1]
    assert program == (
        '.DistributionConfig | (.CacheBehaviors.Items[] | select(.PathPattern == "/en/*"))'
        '.ViewerProtocolPolicy = "redirect-to-https"'
    )
    assert snippet(edits).splitlines()[1:] == [
        "DistributionConfig:",
        "  CacheBehaviors:",
        '    - PathPattern: "/en/*"',
        "      ViewerProtocolPolicy: redirect-to-https",
    ]


def test_a_policy_of_aws_is_copied_and_attached():
    path = ("RemoveHeadersConfig", "Cache-Tag")
    item = {"Header": "Cache-Tag"}
    edits = [
        Edit(Kind.RESPONSE_POLICY, path, item, "managed", (pattern,))
        for pattern in ("Default (*)", "/en/*")
    ]
    lines = commands("E1", edits)
    assert len([line for line in lines if " create-" in line]) == 1
    assert "policy1=$(aws cloudfront create-response-headers-policy" in lines[2]
    assert 'jq --arg policy1 "$policy1" ' in lines[4]
    assert ".DefaultCacheBehavior.ResponseHeadersPolicyId = $policy1" in lines[4]
    text = snippet(edits)
    assert "# A copy of managed, with" in text
    assert '      Name: !Sub "${AWS::StackName}-ResponseHeadersPolicy"' in text
    assert (
        "      RemoveHeadersConfig:\n        Items:\n          - Header: Cache" in text
    )
    assert text.count("ResponseHeadersPolicyId: !Ref NewResponseHeadersPolicy") == 2


def test_the_domains_of_a_tenant():
    edits = [Edit(Kind.TENANT, ("Domains",), [{"Domain": "www.example.com"}])]
    assert "update-distribution-tenant --id dt_1 " in commands("dt_1", edits)[-1]
    assert snippet(edits) == "# The tenant\nDomains:\n  - www.example.com"


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda each: each.name)
def test_each_mistake_has_commands_and_a_snippet(wrong, build, look):
    built = build(right(wrong.options))
    wrong.make(built)
    (finding,) = look(is_classic=wrong.options.is_classic)
    lines = commands(PRIMARY, finding.edits)
    assert re.match(r"aws cloudfront |jq -n ", lines[0])
    assert lines[-1].startswith("aws cloudfront update-")
    text = snippet(finding.edits)
    assert "Config:" in text
    assert "Quantity" not in text
    assert "None" not in text


def test_the_documentation_lists_each_finding(pytestconfig):
    page = pytestconfig.rootpath / "docs" / "doctor.rst"
    if not page.exists():
        pytest.skip("docs/ is only in a checkout")
    text = page.read_text()
    for wrong in MISTAKES:
        assert f"``{wrong.code}``" in text
