"""The gateway: CreateInvalidation and GetInvalidation, with typed answers.

SDK shapes end here: what leaves this module is an ``Answer`` with an ``Outcome``
and two sentences for people, or a probe's ``Reply``. boto3 is imported when it is first needed, which is
in the courier's thread: its cold start costs 230 ms and 37 MB.
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.outbox.causes import as_line
from collective.cloudfront.wording import say
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any
from typing import Protocol

import logging
import threading
import traceback
import uuid


logger = logging.getLogger("collective.cloudfront")

#: Seconds. boto3's 60 s each would hold the courier for minutes.
CONNECT_TIMEOUT = 3
READ_TIMEOUT = 10
#: Seconds, for connecting and for reading, where the answer is only good to know.
SHORT_TIMEOUT = 2
#: Characters that are kept of what AWS says.
LONGEST_REASON = 1000


class Outcome(Enum):
    """What came of a call."""

    ACCEPTED = "accepted"
    #: The API rate is used up: wait, and call less often.
    THROTTLED = "throttled"
    #: Too many invalidations in progress: wait, and send less at a time.
    OVER_QUOTA = "over quota"
    #: Nobody knows whether it arrived: repeat it unchanged.
    TRANSIENT = "transient"
    #: At least one of the items is refused.
    REFUSED_ITEMS = "refused items"
    #: The caller reference was used before with other items.
    REFERENCE_TAKEN = "reference taken"
    #: A person must do something first.
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to sign. All empty: boto3's default chain.

    ``secret_access_key`` never shows in a ``repr``, and so in no log or traceback.
    """

    profile: str = ""
    role_arn: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """CloudFront's answer. ``invalidation`` and ``status`` are set if accepted."""

    outcome: Outcome
    invalidation: str = ""
    status: str = ""
    reason: str = ""
    advice: str = ""


class Gateway(Protocol):
    """What the courier needs of CloudFront. No method raises."""

    def prepare(self, credentials: Credentials) -> None:
        """Get ready for calls: there will be one in a moment."""

    def create(
        self,
        distribution: str,
        credentials: Credentials,
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """Ask for an invalidation of ``items`` under a caller reference."""

    def look_up(
        self, distribution: str, credentials: Credentials, invalidation: str
    ) -> Answer:
        """Ask for the status of an accepted invalidation."""


_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
_REFUSED_ITEMS = frozenset({"InvalidArgument", "BatchTooLarge"})
_TRANSIENT = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "PriorRequestNotComplete",
        # These can only mean that our request was damaged on its way.
        "InconsistentQuantities",
        "MissingBody",
    }
)

#: What to do, by error code: a code of ``wording``.
_ADVICE = {
    "AccessDenied": "advice_denied",
    "NoSuchDistribution": "advice_distribution",
    "EntityNotFound": "advice_tenant",
    "InvalidClientTokenId": "advice_key_id",
    "UnrecognizedClient": "advice_key_id",
    "SignatureDoesNotMatch": "advice_signature",
    "ExpiredToken": "advice_expired",
    "RequestExpired": "advice_clock",
    "RequestTimeTooSkewed": "advice_clock",
}


