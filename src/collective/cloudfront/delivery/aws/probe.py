"""The diagnostic client: asks AWS about a connection, and never changes anything."""

from collections.abc import Callable
from collective.cloudfront.delivery.aws.behaviors import read_cache_policy
from collective.cloudfront.delivery.aws.behaviors import read_request_policy
from collective.cloudfront.delivery.aws.behaviors import read_response_policy
from collective.cloudfront.delivery.aws.causes import cause_of
from collective.cloudfront.delivery.aws.described import date_of
from collective.cloudfront.delivery.aws.described import read_distribution
from collective.cloudfront.delivery.aws.described import read_tenant
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.delivery.aws.described import Signer
from collective.cloudfront.delivery.aws.described import status_of
from collective.cloudfront.delivery.aws.described import UNEXPECTED
from collective.cloudfront.delivery.aws.described import UNREACHABLE
from collective.cloudfront.delivery.aws.errors import classify_refusal
from collective.cloudfront.delivery.aws.errors import CredentialsFailed
from collective.cloudfront.delivery.aws.errors import is_unreachable
from collective.cloudfront.delivery.aws.errors import NeedsPerson
from collective.cloudfront.delivery.aws.errors import refusal_of
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import is_tenant
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.aws.session import client_of
from collective.cloudfront.delivery.aws.session import make_session
from collective.cloudfront.delivery.aws.session import reading_credentials
from collective.cloudfront.delivery.aws.session import region_of
from collective.cloudfront.outbox.messages import message
from dataclasses import dataclass
from typing import Any

import logging
import traceback
import uuid


logger = logging.getLogger("collective.cloudfront")

#: Seconds, for connecting and for reading, where the answer is only good to know.
SHORT_TIMEOUT = 2

#: Looks like the id of an invalidation, and is none.
_NO_INVALIDATION = "IDOESNOTEXIST"

#: Characters. AWS's have 40 and more; removing less would mutilate other words.
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Way:
    """What AWS says on the way from a distribution, or a tenant, to its configuration.

    ``first`` is the reply to the first question, GetDistribution or
    GetDistributionTenant. ``own`` describes what was asked about, and ``holder`` the
    distribution that holds the configuration: a tenant's parent, otherwise the same.
    """

    first: Reply
    own: Reply
    holder: Reply


