"""The gateway: CreateInvalidation and GetInvalidation, with typed answers.

The SDK's shapes end here and in ``errors``: what leaves this module is an ``Answer``.
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.choice import Choice
from collective.cloudfront.delivery.aws.errors import classify
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import is_tenant
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.aws.session import make_client
from typing import Any

import logging
import threading


logger = logging.getLogger("collective.cloudfront")

#: Asks a client for an invalidation; returns boto3's response.
_Call = Callable[[Any], Any]


class Boto3Gateway:
    """See ``Gateway``. One client per set of credentials, shared by all threads."""

    def __init__(self) -> None:
        self._choice = Choice()
        self._clients: dict[Credentials, Any] = {}
        self._lock = threading.Lock()

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        """Make the client that is tried first."""
        try:
            self._client(credentials[0])
        except Exception as error:
            # The call that follows meets the same error, and it is dealt with there.
            logger.debug("No client yet: %s", error)

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """Create an invalidation."""
        batch = {
            "Paths": {"Quantity": len(items), "Items": list(items)},
            "CallerReference": reference,
        }

        def call(client: Any) -> Any:
            if is_tenant(distribution):
                return client.create_invalidation_for_distribution_tenant(
                    Id=distribution, InvalidationBatch=batch
                )
            return client.create_invalidation(
                DistributionId=distribution, InvalidationBatch=batch
            )

        return self._ask(("create", distribution), credentials, call)

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        """Get an invalidation."""

        def call(client: Any) -> Any:
            if is_tenant(distribution):
                return client.get_invalidation_for_distribution_tenant(
                    DistributionTenantId=distribution, Id=invalidation
                )
            return client.get_invalidation(DistributionId=distribution, Id=invalidation)

        def call_or_forgotten(client: Any) -> Any:
            try:
                return call(client)
            except client.exceptions.NoSuchInvalidation:
                # CloudFront does not remember it for ever; then it is long done.
                return {"Invalidation": {"Id": invalidation, "Status": "Unknown"}}

        return self._ask(("look up", distribution), credentials, call_or_forgotten)

    def _ask(
        self, kind: tuple[str, str], credentials: Sequence[Credentials], call: _Call
    ) -> Answer:
        _operation, distribution = kind
        return self._choice.first_answer(
            kind, credentials, lambda each: self._ask_with(distribution, each, call)
        )

    def _ask_with(
        self, distribution: str, credentials: Credentials, call: _Call
    ) -> Answer:
        try:
            response = call(self._client(credentials))
            invalidation = response["Invalidation"]
            return Answer(
                Outcome.ACCEPTED,
                invalidation=invalidation["Id"],
                status=invalidation["Status"],
            )
        except Exception as error:
            answer = classify(error, distribution)
        if answer.outcome is Outcome.MISCONFIGURED:
            # The next try must look for credentials again, not repeat these.
            with self._lock:
                self._clients.pop(credentials, None)
        return answer

    def _client(self, credentials: Credentials) -> Any:
        # Clients are thread-safe; sessions and the making of clients are not.
        with self._lock:
            if credentials not in self._clients:
                self._clients[credentials] = make_client(credentials)
            return self._clients[credentials]
