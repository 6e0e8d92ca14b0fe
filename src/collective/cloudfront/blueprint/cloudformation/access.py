"""Who may purge, and the Lambda function of the Slack command."""

from collective.cloudfront.blueprint.cloudformation.around import arn_of
from collective.cloudfront.blueprint.cloudformation.around import tenant_id
from collective.cloudfront.blueprint.cloudformation.distribution import DISTRIBUTIONS
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.cloudformation.document import Why
from collective.cloudfront.blueprint.options import RunsOn
from collective.cloudfront.blueprint.permissions import policy_document
from collective.cloudfront.blueprint.permissions import SLACK
from collective.cloudfront.blueprint.permissions import statement
from collective.cloudfront.blueprint.permissions import trust_document
from collective.cloudfront.blueprint.permissions import VERSION
from collective.cloudfront.blueprint.values import Blueprint
from collective.cloudfront.blueprint.values import Role
from typing import Any


ROLE, PROFILE, USER, POLICY = "PurgeRole", "PurgeProfile", "PurgeUser", "PurgePolicy"
FUNCTION = "SlackFunction"
HANDLER = "collective.cloudfront.slack.lambda_handler.handler"


def purged(blueprint: Blueprint) -> list[str]:
    """Return the logical ids of the distributions that are purged."""
    return [
        DISTRIBUTIONS[each.role]
        for each in blueprint.distributions
        if each.role is not Role.EDITORS
    ]


def access(blueprint: Blueprint) -> dict[str, Any]:
    """Return the resources of IAM that let Plone purge."""
    options = blueprint.options
    if options.runs_on is RunsOn.NOBODY:
        return {}
    user = options.runs_on is RunsOn.USER
    tenants = [
        GetAtt(tenant_id(number), "Arn") for number in range(len(options.tenants))
    ]
    policy = {
        "PolicyName": "purge-cloudfront",
        "PolicyDocument": policy_document(
            [arn_of(each) for each in purged(blueprint)], tenants
        ),
        **({"Users": [Ref(USER)]} if user else {"Roles": [Ref(ROLE)]}),
    }
    resources: dict[str, Any] = {}
    if user:
        resources[USER] = Why(
            {"Type": "AWS::IAM::User"},
            "Outside AWS, Plone needs an access key of this user. Create it yourself: "
            "a template would show it.",
        )
    else:
        oidc = Sub(
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/"
            + options.oidc_provider
        )
        resources[ROLE] = Why(
            {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": trust_document(options, oidc)
                },
            },
            _ROLES[options.runs_on],
        )
    if options.runs_on is RunsOn.EC2:
        resources[PROFILE] = {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [Ref(ROLE)]},
        }
    resources[POLICY] = Why(
        {"Type": "AWS::IAM::Policy", "Properties": policy},
        "Only the first statement is needed to purge. The others let Plone see whether "
        "the distribution reads cache tags, and check the configuration.",
    )
    return resources


_ROLES = {
    RunsOn.EC2: "Attach the instance profile to the instances that run Plone.",
    RunsOn.ECS: "Use it as TaskRoleArn of the task that runs Plone, or the worker.",
    RunsOn.IRSA: "Annotate the service account of the pods with "
    "eks.amazonaws.com/role-arn and the ARN of this role.",
    RunsOn.POD_IDENTITY: "Associate it with the service account of the pods "
    "(aws eks create-pod-identity-association).",
}

#: The parameters of the Slack command; secrets are never shown.
SLACK_PARAMETERS = {
    "SlackCodeBucket": {
        "Type": "String",
        "Description": "S3 bucket with the ZIP file, in the region of this stack. Make "
        "the file with: python -m collective.cloudfront.slack.package cdn-purge.zip",
    },
    "SlackCodeKey": {
        "Type": "String",
        "Default": "cdn-purge.zip",
        "Description": "Key of the ZIP file",
    },
    "SlackSigningSecretArn": {
        "Type": "String",
        "AllowedPattern": "arn:aws[a-z-]*:secretsmanager:.+",
        "Description": "ARN of the secret in AWS Secrets Manager that has the signing "
        "secret of the Slack app",
    },
    "SlackTeam": {
        "Type": "String",
        "AllowedPattern": "[TE][A-Z0-9]+",
        "Description": "ID of the workspace, such as T012ABCDE",
    },
    "SlackChannels": {
        "Type": "String",
        "AllowedPattern": "[CGD][A-Z0-9]+( [CGD][A-Z0-9]+)*",
        "Description": "IDs of the channels where the command works, separated by spaces",
    },
    "SlackUsers": {
        "Type": "String",
        "Description": "Who may do what, such as: U024BE7LH status pages tags all; "
        "* status",
    },
    "SlackWebhook": {
        "Type": "String",
        "Default": "",
        "NoEcho": True,
        "Description": "An incoming webhook of Slack that hears of each purge; optional",
    },
}


def slack(blueprint: Blueprint) -> dict[str, Any]:
    """Return the Lambda function of the Slack command, its URL and its role."""
    options = blueprint.options
    if not options.slack:
        return {}
    ids = purged(blueprint)
    environment: dict[str, Any] = {
        "CLOUDFRONT_DISTRIBUTION_ID": Sub(" ".join(f"${{{each}}}" for each in ids)),
        "SLACK_SIGNING_SECRET_ARN": Ref("SlackSigningSecretArn"),
        "SLACK_TEAM": Ref("SlackTeam"),
        "SLACK_CHANNELS": Ref("SlackChannels"),
        "SLACK_USERS": Ref("SlackUsers"),
        "SLACK_WEBHOOK_URL": Ref("SlackWebhook"),
        "SITE_API": "off" if options.is_classic else "on",
    }
    hosts = [each for each in options.domains if not each.startswith("*")]
    if hosts:
        environment["SITE_HOSTS"] = " ".join(hosts)
    name = Sub(f"${{AWS::StackName}}-{FUNCTION}")
    function = {
        "FunctionName": name,
        "Handler": HANDLER,
        "Runtime": "python3.13",
        # With less, the first call takes longer than Slack waits
        "MemorySize": 512,
        "Timeout": 90,
        "Role": GetAtt("SlackRole", "Arn"),
        "Code": {"S3Bucket": Ref("SlackCodeBucket"), "S3Key": Ref("SlackCodeKey")},
        "Environment": {"Variables": environment},
    }
    return {
        "SlackRole": Why(_slack_role(ids), "What the Slack command may do."),
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


def _slack_role(ids: list[str]) -> dict[str, Any]:
    own = Sub(
        "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
        f"${{AWS::StackName}}-{FUNCTION}"
    )
    logs = Sub(
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
        f"/aws/lambda/${{AWS::StackName}}-{FUNCTION}:*"
    )
    statements = [
        statement(SLACK, *map(arn_of, ids)),
        _allow(
            "ReadSecret", Ref("SlackSigningSecretArn"), "secretsmanager:GetSecretValue"
        ),
        # It waits for CloudFront after it has answered
        _allow("CallItself", own, "lambda:InvokeFunction"),
        _allow(
            "WriteLog",
            logs,
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ),
    ]
    service = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["sts:AssumeRole"],
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": VERSION, "Statement": [service]},
            "Policies": [
                {
                    "PolicyName": "slack",
                    "PolicyDocument": {"Version": VERSION, "Statement": statements},
                }
            ],
        },
    }


def _allow(sid: str, resource: Any, *actions: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": [resource],
    }