class Boto3Gateway:
    """See ``Gateway``. One client per set of credentials, shared by all threads."""

    def __init__(self) -> None:
        self._clients: dict[Credentials, Any] = {}
        self._lock = threading.Lock()

    def prepare(self, credentials: Credentials) -> None:
        try:
            self._client(credentials)
        except Exception as error:
            # The call that follows meets the same error, and it is dealt with there.
            logger.debug("No client yet: %s", error)

    def create(
        self,
        distribution: str,
        credentials: Credentials,
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        batch = {
            "Paths": {"Quantity": len(items), "Items": list(items)},
            "CallerReference": reference,
        }

        def call(client: Any) -> dict:
            if is_tenant(distribution):
                return client.create_invalidation_for_distribution_tenant(
                    Id=distribution, InvalidationBatch=batch
                )
            return client.create_invalidation(
                DistributionId=distribution, InvalidationBatch=batch
            )

        return self._ask(distribution, credentials, call)

    def look_up(
        self, distribution: str, credentials: Credentials, invalidation: str
    ) -> Answer:
        def call(client: Any) -> dict:
            if is_tenant(distribution):
                return client.get_invalidation_for_distribution_tenant(
                    DistributionTenantId=distribution, Id=invalidation
                )
            return client.get_invalidation(DistributionId=distribution, Id=invalidation)

        def call_or_forgotten(client: Any) -> dict:
            try:
                return call(client)
            except client.exceptions.NoSuchInvalidation:
                # CloudFront does not remember it for ever; then it is long done.
                return {"Invalidation": {"Id": invalidation, "Status": "Unknown"}}

        return self._ask(distribution, credentials, call_or_forgotten)

    def _ask(self, distribution: str, credentials: Credentials, call: Any) -> Answer:
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
                self._clients[credentials] = _make_client(credentials)
            return self._clients[credentials]


def is_tenant(distribution: str) -> bool:
    """Tell a distribution tenant (``dt_…``) from a distribution (``E…``)."""
    return distribution.startswith("dt_")


def _make_client(credentials: Credentials) -> Any:
    return _client_of(_make_session(credentials))


def _client_of(session: Any) -> Any:
    # CloudFront is global, but boto3 wants a region to sign for.
    return session.client("cloudfront", region_name=session.region_name or "us-east-1")


def _make_session(credentials: Credentials) -> Any:
    from botocore.exceptions import PartialCredentialsError

    import boto3

    if bool(credentials.access_key_id) != bool(credentials.secret_access_key):
        # boto3 would sign with whatever else it finds.
        missing = "secret access key" if credentials.access_key_id else "access key id"
        raise PartialCredentialsError(provider="the settings", cred_var=missing)
    session = boto3.session.Session(
        botocore_session=_new_session(),
        profile_name=credentials.profile or None,
        aws_access_key_id=credentials.access_key_id or None,
        aws_secret_access_key=credentials.secret_access_key or None,
    )
    if credentials.role_arn:
        session = _assume(session, credentials.role_arn)
    return session


def _new_session() -> Any:
    """Return a session whose clients, those for credentials as well, wait shortly."""
    from botocore.config import Config
    from botocore.session import get_session

    session = get_session()
    session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            # The courier repeats, with the pace of all its calls in view.
            retries={"total_max_attempts": 1},
            user_agent_extra="collective.cloudfront",
        )
    )
    return session


def _assume(source: Any, role_arn: str) -> Any:
    """Return a session whose credentials are the role's, renewed by themselves."""
    from botocore.credentials import AssumeRoleCredentialFetcher
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    import boto3

    own = source.get_credentials()
    if own is None:
        raise NoCredentialsError()
    core = _new_session()
    region = source.region_name or "us-east-1"
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda *args, **kwargs: core.create_client(
            *args, **{"region_name": region, **kwargs}
        ),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "collective.cloudfront"},
    )
    # botocore offers no public way to hand refreshing credentials to a session.
    core._credentials = DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
    return boto3.session.Session(botocore_session=core, region_name=region)


def classify(error: Exception, distribution: str) -> Answer:
    """Type an error of boto3: what it means for the batch, and what to do.

    What others wrote becomes a line: it is logged, and shown to people.
    """
    answer = _classify(error, distribution)
    return replace(answer, reason=as_line(answer.reason, LONGEST_REASON))