class Probe:
    """Asks AWS about a connection. No method raises, changes or bills anything.

    For one thread. It has a session of its own, so that what it finds is what holds
    now, and the courier's clients do not suffer. ``note`` is called with each reply;
    what it raises is raised.
    """

    def __init__(
        self, credentials: Credentials, note: Callable[[Reply], None] = lambda _: None
    ) -> None:
        self._credentials = credentials
        self._note = note
        self._secrets = {credentials.secret_access_key}
        self._session: Any = None
        self._client: Any = None

    def sign(self) -> Reply:
        """Find the credentials: a ``Signer``. To be asked first."""
        return self._ask(self._find_credentials, lambda found: found)

    def identity(self) -> Reply:
        """Ask STS who we are: an ARN. It is not waited for as long as CloudFront."""
        return self._ask(self._call_sts, lambda answer: answer["Arn"])

    def describe(self, distribution: str) -> Way:
        """Ask what a distribution, or a distribution tenant, is like: ``Described``.

        Where GetDistribution is denied, GetDistributionConfig tells the same by another
        permission, but for the status.
        """
        if not is_tenant(distribution):
            first, own = self._distribution(distribution)
            return Way(first, own, own)
        tenant = self._tenant(distribution)
        if tenant.found is None or not tenant.found.parent:
            return Way(tenant, tenant, tenant)
        return Way(tenant, tenant, self._distribution(tenant.found.parent)[1])

    def _distribution(self, distribution: str) -> tuple[Reply, Reply]:
        """Return the reply to GetDistribution, and the one that tells more."""
        first = self._ask(
            lambda: self._client.get_distribution(Id=distribution),
            lambda answer: read_distribution(answer["Distribution"]),
        )
        if cause_of(first) != "denied":
            return first, first
        config = self._ask(
            lambda: self._client.get_distribution_config(Id=distribution),
            read_distribution,
        )
        # Of two refusals the first one names the permission to ask for.
        return first, first if cause_of(config) == "denied" else config

    def _tenant(self, tenant: str) -> Reply:
        return self._ask(
            lambda: self._client.get_distribution_tenant(Identifier=tenant),
            lambda answer: read_tenant(answer["DistributionTenant"]),
        )

    def cache_policy(self, policy: str) -> Reply:
        """Ask what a cache policy says: ``Caching``."""
        return self._ask(
            lambda: self._client.get_cache_policy(Id=policy), read_cache_policy
        )

    def request_policy(self, policy: str) -> Reply:
        """Ask what an origin request policy adds: ``Forwarded``."""
        return self._ask(
            lambda: self._client.get_origin_request_policy(Id=policy),
            read_request_policy,
        )

    def response_policy(self, policy: str) -> Reply:
        """Ask which headers a response headers policy removes: a frozenset."""
        return self._ask(
            lambda: self._client.get_response_headers_policy(Id=policy),
            read_response_policy,
        )

    def try_create(self, distribution: str) -> Reply:
        """Ask for an invalidation of nothing, which AWS must refuse."""
        # There are no Items: whatever AWS makes of the rest, nothing is there that
        # could be invalidated or billed. Quantity contradicts that on purpose, so
        # that it is refused (InconsistentQuantities) once it is authorised. botocore
        # sends both as they are; it neither counts nor corrects.
        batch = {
            "Paths": {"Quantity": 1},
            "CallerReference": f"collective.cloudfront-test-{uuid.uuid4()}",
        }

        def call() -> Any:
            if is_tenant(distribution):
                return self._client.create_invalidation_for_distribution_tenant(
                    Id=distribution, InvalidationBatch=batch
                )
            return self._client.create_invalidation(
                DistributionId=distribution, InvalidationBatch=batch
            )

        return self._ask(call, lambda answer: True)

    def try_look_up(self, distribution: str) -> Reply:
        """Ask for the status of an invalidation that does not exist."""

        def call() -> Any:
            if is_tenant(distribution):
                return self._client.get_invalidation_for_distribution_tenant(
                    DistributionTenantId=distribution, Id=_NO_INVALIDATION
                )
            return self._client.get_invalidation(
                DistributionId=distribution, Id=_NO_INVALIDATION
            )

        return self._ask(call, lambda answer: True)

    def _find_credentials(self) -> Signer:
        from botocore.exceptions import NoCredentialsError

        self._session = make_session(self._credentials)
        with reading_credentials():
            credentials = self._session.get_credentials()
            if credentials is None:
                raise NoCredentialsError()
            # Only now a role is assumed, or what has expired is renewed.
            frozen = credentials.get_frozen_credentials()
        self._secrets |= {frozen.secret_key, frozen.token}
        self._client = client_of(self._session)
        return Signer(credentials.method, frozen.access_key.strip()[-4:])

    def _call_sts(self) -> Any:
        from botocore.config import Config

        sts = self._session.client(
            "sts",
            region_name=region_of(self._session, self._credentials.role_arn),
            config=Config(connect_timeout=SHORT_TIMEOUT, read_timeout=SHORT_TIMEOUT),
        )
        return sts.get_caller_identity()

    def _ask(self, call: Callable[[], Any], read: Callable[[Any], Any]) -> Reply:
        reply = self._reply(call, read)
        self._note(reply)
        return reply

    def _reply(self, call: Callable[[], Any], read: Callable[[Any], Any]) -> Reply:
        try:
            answer = call()
            found, date = read(answer), date_of(answer)
            return Reply(found=found, status=status_of(answer), date=date)
        except Exception as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> Reply:
        from botocore import exceptions

        reason = self._without_secrets(str(error))
        if isinstance(error, exceptions.ClientError):
            return self._refused(error)
        if is_unreachable(error):
            return Reply(error=UNREACHABLE, outcome=Outcome.TRANSIENT, reason=reason)
        if isinstance(error, exceptions.CredentialRetrievalError):
            # What a credential_process has written may be anything.
            provider = error.kwargs.get("provider", "")
            if provider == "custom-process":
                reason = f"Error when retrieving credentials from {provider}"
        if isinstance(error, NeedsPerson):
            reason = f"{message('mfa')}. {message('advice_mfa')}"
        if isinstance(
            error, (exceptions.BotoCoreError, NeedsPerson, CredentialsFailed)
        ):
            outcome = Outcome.MISCONFIGURED
            return Reply(error=type(error).__name__, outcome=outcome, reason=reason)
        story = "".join(traceback.format_exception(error))
        logger.error("Asking AWS failed.\n%s", self._without_secrets(story))
        return Reply(
            error=UNEXPECTED, outcome=Outcome.TRANSIENT, reason=type(error).__name__
        )

    def _refused(self, error: Any) -> Reply:
        refusal = refusal_of(error.response, error.operation_name)
        return Reply(
            error=refusal.code or str(refusal.status),
            outcome=classify_refusal(refusal).outcome,
            status=refusal.status,
            reason=self._without_secrets(refusal.line),
            operation=refusal.operation,
            date=date_of(error.response),
        )

    def _without_secrets(self, text: str) -> str:
        # A session token with a line break, say, comes back in the error about the
        # header that cannot be sent: as a whole, and escaped.
        for secret in filter(None, self._secrets):
            for form in (secret, repr(secret)[1:-1], *secret.split()):
                if len(form) >= _SHORTEST_SECRET:
                    text = text.replace(form, "…")
        return text
