"""Specification: the Terraform configuration of a blueprint.

Its names are compared with the schema of Terraform's AWS provider 6.66
(``scripts/terraform_schema.py``). Where Terraform and a provider are on the machine, they
validate it as well: provider 5.100 knows everything but CacheTagConfig, tenants and a
permission of function URLs. Nobody has created a distribution from it at AWS.
"""

from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.terraform import render
from collective.cloudfront.blueprint.terraform.document import Block
from collective.cloudfront.blueprint.terraform.document import Expr
from collective.cloudfront.blueprint.terraform.document import expression
from collective.cloudfront.blueprint.terraform.document import Json
from collective.cloudfront.blueprint.terraform.document import Map
from collective.cloudfront.blueprint.terraform.document import write
from collective.cloudfront.blueprint.terraform.template import blocks
from collective.cloudfront.blueprint.terraform.template import KNOWN
from collective.cloudfront.tests.blueprint.world import any_options
from collective.cloudfront.tests.blueprint.world import COMBINATIONS
from collective.cloudfront.tests.blueprint.world import EVERYTHING
from collective.cloudfront.tests.profile import only_long
from collective.cloudfront.tests.profile import repetitions
from hypothesis import given
from hypothesis import settings
from pathlib import Path

import hcl2
import json
import os
import pytest
import re
import shutil
import subprocess


FOR_TERRAFORM = [name for name, each in COMBINATIONS.items() if not each.plone.in_stack]
SCHEMA = json.loads(Path(__file__).with_name("terraform-aws.json").read_text())
#: A folder with registry.terraform.io/hashicorp/aws/…, as terraform init -plugin-dir wants.
PLUGINS = Path(os.environ.get("TERRAFORM_PLUGINS", "/opt/tf-plugins"))


def bare(value):
    """Return a value without its comments."""
    while isinstance(value, Why):
        value = value.value
    return value


def strange(body, schema, where):
    """Yield what the provider does not know in a body, or misses."""
    for name, value in body.items():
        value = bare(value)
        known = schema.get(name)
        if known is None:
            yield f"{where}.{name} is unknown"
            continue
        some = [bare(each) for each in (value if isinstance(value, list) else [value])]
        is_block = bool(some) and all(isinstance(each, dict) for each in some)
        if is_block != isinstance(known, dict):
            yield f"{where}.{name} is a block, or none"
        elif is_block:
            for each in some:
                yield from strange(each, known["fields"], f"{where}.{name}")
            if len(some) > 1 and not known["many"]:
                yield f"{where}.{name} is there more than once"
    for name, known in schema.items():
        required = known["required"] if isinstance(known, dict) else known
        if required and name not in body:
            yield f"{where}.{name} is missing"


def resources(options):
    """Return the blocks of resources by kind and name."""
    return {
        each.labels: each for each in blocks(right(options)) if each.kind == "resource"
    }


def names_in(value):
    """Yield the names that expressions refer to."""
    value = bare(value)
    if isinstance(value, Expr):
        yield from re.findall(r"(?:aws_\w+|var|data\.aws_\w+)\.\w+", value.text)
    elif isinstance(value, (Map, Json)):
        yield from names_in(value.values if isinstance(value, Map) else value.value)
    elif isinstance(value, dict):
        for each in value.values():
            yield from names_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from names_in(each)


def test_it_is_hcl_and_says_what_the_blueprint_says():
    plain = hcl2.SerializationOptions(strip_string_quotes=True)
    found = hcl2.loads(render(right(Options())), serialization_options=plain)
    [distribution] = [
        each["aws_cloudfront_distribution"]["public"]
        for each in found["resource"]
        if "aws_cloudfront_distribution" in each
    ]
    patterns = [each["path_pattern"] for each in distribution["ordered_cache_behavior"]]
    behaviors = right(Options()).distribution.behaviors
    assert patterns == [each.path_pattern for each in behaviors]
    assert distribution["cache_tag_config"][0]["header_name"] == "Cache-Tag"


def test_the_policy_is_json_with_references():
    text = render(right(Options()))
    assert "policy = jsonencode({" in text
    assert "aws_cloudfront_distribution.public.arn" in text


def test_what_terraform_would_evaluate_in_a_text_is_escaped():
    assert expression('a ${b} %{c} "d"') == '"a $${b} %%{c} \\"d\\""'