def _classify(error: Exception, distribution: str) -> Answer:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return _classify_response(error.response, error.operation_name)
    if _is_unreachable(error):
        return Answer(
            Outcome.TRANSIENT,
            reason=_why_unreachable(error),
            advice=say("advice_unreachable"),
        )
    if isinstance(
        error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)
    ):
        return Answer(
            Outcome.MISCONFIGURED,
            reason=say("no_credentials", error=error),
            advice=say("advice_credentials"),
        )
    if isinstance(error, exceptions.BotoCoreError):
        return Answer(
            Outcome.MISCONFIGURED,
            reason=say("configuration", error=error),
            advice=say("advice_settings"),
        )
    if isinstance(error, RuntimeError) and "shutdown" in str(error):
        # A script has ended while its courier was at work; the next one goes on.
        return Answer(Outcome.TRANSIENT, reason=say("ending"))
    logger.error("Calling CloudFront for %s failed.", distribution, exc_info=error)
    return Answer(
        Outcome.TRANSIENT,
        reason=say("unexpected", error=repr(error)),
        advice=say("advice_unexpected"),
    )


def _is_unreachable(error: Exception) -> bool:
    """Say whether there was no answer, or none that AWS gave."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    return isinstance(
        error,
        (
            exceptions.ConnectionError,
            exceptions.HTTPClientError,
            ResponseParserError,
            exceptions.IncompleteReadError,
        ),
    )


def _why_unreachable(error: Exception) -> str:
    """Say what happened, without the headers that may not be shown.

    A session token with a line break at its end cannot be sent as a header; Python
    repeats it in the error, and botocore in an HTTPClientError of its own.
    """
    cause = getattr(error, "kwargs", {}).get("error")
    if isinstance(cause, ValueError) and "header" in str(cause):
        return say("header")
    return say("unreachable", error=error)


def _classify_response(response: dict, operation: str) -> Answer:
    code = str(response.get("Error", {}).get("Code", ""))
    message = response.get("Error", {}).get("Message", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = f"{code}: {message}" if message else code
    if code == "TooManyInvalidationsInProgress":
        return Answer(
            Outcome.OVER_QUOTA,
            reason=say("over_quota", error=reason),
            advice=say("advice_nothing"),
        )
    if code in _THROTTLED or status == 429:
        return Answer(
            Outcome.THROTTLED,
            reason=say("throttled", error=reason),
            advice=say("advice_nothing"),
        )
    if code in _REFUSED_ITEMS or status == 413:
        return Answer(
            Outcome.REFUSED_ITEMS,
            reason=reason,
            advice=say("advice_path"),
        )
    if code == "InvalidationBatchAlreadyExists":
        return Answer(Outcome.REFERENCE_TAKEN, reason=reason)
    if status >= 500 or code in _TRANSIENT:
        return Answer(
            Outcome.TRANSIENT,
            reason=say("failed", error=reason or status),
            advice=say("advice_nothing"),
        )
    if operation.startswith("AssumeRole") and code.startswith("AccessDenied"):
        return Answer(
            Outcome.MISCONFIGURED,
            reason=say("role", error=reason),
            advice=say("advice_role"),
        )
    return Answer(
        Outcome.MISCONFIGURED,
        reason=say("refused", error=reason),
        # The IAM actions are called like the operations; those on tenants differ.
        advice=say(
            _ADVICE.get(code.removesuffix("Exception"), "advice_settings"),
            operation=operation,
        ),
    )


# --- questions about the connection ---------------------------------------------------


#: ``Reply.error`` where there is no error code of AWS and no exception of botocore.
UNREACHABLE = "Unreachable"
UNEXPECTED = "Unexpected"

#: Looks like the id of an invalidation, and is none.
_NO_INVALIDATION = "IDOESNOTEXIST"

#: Characters. AWS's have 40 and more; removing less would mutilate other words.
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Signer:
    """Credentials that were found: botocore's name for how, and what may be shown."""

    method: str
    #: The last four characters of the access key id.
    key_ending: str


@dataclass(frozen=True, slots=True)
class QueryStrings:
    """Which query strings are in the cache key.

    ``behaviour`` is CloudFront's word: ``none``, ``whitelist``, ``allExcept`` or
    ``all``; ``names`` are those of the two in the middle.
    """

    behaviour: str
    names: tuple[str, ...] = ()
    #: False: the longest lifetime is 0 seconds, nothing is kept.
    caches: bool = True


