"""The gateway: CreateInvalidation and GetInvalidation, with typed answers.

The SDK's shapes end here and in ``errors``: what leaves this module is an ``Answer``.
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.choice import Choice
from collective.cloudfront.delivery.aws.errors import classify
from collective.cloudfront.delivery.aws.errors import timed_out
from collective.cloudfront.delivery.aws.errors import unreadable
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import is_tenant
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.aws.session import Client
from collective.cloudfront.delivery.aws.session import make_client
from collective.cloudfront.delivery.calls import current
from typing import Any

import logging
import threading


logger = logging.getLogger("collective.cloudfront")

CREATE = "create"
#: What a person can cure without a restart, or what may be because of that.
_CURABLE = (Outcome.MISCONFIGURED, Outcome.TRANSIENT)

#: Asks a client for an invalidation; returns boto3's response.
_Call = Callable[[Any], Any]


class _Slot:
    """A client that is made once, by one thread; others wait for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.client: Client | None = None


class Boto3Gateway:
    """See ``Gateway``. One client per set of credentials, shared by all threads.

    A call works for the ``calls.Call`` of its thread: when that is given up, the client
    is forgotten, and the connection closed.
    """

    def __init__(self) -> None:
        self._choice = Choice()
        self._slots: dict[Credentials, _Slot] = {}
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

        return self._ask((CREATE, distribution), credentials, call)

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
        return self._choice.first_answer(
            kind, credentials, lambda each: self._ask_with(kind, each, call)
        )

    def _ask_with(
        self, kind: tuple[str, str], credentials: Credentials, call: _Call
    ) -> Answer:
        operation, distribution = kind
        try:
            client = self._client(credentials)
            client.check_credentials()
            response = call(client.boto)
            invalidation = response.get("Invalidation", {})
            if "Id" in invalidation and "Status" in invalidation:
                return Answer(
                    Outcome.ACCEPTED,
                    invalidation=invalidation["Id"],
                    status=invalidation["Status"],
                )
            answer = unreadable(response)
        except Exception as error:
            if current().given_up:
                return timed_out(current().sent)  # nobody uses it
            answer = classify(error, distribution)
        if operation == CREATE and answer.outcome in _CURABLE:
            # The next try must look at credentials, endpoints and certificates again.
            # What may not be looked up is no reason: the same client is fit to create.
            self._forget(credentials)
        return answer

    def _client(self, credentials: Credentials) -> Client:
        # Clients are thread-safe; sessions and the making of clients are not.
        with self._lock:
            slot = self._slots.setdefault(credentials, _Slot())
        current().when_given_up("credentials", lambda: self._given_up(credentials))
        with slot.lock:
            if slot.client is None:
                slot.client = make_client(credentials)
            return slot.client

    def _given_up(self, credentials: Credentials) -> None:
        self._choice.hangs(credentials)
        self._forget(credentials)

    def _forget(self, credentials: Credentials) -> None:
        with self._lock:
            self._slots.pop(credentials, None)