def test_equals_signs_are_below_each_other_as_terraform_fmt_has_them():
    block = Block("a", ("b",), {"x": 1, "long": Why(2, "why"), "y": 3, "z": {"k": []}})
    assert write([block]) == (
        'a "b" {\n  x = 1\n  # why\n  long = 2\n  y    = 3\n  z {\n    k = []\n  }\n}\n'
    )


def test_with_tenants_it_says_what_terraform_cannot_do():
    text = render(right(COMBINATIONS["classic, tenants"]))
    assert "cannot set CacheTagConfig" in " ".join(text.replace("# ", "").split())
    assert "cache_tag_config" not in text


def test_secrets_are_sensitive():
    text = render(right(EVERYTHING))
    assert re.search(r'variable "slack_webhook" \{[^}]*sensitive +=', text)


def test_the_schema_is_that_of_the_version_that_the_template_asks_for():
    assert SCHEMA["provider"] == KNOWN


@pytest.mark.long
@only_long
@pytest.mark.parametrize("name", FOR_TERRAFORM)
def test_each_combination_is_hcl(name):
    assert hcl2.loads(render(right(COMBINATIONS[name]), "Head"))["resource"]


@given(any_options().filter(lambda options: not options.plone.in_stack))
@settings(max_examples=repetitions(100), deadline=None)
def test_law_the_provider_knows_every_argument_and_misses_none(options):
    found = [
        problem
        for (kind, name), block in resources(options).items()
        for problem in strange(block.body, SCHEMA["resources"][kind], kind)
    ]
    assert found == []


@given(any_options().filter(lambda options: not options.plone.in_stack))
@settings(max_examples=repetitions(100), deadline=None)
def test_law_every_reference_leads_somewhere(options):
    all_blocks = list(blocks(right(options)))
    known = {
        ".".join(
            {"variable": ("var",), "data": ("data",)}.get(each.kind, ()) + each.labels
        )
        for each in all_blocks
    }
    used = {name for each in all_blocks for name in names_in(dict(each.body))}
    assert used - known == set()
    assert {name for name in known - used if name.startswith("var.")} == set()


def test_the_schema_finds_what_is_wrong():
    kind = "aws_cloudfront_distribution"
    body = dict(resources(Options())[kind, "public"].body)
    body["cache_tags"] = body.pop("cache_tag_config")
    del body["enabled"]
    assert list(strange(body, SCHEMA["resources"][kind], "d")) == [
        "d.cache_tags is unknown",
        "d.enabled is missing",
    ]


# Terraform itself

_ABLE = shutil.which("terraform") is not None and PLUGINS.is_dir()
needs_terraform = pytest.mark.skipif(
    not _ABLE,
    reason="put terraform on the PATH and its AWS provider (5.100 or newer) into a "
    "folder that TERRAFORM_PLUGINS names, see terraform init -plugin-dir",
)


def run(folder, *arguments):
    """Run terraform in a folder without asking anybody."""
    environ = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    return subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def initialized(tmp_path_factory):
    """A folder in which terraform knows its AWS provider."""
    folder = tmp_path_factory.mktemp("terraform")
    text = render(right(Options(tags=False)))
    (folder / "main.tf").write_text(text)
    done = run(folder, "init", f"-plugin-dir={PLUGINS}", "-no-color")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.long
@only_long
@needs_terraform
def test_terraform_fmt_changes_nothing(tmp_path):
    for number, name in enumerate(FOR_TERRAFORM):
        text = render(right(COMBINATIONS[name]), "Head")
        (tmp_path / f"{number}.tf").write_text(text)
    done = run(tmp_path, "fmt", "-check", "-diff")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.long
@only_long
@needs_terraform
@pytest.mark.parametrize(
    "name",
    ["classic", "classic, editors", "volto", "volto, IRSA", "everything"],
)
def test_terraform_finds_it_valid(name, initialized):
    text = render(right(COMBINATIONS[name]))
    # Newer than the provider may be
    text = re.sub(r">= [\d.]+", ">= 5.100.0", text)
    text = re.sub(r"  cache_tag_config \{\n.*?\n  \}\n", "", text, flags=re.S)
    text = text.replace("  invoked_via_function_url = true\n", "")
    (initialized / "main.tf").write_text(text)
    done = run(initialized, "validate", "-json")
    assert json.loads(done.stdout)["diagnostics"] == []
