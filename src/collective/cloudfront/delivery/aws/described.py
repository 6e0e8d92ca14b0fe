"""What AWS says about a connection, as values."""

from collections.abc import Mapping
from collective.cloudfront.delivery.aws.behaviors import Behavior
from collective.cloudfront.delivery.aws.behaviors import read_behaviors
from collective.cloudfront.delivery.aws.port import Outcome
from dataclasses import dataclass
from dataclasses import field
from email.utils import parsedate_to_datetime
from typing import Any


#: ``Reply.error`` where there is no error code of AWS and no exception of botocore.
UNREACHABLE = "Unreachable"
UNEXPECTED = "Unexpected"

#: Seconds that CloudFront keeps an error where nothing is configured (developer guide,
#: "How CloudFront caches HTTP 4xx and 5xx status codes").
ERROR_TTL = 10


@dataclass(frozen=True, slots=True)
class Signer:
    """Credentials that were found: botocore's name for how, and what may be shown."""

    method: str
    #: The last four characters of the access key id.
    key_ending: str


@dataclass(frozen=True, slots=True)
class Described:
    """A distribution or a tenant, as AWS describes it.

    ``status`` is empty if AWS did not name one. A tenant has a ``parent``, the distribution
    that holds what follows.
    """

    status: str
    enabled: bool
    #: The host names that it answers to, ``*.`` included.
    hosts: tuple[str, ...]
    parent: str = ""
    tag_header: str = ""
    behaviors: tuple[Behavior, ...] = ()
    #: The alternate domain names, or the domains of a tenant.
    aliases: tuple[str, ...] = ()
    is_staging: bool = False
    #: Seconds that errors are kept, by status (CustomErrorResponses).
    error_ttls: Mapping[int, int] = field(default_factory=dict)


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


def _metadata_of(answer: Any) -> dict[str, Any]:
    """Return what boto3 says about an answer; nothing if no call was made."""
    return answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}


def status_of(answer: Any) -> int:
    """Return the HTTP status of an answer; 0 without one."""
    return _metadata_of(answer).get("HTTPStatusCode", 0)


def date_of(answer: Any) -> float | None:
    """Return when AWS answered by its own clock, if it says so."""
    headers = _metadata_of(answer).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def read_distribution(answer: dict[str, Any]) -> Described:
    """Read a Distribution, or what else has a DistributionConfig."""
    config = answer["DistributionConfig"]
    own = [answer["DomainName"]] if "DomainName" in answer else []
    aliases = tuple(config.get("Aliases", {}).get("Items", ()))
    return Described(
        status=answer.get("Status", ""),
        enabled=config["Enabled"],
        hosts=(*aliases, *own),
        tag_header=config.get("CacheTagConfig", {}).get("HeaderName", ""),
        behaviors=read_behaviors(config),
        aliases=aliases,
        is_staging=config.get("Staging", False),
        error_ttls={
            each["ErrorCode"]: each.get("ErrorCachingMinTTL", ERROR_TTL)
            for each in config.get("CustomErrorResponses", {}).get("Items", ())
        },
    )


def read_tenant(answer: dict[str, Any]) -> Described:
    """Read a DistributionTenant."""
    domains = tuple(domain["Domain"] for domain in answer.get("Domains", ()))
    return Described(
        status=answer.get("Status", ""),
        enabled=answer.get("Enabled", True),
        hosts=domains,
        aliases=domains,
        parent=answer.get("DistributionId", ""),
    )
