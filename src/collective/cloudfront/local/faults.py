"""Faults that you can inject, to see how a client handles them."""

from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.errors import ConnectionLost
from collective.cloudfront.local.errors import STATUS_OF
from collective.cloudfront.local.errors import UnreadableAnswer
from dataclasses import dataclass
from enum import Enum


class FaultKind(str, Enum):
    """The kinds of faults."""

    #: Answer with an error code; the request has no effect.
    ERROR = "error"
    #: Answer with a 5xx status and a body that is not XML; no effect.
    GARBAGE = "garbage"
    #: Wait, then go on as usual.
    DELAY = "delay"
    #: Close the connection before doing anything.
    DROP_BEFORE = "drop_before"
    #: Do what was asked, then close the connection without an answer.
    DROP_AFTER = "drop_after"
    #: Do what was asked, then delay the answer.
    SLOW_ANSWER = "slow_answer"

    @property
    def follows_the_effect(self) -> bool:
        """Does the request take effect before the fault?"""
        return self in (FaultKind.DROP_AFTER, FaultKind.SLOW_ANSWER)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for the next requests that match it."""

    kind: FaultKind
    #: How many requests it affects; None: all, until it is cleared.
    times: int | None = 1
    #: The operation that it affects; empty: any.
    operation: str = ""
    #: Id of the distribution that it affects; empty: any.
    distribution: str = ""
    #: An item of the batch that it affects; empty: any batch.
    item: str = ""
    #: For ERROR. The status 0 stands for the one that belongs to the code.
    code: str = "InternalError"
    status: int = 0
    message: str = "Injected."
    #: For DELAY and SLOW_ANSWER.
    seconds: float = 0.0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", FaultKind(self.kind))
        except ValueError:
            choice = ", ".join(kind.value for kind in FaultKind)
            raise ValueError(f"The kind of a fault is one of {choice}.") from None
        if self.times is not None and self.times < 1:
            raise ValueError("A fault happens at least once.")
        if self.seconds < 0:
            raise ValueError("Nobody waits for less than 0 seconds.")

    def meets(
        self, operation: str, distribution: str, items: tuple[str, ...] = ()
    ) -> bool:
        """Does this fault affect the request?"""
        return (
            self.operation in ("", operation)
            and self.distribution in ("", distribution)
            and (not self.item or self.item in items)
        )

    def failure(self) -> Exception | None:
        """Return the error to raise instead of an answer, or None."""
        if self.kind is FaultKind.ERROR:
            status = self.status or STATUS_OF.get(self.code, 400)
            return ApiError(self.code, status, self.message)
        if self.kind is FaultKind.GARBAGE:
            return UnreadableAnswer(self.status or 503)
        if self.kind is FaultKind.DROP_BEFORE:
            return ConnectionLost(took_effect=False)
        if self.kind is FaultKind.DROP_AFTER:
            return ConnectionLost(took_effect=True)
        return None