@dataclass(frozen=True, slots=True)
class Described:
    """What AWS tells of a distribution, or of a tenant.

    ``status`` is empty if it was not told. A tenant has a ``parent``, the distribution
    that holds what follows; there ``query_strings`` is None, as it is where a
    ``cache_policy`` decides.
    """

    status: str
    enabled: bool
    #: The host names that it answers to, ``*.`` included.
    hosts: tuple[str, ...]
    parent: str = ""
    tag_header: str = ""
    cache_policy: str = ""
    query_strings: QueryStrings | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a probe's question: something ``found``, or an ``error``.

    ``error`` is AWS's error code, the name of botocore's exception, ``UNREACHABLE``
    or ``UNEXPECTED``; ``reason`` says more, and no secret. ``date`` is AWS's clock
    when it answered, in seconds since the epoch; None without an answer.
    """

    found: Any = None
    error: str = ""
    outcome: Outcome = Outcome.ACCEPTED
    #: Of HTTP; 0 without an answer.
    status: int = 0
    reason: str = ""
    #: The API's name of what was refused: not always what was asked for, since a role
    #: may have to be assumed before.
    operation: str = ""
    date: float | None = None


class Probe:
    """Asks AWS about a connection. No method raises, changes or bills anything.

    For one thread. It has a session of its own, so that what it finds is what holds
    now, and the courier's clients do not suffer.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._secrets = {credentials.secret_access_key}
        self._session: Any = None
        self._client: Any = None

    def sign(self) -> Reply:
        """Find the credentials: a ``Signer``. To be asked first."""
        return self._ask(self._find_credentials, lambda found: found)

    def identity(self) -> Reply:
        """Ask STS who we are: an ARN. It is not waited for as long as CloudFront."""
        return self._ask(self._call_sts, lambda answer: answer["Arn"])

    def distribution(self, distribution: str) -> Reply:
        """Ask what a distribution is like: ``Described``."""
        return self._ask(
            lambda: self._client.get_distribution(Id=distribution),
            lambda answer: _read_distribution(answer["Distribution"]),
        )

    def configuration(self, distribution: str) -> Reply:
        """Ask for the same by another permission: ``Described``, without status."""
        return self._ask(
            lambda: self._client.get_distribution_config(Id=distribution),
            _read_distribution,
        )

    def tenant(self, tenant: str) -> Reply:
        """Ask what a distribution tenant is like: ``Described``."""
        return self._ask(
            lambda: self._client.get_distribution_tenant(Identifier=tenant),
            lambda answer: _read_tenant(answer["DistributionTenant"]),
        )

    def cache_policy(self, policy: str) -> Reply:
        """Ask what a cache policy puts into the cache key: ``QueryStrings``."""
        return self._ask(
            lambda: self._client.get_cache_policy(Id=policy),
            lambda answer: _read_policy(answer["CachePolicy"]["CachePolicyConfig"]),
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

        def call() -> dict:
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

        def call() -> dict:
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

        self._session = _make_session(self._credentials)
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError()
        # Only now a role is assumed, or what has expired is renewed.
        frozen = credentials.get_frozen_credentials()
        self._secrets |= {frozen.secret_key, frozen.token}
        self._client = _client_of(self._session)
        return Signer(credentials.method, frozen.access_key.strip()[-4:])

    def _call_sts(self) -> dict:
        from botocore.config import Config

        sts = self._session.client(
            "sts",
            region_name=self._session.region_name or "us-east-1",
            config=Config(connect_timeout=SHORT_TIMEOUT, read_timeout=SHORT_TIMEOUT),
        )
        return sts.get_caller_identity()

    def _ask(self, call: Callable[[], Any], read: Callable[[Any], Any]) -> Reply:
        try:
            answer = call()
            found, date = read(answer), _date_of(answer)
            return Reply(found=found, status=_status_of(answer), date=date)
        except Exception as error:
            return self._failed(error)

    def _failed(self, error: Exception) -> Reply:
        from botocore import exceptions

        reason = self._without_secrets(str(error))
        if isinstance(error, exceptions.ClientError):
            return self._refused(error)
        if _is_unreachable(error):
            return Reply(error=UNREACHABLE, outcome=Outcome.TRANSIENT, reason=reason)
        if isinstance(error, exceptions.CredentialRetrievalError):
            # What a credential_process has written may be anything.
            provider = error.kwargs.get("provider", "")
            if provider == "custom-process":
                reason = f"Error when retrieving credentials from {provider}"
        if isinstance(error, exceptions.BotoCoreError):
            outcome = Outcome.MISCONFIGURED
            return Reply(error=type(error).__name__, outcome=outcome, reason=reason)
        story = "".join(traceback.format_exception(error))
        logger.error("Asking AWS failed.\n%s", self._without_secrets(story))
        return Reply(
            error=UNEXPECTED, outcome=Outcome.TRANSIENT, reason=type(error).__name__
        )

    def _refused(self, error: Any) -> Reply:
        answer = error.response
        said = answer.get("Error", {})
        status = _status_of(answer)
        code = str(said.get("Code", "")) or str(status)
        message = self._without_secrets(str(said.get("Message", "")))
        return Reply(
            error=code,
            outcome=_classify_response(answer, error.operation_name).outcome,
            status=status,
            reason=f"{code}: {message}" if message else code,
            operation=error.operation_name,
            date=_date_of(answer),
        )

    def _without_secrets(self, text: str) -> str:
        # A session token with a line break, say, comes back in the error about the
        # header that cannot be sent: as a whole, and escaped.
        for secret in filter(None, self._secrets):
            for form in (secret, repr(secret)[1:-1], *secret.split()):
                if len(form) >= _SHORTEST_SECRET:
                    text = text.replace(form, "…")
        return text


def _metadata_of(answer: Any) -> dict:
    """Return what boto3 says about an answer; nothing if no call was made."""
    return answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}


