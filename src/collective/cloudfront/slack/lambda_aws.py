"""What the Lambda function asks of AWS: invalidations, its secret, and to be called again."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from typing import Any

import json
import time


#: Seconds. Slack waits for three, and the call is repeated under its caller reference.
CONNECT_TIMEOUT, READ_TIMEOUT = 1.0, 1.5
#: A secret is read again after so many seconds, so that a new one needs no deployment.
SECRET_LASTS = 300.0

_GLOBAL = "us-east-1"


class NoSecret(Exception):
    """The signing secret cannot be read; the text says what to do, and holds none."""


class Failed(Exception):
    """AWS did not do it; ``code`` is AWS's own word, or the kind of an error."""

    def __init__(self, code: str):
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Secret:
    """The signing secret, and the webhook if it is kept with it."""

    signing_secret: str = field(repr=False)
    webhook_url: str = field(default="", repr=False)


class Aws:
    """Clients of boto3, made when they are needed and kept by the container."""

    def __init__(self, environ: Mapping[str, str]):
        self._environ = environ
        self._secret: Secret | None = None
        self._read_at = 0.0

    def secret(self) -> Secret:
        """Return the secret. Raises ``NoSecret``."""
        webhook = self._environ.get("SLACK_WEBHOOK_URL", "").strip()
        plain = self._environ.get("SLACK_SIGNING_SECRET", "").strip()
        if plain:
            return Secret(plain, webhook)
        arn = self._environ.get("SLACK_SIGNING_SECRET_ARN", "").strip()
        if not arn:
            raise NoSecret("Set SLACK_SIGNING_SECRET_ARN or SLACK_SIGNING_SECRET.")
        now = time.monotonic()
        if self._secret is None or now - self._read_at > SECRET_LASTS:
            self._secret = self._read(arn, webhook)
            self._read_at = now
        return self._secret

    def _read(self, arn: str, webhook: str) -> Secret:
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError

        # arn:aws:secretsmanager:REGION:…
        region = (arn.split(":") + [""] * 4)[3] or None
        try:
            client = self._client("secretsmanager", region)
            text = client.get_secret_value(SecretId=arn)["SecretString"]
        except (BotoCoreError, ClientError, KeyError) as error:
            if self._secret is not None:
                return self._secret
            raise NoSecret(
                f"The signing secret cannot be read from AWS Secrets Manager "
                f"({_code(error)}). The role needs secretsmanager:GetSecretValue."
            ) from None
        try:
            values = json.loads(text)
            found, own = str(values["signing_secret"]), values.get("webhook_url")
        except (ValueError, KeyError, TypeError, AttributeError):
            found, own = text, ""
        if not found.strip():
            raise NoSecret("The secret in AWS Secrets Manager is empty.")
        return Secret(found.strip(), webhook or str(own or ""))

    def create(self, distribution: str, reference: str, items: Sequence[str]) -> str:
        """Create an invalidation; return its id. The same reference creates it once.
        Raises ``Failed``.
        """
        paths = {"Quantity": len(items), "Items": list(items)}
        answer = self._call(
            "create_invalidation",
            DistributionId=distribution,
            InvalidationBatch={"Paths": paths, "CallerReference": reference},
        )
        return str(answer["Invalidation"]["Id"])

    def is_completed(self, distribution: str, invalidation: str) -> bool:
        """Say whether CloudFront has completed an invalidation. Raises ``Failed``."""
        answer = self._call(
            "get_invalidation", DistributionId=distribution, Id=invalidation
        )
        return bool(answer["Invalidation"]["Status"] == "Completed")

    def in_progress(self, distribution: str) -> int:
        """Return how many of the latest invalidations are in progress. Raises
        ``Failed``.
        """
        answer = self._call(
            "list_invalidations", DistributionId=distribution, MaxItems="20"
        )
        found = answer["InvalidationList"].get("Items") or []
        return sum(each["Status"] != "Completed" for each in found)

    def invoke_later(self, function: str, event: Mapping[str, Any]) -> None:
        """Have this function called with an event, without waiting. Raises ``Failed``."""
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError

        # arn:aws:lambda:REGION:…
        region = (function.split(":") + [""] * 4)[3] or None
        try:
            self._client("lambda", region).invoke(
                FunctionName=function,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (BotoCoreError, ClientError) as error:
            raise Failed(_code(error)) from None

    def _call(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError

        try:
            return getattr(self._cloudfront, operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise Failed(_code(error)) from None

    @cached_property
    def _cloudfront(self) -> Any:
        return self._client("cloudfront", _GLOBAL)

    def _client(self, service: str, region: str | None) -> Any:
        from botocore.config import Config

        import boto3

        return boto3.client(
            service,
            region_name=region,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
                retries={"total_max_attempts": 1},
                user_agent_extra="collective.cloudfront",
            ),
        )


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
