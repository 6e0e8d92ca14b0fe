"""The Lambda function of the Slack command, with its URL and its role."""

from collective.cloudfront.blueprint import slack as lambda_function
from collective.cloudfront.blueprint.cloudformation.access import purged
from collective.cloudfront.blueprint.cloudformation.around import arn_of
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.slack import Parameter
from collective.cloudfront.blueprint.slack import PARAMETERS
from collective.cloudfront.blueprint.values import Blueprint
from typing import Any


FUNCTION = "SlackFunction"


def parameters() -> dict[str, Any]:
    """Return the parameters; secrets are never shown."""
    return {each.camel: _parameter(each) for each in PARAMETERS}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    declared: dict[str, Any] = {"Type": "String"}
    if parameter.default is not None:
        declared["Default"] = parameter.default
    if parameter.pattern:
        declared["AllowedPattern"] = parameter.pattern
    if parameter.is_secret:
        declared["NoEcho"] = True
    declared["Description"] = parameter.description
    return declared


def slack(blueprint: Blueprint) -> dict[str, Any]:
    """Return the resources, if they are wanted."""
    options = blueprint.options
    if not options.slack:
        return {}
    ids = purged(blueprint)
    function = {
        # Its role names it, so it has a name of our own; 64 characters at most
        "FunctionName": lambda_function.name_of(options),
        "Handler": lambda_function.HANDLER,
        "Runtime": lambda_function.RUNTIME,
        "MemorySize": lambda_function.MEMORY,
        "Timeout": lambda_function.TIMEOUT,
        "Role": GetAtt("SlackRole", "Arn"),
        "Code": {
            "S3Bucket": Ref(lambda_function.BUCKET.camel),
            "S3Key": Ref(lambda_function.KEY.camel),
        },
        "Environment": {
            "Variables": lambda_function.environment(
                options,
                Sub(" ".join(f"${{{each}}}" for each in ids)),
                {each.name: Ref(each.camel) for each in PARAMETERS},
            )
        },
    }
    return {
        "SlackRole": Why(
            _role(ids, lambda_function.name_of(options)),
            "What the Slack command may do.",
        ),
        FUNCTION: Why(
            {"Type": "AWS::Lambda::Function", "Properties": function},
            "Purges when somebody enters /cdn-purge in Slack, also while Plone is away.",
        ),
        "SlackUrl": {
            "Type": "AWS::Lambda::Url",
            "Properties": {
                "AuthType": Why(
                    "NONE", "Slack signs its requests, and the function checks that."
                ),
                "TargetFunctionArn": GetAtt(FUNCTION, "Arn"),
            },
        },
        "SlackUrlPermission": _permission(
            Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
        ),
        "SlackInvokePermission": _permission(
            Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
        ),
    }


def _permission(**more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": GetAtt(FUNCTION, "Arn"),
            "Principal": "*",
            **more,
        },
    }


def _role(ids: list[str], name: str) -> dict[str, Any]:
    document = lambda_function.role_document(
        [arn_of(each) for each in ids],
        Ref(lambda_function.SECRET.camel),
        Sub(
            "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
            + name
        ),
        Sub(
            "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
            f"/aws/lambda/{name}:*"
        ),
    )
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": lambda_function.trust(),
            "Policies": [{"PolicyName": "slack", "PolicyDocument": document}],
        },
    }
