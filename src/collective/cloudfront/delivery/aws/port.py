"""What the courier needs of AWS: values and a protocol, without a line of boto3."""

from collections.abc import Sequence
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import NOTHING
from dataclasses import dataclass
from dataclasses import field
from enum import Enum
from typing import Protocol


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
    """CloudFront's answer.

    ``invalidation`` and ``status`` are set if it was accepted; otherwise ``reason``
    says what happened, and ``advice`` what to do.
    """

    outcome: Outcome
    invalidation: str = ""
    status: str = ""
    reason: Message = NOTHING
    advice: Message = NOTHING
    #: AWS's error code, or the name of an exception: what does not change from one
    #: answer to the next, as times and names in a reason do.
    code: str = ""

    @property
    def kind(self) -> str:
        """What answers about the same trouble have in common."""
        return f"{self.outcome.value} {self.reason.code} {self.code}"


class Gateway(Protocol):
    """What the courier needs of CloudFront. No method raises.

    ``credentials`` are the sets to try, in this order, until one of them is not
    misconfigured.
    """

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        """Get ready for calls: there will be one in a moment. Like the other methods it
        may take long; ``calls.Calls`` has a deadline.
        """

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """Ask for an invalidation of ``items`` under a caller reference."""

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        """Ask for the status of an accepted invalidation."""


def is_tenant(distribution: str) -> bool:
    """Tell a distribution tenant (``dt_…``) from a distribution (``E…``)."""
    return distribution.startswith("dt_")
