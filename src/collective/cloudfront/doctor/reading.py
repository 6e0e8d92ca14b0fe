"""Ask AWS for the policies of cache behaviors, each once."""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.delivery.aws.behaviors import Behavior
from collective.cloudfront.delivery.aws.behaviors import Forwarded
from collective.cloudfront.delivery.aws.behaviors import MANAGED_POLICIES
from collective.cloudfront.delivery.aws.behaviors import MANAGED_REQUEST_POLICIES
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.delivery.aws.described import UNREACHABLE
from collective.cloudfront.delivery.aws.probe import Probe
from dataclasses import dataclass

import re


_FILE = re.compile(r".*\.\w+")

#: What a behavior without such a policy forwards, and removes.
_NOTHING_FORWARDED = Reply(found=Forwarded())
_NOTHING_REMOVED: Reply = Reply(found=frozenset())
#: A behavior that has neither a policy nor the older settings.
_UNTOLD = Reply()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A behavior with what its policies say: replies that found ``Caching``,
    ``Forwarded``, and a frozenset of the headers that are removed, in lower case.
    """

    behavior: Behavior
    caching: Reply
    forwarded: Reply
    removed: Reply

    @property
    def pattern(self) -> str:
        """Its path pattern."""
        return self.behavior.pattern

    @property
    def is_for_files(self) -> bool:
        """Whether its pattern names an extension, as ``*.jpg`` does."""
        return _FILE.fullmatch(self.pattern) is not None


def resolve(probe: Probe, behaviors: Iterable[Behavior]) -> list[Resolved]:
    """Return the behaviors with what their policies say.

    Several behaviors may share a policy: AWS is asked about it once. After a question
    without an answer nothing else is asked.
    """
    policies = _Policies(probe)
    return [
        Resolved(
            behavior,
            policies.caching(behavior),
            policies.forwarded(behavior),
            policies.removed(behavior),
        )
        for behavior in behaviors
    ]


class _Policies:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._known: dict[tuple[str, str], Reply] = {}
        self._unreachable: Reply | None = None

    def caching(self, behavior: Behavior) -> Reply:
        """Return the reply that found ``Caching``."""
        policy = behavior.cache_policy
        if not policy:
            caching = behavior.caching
            return _UNTOLD if caching is None else Reply(found=caching)
        reply = self._ask("cache", policy, self._probe.cache_policy)
        if reply.found is None and policy in MANAGED_POLICIES:
            return Reply(found=MANAGED_POLICIES[policy])
        return reply

    def forwarded(self, behavior: Behavior) -> Reply:
        """Return the reply that found ``Forwarded``."""
        policy = behavior.request_policy
        if not policy:
            return _NOTHING_FORWARDED
        reply = self._ask("request", policy, self._probe.request_policy)
        if reply.found is None and policy in MANAGED_REQUEST_POLICIES:
            return Reply(found=MANAGED_REQUEST_POLICIES[policy])
        return reply

    def removed(self, behavior: Behavior) -> Reply:
        """Return the reply that found the headers that are removed."""
        policy = behavior.response_policy
        if not policy:
            return _NOTHING_REMOVED
        return self._ask("response", policy, self._probe.response_policy)

    def _ask(self, kind: str, policy: str, ask: Callable[[str], Reply]) -> Reply:
        if (kind, policy) not in self._known:
            if self._unreachable is not None:
                return self._unreachable
            reply = self._known[kind, policy] = ask(policy)
            if reply.error == UNREACHABLE:
                self._unreachable = reply
        return self._known[kind, policy]