def _status_of(answer: Any) -> int:
    return _metadata_of(answer).get("HTTPStatusCode", 0)


def _date_of(answer: Any) -> float | None:
    """Return when AWS answered by its own clock, if it says so."""
    headers = _metadata_of(answer).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _read_distribution(answer: dict) -> Described:
    """Read a Distribution, or what else has a DistributionConfig."""
    config = answer["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    own = [answer["DomainName"]] if "DomainName" in answer else []
    return Described(
        status=answer.get("Status", ""),
        enabled=config["Enabled"],
        hosts=(*config.get("Aliases", {}).get("Items", ()), *own),
        tag_header=config.get("CacheTagConfig", {}).get("HeaderName", ""),
        cache_policy=behaviour.get("CachePolicyId", ""),
        query_strings=_read_forwarded(behaviour.get("ForwardedValues")),
    )


def _read_forwarded(values: dict | None) -> QueryStrings | None:
    if values is None:
        return None
    if not values["QueryString"]:
        return QueryStrings("none")
    names = tuple(values.get("QueryStringCacheKeys", {}).get("Items", ()))
    return QueryStrings("whitelist", names) if names else QueryStrings("all")


def _read_tenant(answer: dict) -> Described:
    return Described(
        status=answer.get("Status", ""),
        enabled=answer.get("Enabled", True),
        hosts=tuple(domain["Domain"] for domain in answer.get("Domains", ())),
        parent=answer.get("DistributionId", ""),
    )


def _read_policy(config: dict) -> QueryStrings:
    parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin", {})
    chosen = parameters.get("QueryStringsConfig", {})
    return QueryStrings(
        chosen.get("QueryStringBehavior", "none"),
        tuple(chosen.get("QueryStrings", {}).get("Items", ())),
        caches=config.get("MaxTTL", 1) > 0,
    )
