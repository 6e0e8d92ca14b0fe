"""Specification: the CDK app of a blueprint is its CloudFormation template.

``make test-long`` type-checks and synthesizes it, where the CDK is installed.
"""

from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.cdk import camel_case
from collective.cloudfront.blueprint.cdk import render
from collective.cloudfront.blueprint.cloudformation import template
from collective.cloudfront.tests.blueprint.world import any_options
from collective.cloudfront.tests.blueprint.world import COMBINATIONS
from collective.cloudfront.tests.profile import only_long
from collective.cloudfront.tests.profile import repetitions
from hypothesis import given
from hypothesis import settings
from pathlib import Path

import json
import os
import pytest
import re
import subprocess


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MinTTL", "minTtl"),
        ("IPV6Enabled", "ipv6Enabled"),
        ("WebACLId", "webAclId"),
        ("HTTPSPort", "httpsPort"),
        ("OriginSSLProtocols", "originSslProtocols"),
        ("S3Bucket", "s3Bucket"),
        ("AcmCertificateArn", "acmCertificateArn"),
        ("ErrorCachingMinTTL", "errorCachingMinTtl"),
        ("NoEcho", "noEcho"),
    ],
)
def test_properties_are_spelled_as_the_cdk_spells_them(name, expected):
    assert camel_case(name) == expected


def test_it_has_comments_and_policies_of_iam_as_they_are():
    text = render(right(Options()), "Head")
    assert text.startswith("// Head\n")
    assert "keeps even answers that Plone marks as private" in " ".join(
        text.replace("//", "").split()
    )
    assert "policyDocument: {\n    Version: '2012-10-17'," in text
    assert "originPath: '/VirtualHostBase/https/www.example.com:443/Plone/" in text


@given(any_options())
@settings(max_examples=repetitions(80), deadline=None)
def test_law_everything_is_declared_once_and_before_it_is_used(options):
    text = render(right(options))
    declared = {
        match[1]: match.start() for match in re.finditer(r"^const (\w+) = ", text, re.M)
    }
    assert len(declared) == len(re.findall(r"^const \w+ = ", text, re.M))
    used = re.finditer(r"\b(\w+)\.(?:ref|valueAs\w+|attr\w+)\b", text)
    for match in used:
        assert declared[match[1]] < match.start()
    for name in re.findall(r"new \w+\.\w+\(stack, '(\w+)'", text):
        assert name in template(right(options))["Resources"]


# The CDK itself

_ROOT = Path(__file__).parents[5]
MODULES = Path(os.environ.get("CDK_NODE_MODULES", _ROOT / ".cdk/node_modules"))
_COMPARED = ("Parameters", "Resources", "Outputs")


@pytest.mark.long
@only_long
@pytest.mark.skipif(
    not (MODULES / "aws-cdk-lib").is_dir(),
    reason="make cdk",
)
def test_the_cdk_synthesizes_the_cloudformation_template(tmp_path):
    # The app finds its modules beside it
    (tmp_path / "node_modules").symlink_to(MODULES)
    names = ("classic", "classic, tenants", "volto, ECS", "everything")
    for number, name in enumerate(names):
        app = tmp_path / f"app{number}.ts"
        app.write_text(render(right(COMBINATIONS[name]), "Head"))
    checked = subprocess.run(
        [
            *("node", "node_modules/typescript/bin/tsc", "--strict", "--skipLibCheck"),
            *("--module", "commonjs", "--target", "es2022", "--types", "node"),
            *(f"app{number}.ts" for number in range(len(names))),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
    for number, name in enumerate(names):
        environ = {**os.environ, "CDK_OUTDIR": f"out{number}", "CI": "1"}
        subprocess.run(
            ["node", f"app{number}.js"],
            cwd=tmp_path,
            env=environ,
            check=True,
            capture_output=True,
        )
        output = tmp_path / f"out{number}/{COMBINATIONS[name].name}.template.json"
        synthesized = json.loads(output.read_text())
        # What the CDK adds of its own
        synthesized["Resources"].pop("CDKMetadata", None)
        synthesized["Parameters"].pop("BootstrapVersion", None)
        wanted = template(right(COMBINATIONS[name]))
        for part in _COMPARED:
            assert synthesized[part] == wanted[part], (name, part)
