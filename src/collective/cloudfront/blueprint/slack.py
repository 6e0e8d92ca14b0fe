"""The Lambda function of the Slack command, as values: ``slack.lambda_handler`` says what it
needs, and ``slack.package`` makes its ZIP file.
"""

from collections.abc import Mapping
from collective.cloudfront.blueprint.options import Options
from collective.cloudfront.blueprint.permissions import PURGE
from collective.cloudfront.blueprint.permissions import Statement
from collective.cloudfront.blueprint.permissions import statement
from collective.cloudfront.blueprint.permissions import VERSION
from dataclasses import dataclass
from typing import Any


HANDLER = "collective.cloudfront.slack.lambda_handler.handler"
RUNTIME = "python3.13"
#: MB. With less, the first call takes longer than Slack waits.
MEMORY = 512
#: Seconds. It waits for CloudFront after it has answered.
TIMEOUT = 90


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the person who deploys it must say; ``variable`` is that of the function."""

    name: str
    description: str
    variable: str = ""
    pattern: str = ""
    default: str | None = None
    is_secret: bool = False

    @property
    def camel(self) -> str:
        """Its name in CloudFormation."""
        return "".join(map(str.capitalize, self.name.split("_")))


BUCKET = Parameter(
    "slack_code_bucket",
    "S3 bucket with the ZIP file, in the same region. Make the file with: python -m "
    "collective.cloudfront.slack.package cdn-purge.zip",
)
KEY = Parameter("slack_code_key", "Key of the ZIP file", default="cdn-purge.zip")
SECRET = Parameter(
    "slack_signing_secret_arn",
    "ARN of the secret in AWS Secrets Manager that has the signing secret of the Slack app",
    "SLACK_SIGNING_SECRET_ARN",
    "arn:aws[a-z-]*:secretsmanager:.+",
)
PARAMETERS = (
    BUCKET,
    KEY,
    SECRET,
    Parameter(
        "slack_team",
        "ID of the workspace, such as T012ABCDE",
        "SLACK_TEAM",
        "[TE][A-Z0-9]+",
    ),
    Parameter(
        "slack_channels",
        "IDs of the channels where the command works, separated by spaces",
        "SLACK_CHANNELS",
        "[CGD][A-Z0-9]+( [CGD][A-Z0-9]+)*",
    ),
    Parameter(
        "slack_users",
        "Who may do what, such as: U024BE7LH status pages tags all; * status",
        "SLACK_USERS",
    ),
    Parameter(
        "slack_webhook",
        "An incoming webhook of Slack that hears of each purge; optional",
        "SLACK_WEBHOOK_URL",
        default="",
        is_secret=True,
    ),
)

#: On each distribution.
PURGES = Statement(
    "Purge",
    (*PURGE.actions, "cloudfront:ListInvalidations"),
    "The Slack command purges, and says what is in progress.",
)


def name_of(options: Options) -> str:
    """Return the name of the function, and of its role where that has a name."""
    return f"{options.name}-slack"


def environment(
    options: Options, distributions: Any, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the variables of the function: ``parameters`` has how the template names
    each parameter.
    """
    variables: dict[str, Any] = {
        "CLOUDFRONT_DISTRIBUTION_ID": distributions,
        **{
            each.variable: parameters[each.name] for each in PARAMETERS if each.variable
        },
        "SITE_API": "off" if options.is_classic else "on",
    }
    hosts = [each for each in options.domains if not each.startswith("*")]
    if hosts:
        variables["SITE_HOSTS"] = " ".join(hosts)
    return variables


def role_document(
    distributions: list[Any], secret: Any, function: Any, log_group: Any
) -> dict[str, Any]:
    """Return what the function may do, for the ARNs of these."""
    statements = [
        statement(PURGES, *distributions),
        _allow("ReadSecret", secret, "secretsmanager:GetSecretValue"),
        # It calls itself to wait for CloudFront
        _allow("CallItself", function, "lambda:InvokeFunction"),
        _allow(
            "WriteLog",
            log_group,
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ),
    ]
    return {"Version": VERSION, "Statement": statements}


def trust() -> dict[str, Any]:
    """Return who may assume the function's role."""
    service = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["sts:AssumeRole"],
    }
    return {"Version": VERSION, "Statement": [service]}


def _allow(sid: str, resource: Any, *actions: str) -> dict[str, Any]:
    return statement(Statement(sid, actions, ""), resource)
