"""What the control plane knows and says: values, without behavior.

A :class:`Call` comes in; an :class:`Invalidation`, a :class:`Page`, a
:class:`Distribution` or a :class:`Policy` goes out; a :class:`LogEntry` stays.
Times are seconds since the epoch.
"""

from collective.cloudfront.local.behaviors import Behavior
from collective.cloudfront.local.errors import ApiError
from dataclasses import dataclass
from dataclasses import replace
from enum import Enum
from xml.etree import ElementTree


#: Access key of a caller that does not come through HTTP and needs no signature.
TRUSTED = "(direct call)"

#: ``MaxItems`` of a listing when the client does not say (API reference).
PAGE_SIZE = 100


_POLICY_KINDS = {
    "CachePolicy": "cache-policy",
    "OriginRequestPolicy": "origin-request-policy",
    "ResponseHeadersPolicy": "response-headers-policy",
}


class Operation(str, Enum):
    """The operations of the CloudFront API that are here."""

    CREATE = "CreateInvalidation"
    GET = "GetInvalidation"
    LIST = "ListInvalidations"
    CREATE_FOR_TENANT = "CreateInvalidationForDistributionTenant"
    GET_FOR_TENANT = "GetInvalidationForDistributionTenant"
    LIST_FOR_TENANT = "ListInvalidationsForDistributionTenant"
    GET_DISTRIBUTION = "GetDistribution"
    GET_DISTRIBUTION_CONFIG = "GetDistributionConfig"
    UPDATE_DISTRIBUTION = "UpdateDistribution"
    GET_TENANT = "GetDistributionTenant"
    UPDATE_TENANT = "UpdateDistributionTenant"
    GET_CACHE_POLICY = "GetCachePolicy"
    CREATE_CACHE_POLICY = "CreateCachePolicy"
    UPDATE_CACHE_POLICY = "UpdateCachePolicy"
    GET_REQUEST_POLICY = "GetOriginRequestPolicy"
    CREATE_REQUEST_POLICY = "CreateOriginRequestPolicy"
    UPDATE_REQUEST_POLICY = "UpdateOriginRequestPolicy"
    GET_RESPONSE_POLICY = "GetResponseHeadersPolicy"
    CREATE_RESPONSE_POLICY = "CreateResponseHeadersPolicy"
    UPDATE_RESPONSE_POLICY = "UpdateResponseHeadersPolicy"

    @property
    def creates(self) -> bool:
        """Does it create an invalidation, and so count for the API rate?"""
        return self in (Operation.CREATE, Operation.CREATE_FOR_TENANT)

    @property
    def is_for_tenants(self) -> bool:
        """Is it for distribution tenants (``dt_…``) and not for distributions?"""
        return self.value.endswith("DistributionTenant")

    @property
    def stores(self) -> bool:
        """Does it store a configuration?"""
        return self.value.startswith(("Update", "Create")) and not self.creates

    @property
    def policy_kind(self) -> str:
        """The kind of policy that it is about, as in URLs; empty: none."""
        for part, kind in _POLICY_KINDS.items():
            if self.value.endswith(part):
                return kind
        return ""


class Status(str, Enum):
    """Status of an invalidation, spelt as CloudFront does."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"


class Outcome(str, Enum):
    """The result of a call that got no error code."""

    ACCEPTED = "accepted"
    REPLAYED = "replayed"
    ANSWERED = "answered"
    DROPPED = "dropped"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Invalidation:
    """An accepted CreateInvalidation. Times are what the clock says."""

    id: str
    number: int
    distribution: str
    caller_reference: str
    items: tuple[str, ...]
    created: float
    effective: float
    completed: float
    status: Status = Status.IN_PROGRESS

    def seen_at(self, now: float) -> "Invalidation":
        """Return it with the status that it has at that time."""
        if now < self.completed:
            return self
        return replace(self, status=Status.COMPLETED)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a distribution's invalidations, the latest first."""

    invalidations: tuple[Invalidation, ...]
    marker: str
    next_marker: str
    max_items: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """What GetDistribution and GetDistributionTenant return."""

    id: str
    batches_in_progress: int
    cache_tag_header: str
    created: float
    aliases: tuple[str, ...] = ()
    deployed: bool = True
    enabled: bool = True
    #: The default one first.
    behaviors: tuple[Behavior, ...] = (Behavior(),)
    #: Of a tenant: the distribution that it belongs to.
    parent: str = ""
    etag: str = "ELOCAL"
    #: What a client has stored; None: what the fields above say.
    config: ElementTree.Element | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What GetCachePolicy, GetOriginRequestPolicy and GetResponseHeadersPolicy return."""

    id: str
    name: str
    #: Says what the policy does; the rest of it is somebody else's.
    behavior: Behavior
    created: float
    etag: str = "ELOCAL"
    #: What a client has stored; None: what the behavior says.
    config: ElementTree.Element | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API, parsed."""

    operation: Operation
    #: Empty for what belongs to the account.
    distribution: str = ""
    caller_reference: str = ""
    items: tuple[str, ...] = ()
    #: The number of items according to the client.
    quantity: int | None = None
    invalidation: str = ""
    #: Id of a policy.
    policy: str = ""
    #: What to store, without namespaces, and for an update the version that it changes.
    config: ElementTree.Element | None = None
    if_match: str = ""
    marker: str = ""
    max_items: int = PAGE_SIZE
    #: None: not signed; empty: the signature cannot be read.
    access_key: str | None = TRUSTED
    #: Why the call cannot be parsed. Raised when its turn comes.
    problem: ApiError | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One call and its result."""

    number: int
    time: float
    operation: str
    distribution: str
    caller_reference: str
    items: tuple[str, ...]
    #: A value of :class:`Outcome` or an error code.
    outcome: str
    #: Id of the invalidation that was made, found or asked for.
    invalidation: str = ""
    #: Kind of the injected fault, if there was one.
    fault: str = ""
    #: Why it was refused, in more detail than the client got.
    message: str = ""
