"""Gateways for tests of the courier: one scripted, one to a simulated CloudFront."""

from botocore.exceptions import ClientError
from botocore.exceptions import ConnectionClosedError
from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.errors import classify
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.local import ApiError
from collective.cloudfront.local import ControlPlane
from collective.cloudfront.local.errors import ConnectionLost
from collective.cloudfront.local.errors import UnreadableAnswer
from collective.cloudfront.local.options import DEMO_DISTRIBUTION
from collective.cloudfront.outbox.messages import plain
from dataclasses import dataclass
from typing import Any


E1 = DEMO_DISTRIBUTION
E2 = "ESECOND23456"
TENANT = "dt_tenant1"

COMPLETED = Answer(Outcome.ACCEPTED, invalidation="I", status="Completed")
RUNNING = Answer(Outcome.ACCEPTED, invalidation="I", status="InProgress")
THROTTLED = Answer(Outcome.THROTTLED, reason=plain("Throttling: Rate exceeded"))
OVER_QUOTA = Answer(Outcome.OVER_QUOTA, reason=plain("TooManyInvalidationsInProgress"))
TRANSIENT = Answer(Outcome.TRANSIENT, reason=plain("ServiceUnavailable"))
REFUSED = Answer(
    Outcome.REFUSED_ITEMS, reason=plain("InvalidArgument"), advice=plain("See docs.")
)
TAKEN = Answer(Outcome.REFERENCE_TAKEN, reason=plain("InvalidationBatchAlreadyExists"))
DENIED = Answer(
    Outcome.MISCONFIGURED,
    reason=plain("AccessDenied"),
    advice=plain("Allow CreateInvalidation."),
)


@dataclass(frozen=True)
class Call:
    """A call of ``create``."""

    time: float
    distribution: str
    credentials: Sequence[Credentials]
    reference: str
    items: tuple[str, ...]


class ScriptedGateway:
    """Answers as told; without being told, it accepts everything.

    ``script`` is what the next calls of ``create`` are answered; an exception in it
    is raised, and a function is called with the :class:`Call`.
    """

    def __init__(self, clock: Callable[[], float]):
        self.clock = clock
        self.script: list[Answer | BaseException | Callable[[Call], Answer]] = []
        self.otherwise: Callable[[Call], Answer] | None = None
        self.status: Answer = COMPLETED
        self.calls: list[Call] = []
        self.looks: list[tuple[float, str]] = []
        self.prepared: list[Sequence[Credentials]] = []
        self.accepted: dict[str, tuple[str, ...]] = {}

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        self.prepared.append(credentials)

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        call = Call(self.clock(), distribution, credentials, reference, tuple(items))
        self.calls.append(call)
        answer = self.script.pop(0) if self.script else self.otherwise or self.accept
        if isinstance(answer, BaseException):
            raise answer
        return answer(call) if callable(answer) else answer

    def accept(self, call: Call) -> Answer:
        """Do as CloudFront does: the same reference is the same invalidation."""
        known = self.accepted.setdefault(call.reference, call.items)
        if known != call.items:
            return TAKEN
        return Answer(Outcome.ACCEPTED, f"I-{call.reference[-6:]}", "InProgress")

    def lose_the_answer(self, call: Call) -> Answer:
        """Accept, but nobody hears of it."""
        self.accept(call)
        return TRANSIENT

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        self.looks.append((self.clock(), invalidation))
        return self.status

    @property
    def delivered(self) -> list[str]:
        """Every accepted item, as often as it was paid for."""
        return [item for items in self.accepted.values() for item in items]


class ControlGateway:
    """Calls a simulated CloudFront, in no time and without HTTP.

    Answers are typed by the same ``classify`` as those of boto3.
    """

    def __init__(self, control: ControlPlane):
        self.control = control

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        pass

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        return self._ask(
            distribution, self.control.create_invalidation, reference, list(items)
        )

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        return self._ask(distribution, self.control.get_invalidation, invalidation)

    def _ask(self, distribution: str, ask: Callable[..., Any], *args: Any) -> Answer:
        try:
            found = ask(distribution, *args)
        except ApiError as error:
            return classify(client_error(error.code, error.status), distribution)
        except ConnectionLost:
            lost = ConnectionClosedError(endpoint_url="http://cloudfront")
            return classify(lost, distribution)
        except UnreadableAnswer as error:
            return classify(client_error(str(error.status), error.status), distribution)
        return Answer(Outcome.ACCEPTED, found.id, found.status.value)


def client_error(code: str, status: int, message: str = "") -> ClientError:
    """Return the error that boto3 raises for an answer with this code."""
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "CreateInvalidation")
