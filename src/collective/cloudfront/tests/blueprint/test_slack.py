"""Specification: the template gives the Slack command what its handler asks for."""

from collective.cloudfront.blueprint import Options
from collective.cloudfront.blueprint import right
from collective.cloudfront.blueprint import slack
from collective.cloudfront.blueprint.cloudformation import template
from pathlib import Path

import collective.cloudfront
import pytest
import re


SOURCE = Path(collective.cloudfront.__file__).parent / "slack"
needs_handler = pytest.mark.skipif(
    not (SOURCE / "lambda_handler.py").exists(), reason="the handler is not there"
)


def properties(name):
    """Return the properties of a resource."""
    return template(right(Options(slack=True)))["Resources"][name]["Properties"]


@needs_handler
def test_the_handler_is_where_lambda_looks_for_it():
    *module, function = slack.HANDLER.split(".")
    assert module[:3] == ["collective", "cloudfront", "slack"]
    source = (SOURCE / f"{module[3]}.py").read_text()
    assert f"def {function}(" in source


@needs_handler
def test_the_function_has_the_variables_that_the_handler_reads():
    source = "".join(path.read_text() for path in SOURCE.glob("lambda_*.py"))
    read = set(re.findall(r"environ\.get\(\s*\"([A-Z_]+)\"", source))
    variables = properties(slack_function())["Environment"]["Variables"]
    assert set(variables) <= read
    # A parameter of a template would show the secret itself, and a prefix is in settings
    assert read - set(variables) <= {
        "AWS_LAMBDA_FUNCTION_NAME",
        "SITE_PREFIX",
        "SLACK_SIGNING_SECRET",
    }


def slack_function():
    """Return the logical id of the function."""
    resources = template(right(Options(slack=True)))["Resources"]
    [name] = [
        name
        for name, each in resources.items()
        if each["Type"] == "AWS::Lambda::Function"
    ]
    return name


def test_the_function_has_the_time_and_the_memory_that_it_needs():
    function = properties(slack_function())
    assert (function["Timeout"], function["MemorySize"]) == (90, 512)


def test_anybody_may_call_the_url_because_the_handler_checks_the_signature():
    assert properties("SlackUrl")["AuthType"] == "NONE"
    assert properties("SlackUrlPermission")["FunctionUrlAuthType"] == "NONE"
    assert properties("SlackInvokePermission")["InvokedViaFunctionUrl"] is True


def test_its_role_purges_this_distribution_and_reads_this_secret():
    [policy] = properties("SlackRole")["Policies"]
    allowed = {
        each["Sid"]: (each["Action"], each["Resource"])
        for each in policy["PolicyDocument"]["Statement"]
    }
    actions, resources = allowed["Purge"]
    assert "cloudfront:ListInvalidations" in actions
    assert resources[0]["Fn::Sub"].endswith("distribution/${Distribution}")
    assert allowed["ReadSecret"] == (
        ["secretsmanager:GetSecretValue"],
        [{"Ref": "SlackSigningSecretArn"}],
    )
    assert "*" not in [resource for _, some in allowed.values() for resource in some]


def test_its_role_names_the_function():
    name = properties(slack_function())["FunctionName"]
    assert len(name) <= 64
    [policy] = properties("SlackRole")["Policies"]
    own = policy["PolicyDocument"]["Statement"][2]["Resource"][0]["Fn::Sub"]
    assert own.endswith(f":function:{name}")
