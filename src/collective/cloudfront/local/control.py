"""The control plane: what CloudFront knows and refuses, without HTTP.

::

    call ──► fault? ──► authentic? ──► allowed? ──► API rate? ──► well-formed?
                                                                      │
      accepted ◄── quota? ◄── caller reference known? ◄── items valid? ◄──┘
         │                          └──► replayed: the earlier invalidation
         ├── effect_delay ──────► gone from the cache
         └── completion_delay ──► InProgress becomes Completed

At each question mark the call can fail with an :class:`ApiError`. The clock is a
parameter, so a test can let hours pass in a moment.
"""

from collections import Counter
from collections import deque
from collections.abc import Callable
from collective.cloudfront.local.checks import check_access
from collective.cloudfront.local.checks import check_batch
from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.errors import ConnectionLost
from collective.cloudfront.local.errors import UnreadableAnswer
from collective.cloudfront.local.faults import Fault
from collective.cloudfront.local.faults import FaultKind
from collective.cloudfront.local.ledger import Ledger
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.policies import check_version
from collective.cloudfront.local.policies import find_policy
from collective.cloudfront.local.policies import store_policy
from collective.cloudfront.local.quotas import Bucket
from collective.cloudfront.local.records import Call
from collective.cloudfront.local.records import Distribution
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.records import LogEntry
from collective.cloudfront.local.records import Operation
from collective.cloudfront.local.records import Outcome
from collective.cloudfront.local.records import Page
from collective.cloudfront.local.records import PAGE_SIZE
from collective.cloudfront.local.records import Policy
from collective.cloudfront.local.rules import count_wildcards
from collective.cloudfront.local.stored import DISTRIBUTION
from collective.cloudfront.local.stored import Store
from collective.cloudfront.local.stored import TENANT
from collective.cloudfront.local.template.stored import Documents
from collective.cloudfront.local.validity import check_distribution
from copy import deepcopy
from dataclasses import replace
from typing import Any
from typing import cast

import secrets
import string
import threading
import time


_ID_ALPHABET = string.ascii_uppercase + string.digits

#: Options that say what a distribution is like. Changing one forgets what is stored.
_DESCRIBING = frozenset(
    {
        "aliases",
        "behaviors",
        "cache_policy",
        "cache_tag_header",
        "default_behavior",
        "enabled",
        "query_strings",
    }
)


class ControlPlane:
    """The CloudFront API of one account, in memory and thread-safe.

    ``clock`` returns seconds since the epoch; ``sleep`` makes injected delays. ``stored`` is
    what is stored at the start, and after :meth:`reset`. The
    functions in ``on_accepted`` are called with each new :class:`Invalidation` before
    the client gets the answer. Those in ``on_reset`` are called after :meth:`reset`.
    """

    def __init__(
        self,
        options: Options | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        stored: Documents | None = None,
    ) -> None:
        self.clock = clock
        self.on_accepted: list[Callable[[Invalidation], None]] = []
        self.on_reset: list[Callable[[], None]] = []
        self.sleep = sleep
        self._initial = options or Options()
        self._initially_stored: Documents = dict(stored or {})
        self._lock = threading.RLock()
        self._forget_all()

    def _forget_all(self) -> None:
        self.options = self._initial
        self._started = self.clock()
        self._api_bucket = Bucket()
        self._ledgers: dict[str, Ledger] = {}
        self._faults: list[Fault] = []
        self._log: deque[LogEntry] = deque()
        self._calls: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._billed = 0
        self._number = 0
        self._store = Store()
        for (kind, name), config in self._initially_stored.items():
            self._store.put(kind, name, deepcopy(config), self._started)

    # The API

    def create_invalidation(
        self, distribution_id: str, caller_reference: str, items: list[str]
    ) -> Invalidation:
        """Invalidate the items on a distribution or tenant, or raise ApiError."""
        operation = _variant(
            distribution_id, Operation.CREATE, Operation.CREATE_FOR_TENANT
        )
        return self.handle(
            Call(operation, distribution_id, caller_reference, tuple(items))
        )

    def get_invalidation(
        self, distribution_id: str, invalidation_id: str
    ) -> Invalidation:
        """Return an invalidation with the status that it has now."""
        operation = _variant(distribution_id, Operation.GET, Operation.GET_FOR_TENANT)
        return self.handle(
            Call(operation, distribution_id, invalidation=invalidation_id)
        )

    def list_invalidations(
        self, distribution_id: str, marker: str = "", max_items: int = PAGE_SIZE
    ) -> Page:
        """Return a page of invalidations; it goes on after the id ``marker``."""
        operation = _variant(distribution_id, Operation.LIST, Operation.LIST_FOR_TENANT)
        return self.handle(
            Call(operation, distribution_id, marker=marker, max_items=max_items)
        )

    def get_distribution(self, distribution_id: str) -> Distribution:
        """Return what is known of a distribution."""
        return self.handle(Call(Operation.GET_DISTRIBUTION, distribution_id))

    def handle(self, call: Call) -> Any:
        """Answer a call; raise ApiError, ConnectionLost or UnreadableAnswer."""
        received = self.clock()
        fault = self._take_fault(call)
        if fault and not fault.kind.follows_the_effect:
            self._suffer(fault, call, received)
        with self._lock:
            try:
                answer, outcome = self._answer(call)
            except ApiError as error:
                self._record(call, received, error, self._give_back(fault))
                raise
            self._record(call, received, outcome, fault, getattr(answer, "id", ""))
        if outcome is Outcome.ACCEPTED:
            for listener in self.on_accepted:
                listener(answer)
        if fault and fault.kind.follows_the_effect:
            self._endure(fault)
        return answer

    def stored(self) -> tuple[int, Documents]:
        """Return what is stored, and a number that differs after each change of it."""
        with self._lock:
            return self._store.version, self._store.all()

    # Faults

    def inject(self, kind: FaultKind | str, **details: Any) -> Fault:
        """Inject a fault; the details are the fields of :class:`Fault`."""
        # A fault takes the name of its kind as well, or says which there are.
        fault = Fault(kind=cast(FaultKind, kind), **details)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        with self._lock:
            self._faults.clear()

    def _take_fault(self, call: Call) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.meets(call.operation.value, call.distribution, call.items):
                    self._use_up(index, fault)
                    return fault
        return None

    def _use_up(self, index: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._faults[index]
        elif fault.times is not None:
            self._faults[index] = replace(fault, times=fault.times - 1)

    def _give_back(self, fault: Fault | None) -> Fault | None:
        """Keep a fault for later if its call was refused; return what did happen."""
        if fault is None or not fault.kind.follows_the_effect:
            return fault
        if fault.times is not None:
            self._faults.insert(0, replace(fault, times=1))
        return None

    def _suffer(self, fault: Fault, call: Call, received: float) -> None:
        failure = fault.failure()
        if failure:
            with self._lock:
                self._record(call, received, failure, fault)
        self._endure(fault)

    def _endure(self, fault: Fault) -> None:
        self.sleep(fault.seconds)
        failure = fault.failure()
        if failure:
            raise failure

    # Answers; the lock is held

    def _answer(self, call: Call) -> tuple[Any, Outcome]:
        now = self.clock()
        check_access(call, self.options)
        if call.operation.creates:
            self._check_api_rate(now)
        if call.problem:
            raise call.problem
        if call.operation.policy_kind:
            return self._policy(call, now), Outcome.ANSWERED
        ledger = self._find_ledger(call)
        if call.operation.creates:
            return self._create(call, ledger, now)
        if call.operation in (Operation.GET, Operation.GET_FOR_TENANT):
            return ledger.get(call, now), Outcome.ANSWERED
        if call.operation in (Operation.LIST, Operation.LIST_FOR_TENANT):
            return ledger.page(call, now), Outcome.ANSWERED
        if call.operation is Operation.UPDATE_DISTRIBUTION:
            self._update(call, now)
        if call.operation is Operation.UPDATE_TENANT:
            self._update_tenant(call, now)
        return self._describe(call, ledger, now), Outcome.ANSWERED

    def _check_api_rate(self, now: float) -> None:
        rate, burst = self.options.api_rate, self.options.api_burst
        if rate is None:
            return
        if not self._api_bucket.holds(1, now, rate, burst):
            raise ApiError.of("Throttling", "Rate exceeded")
        self._api_bucket.take(1, now, rate, burst)

    def _find_ledger(self, call: Call) -> Ledger:
        name = call.distribution
        is_tenant = name.startswith("dt_")
        known = name in self.options.distributions
        if known and is_tenant == call.operation.is_for_tenants:
            return self._ledgers.setdefault(name, Ledger())
        if call.operation.is_for_tenants:
            raise ApiError.of(
                "EntityNotFound", "The specified distribution tenant does not exist."
            )
        raise ApiError.of(
            "NoSuchDistribution", "The specified distribution does not exist."
        )

    def _create(
        self, call: Call, ledger: Ledger, now: float
    ) -> tuple[Invalidation, Outcome]:
        check_batch(call, self.options)
        earlier = ledger.by_reference.get(call.caller_reference)
        if earlier is None:
            return self._accept(call, ledger, now), Outcome.ACCEPTED
        if earlier.items != call.items:
            raise ApiError.of(
                "InvalidationBatchAlreadyExists",
                "The caller reference was used for another batch.",
                f"{earlier.id} has the same caller reference and other items",
            )
        return earlier.seen_at(now), Outcome.REPLAYED

    def _accept(self, call: Call, ledger: Ledger, now: float) -> Invalidation:
        options = self.options
        wildcards = count_wildcards(call.items)
        paths = len(call.items) - wildcards
        excess = ledger.quota.refusal(paths, wildcards, now, options)
        if excess:
            raise ApiError.of(
                "TooManyInvalidationsInProgress",
                "Processing your request will cause you to exceed the maximum number "
                "of in-progress invalidations.",
                excess,
            )
        self._number += 1
        invalidation = Invalidation(
            id="I" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(13)),
            number=self._number,
            distribution=call.distribution,
            caller_reference=call.caller_reference,
            items=call.items,
            created=now,
            effective=now + options.effect_delay,
            completed=now + options.completion_delay,
        )
        ledger.quota.use(paths, wildcards, now, invalidation.completed, options)
        ledger.add(invalidation, options.history)
        self._billed += len(call.items)
        return invalidation

    def _policy(self, call: Call, now: float) -> Policy:
        if call.operation.stores:
            return store_policy(call, self.options, self._store, now)
        kind = call.operation.policy_kind
        return find_policy(kind, call.policy, self.options, self._store, self._started)

    def _update(self, call: Call, now: float) -> None:
        """Store a distribution's configuration. Of it, the edge follows CacheTagConfig."""
        check_version(call, self._etag(DISTRIBUTION, call.distribution))
        config = call.config
        assert config is not None  # the call could be parsed
        check_distribution(config, self._knows_policy)
        header = config.findtext("CacheTagConfig/HeaderName", "")
        self.options = self.options.changed({"cache_tag_header": header})
        self._store.put(DISTRIBUTION, call.distribution, config, now)

    def _update_tenant(self, call: Call, now: float) -> None:
        check_version(call, self._etag(TENANT, call.distribution))
        assert call.config is not None  # the call could be parsed
        domains = call.config.findall("Domains/member/Domain")
        if call.config.find("Domains") is not None and not domains:
            raise ApiError.of("InvalidArgument", "A tenant has a domain.")
        self._store.put(TENANT, call.distribution, call.config, now)

    def _knows_policy(self, kind: str, wanted: str) -> bool:
        try:
            find_policy(kind, wanted, self.options, self._store, self._started)
        except ApiError:
            return False
        return True

    def _etag(self, kind: str, name: str) -> str:
        stored = self._store.find(kind, name)
        return stored.etag if stored else self._store.etag

    def _describe(self, call: Call, ledger: Ledger, now: float) -> Distribution:
        ledger.quota.forget_completed(now)
        kind = TENANT if call.operation.is_for_tenants else DISTRIBUTION
        stored = self._store.find(kind, call.distribution)
        return Distribution(
            id=call.distribution,
            batches_in_progress=ledger.quota.batches_in_progress,
            cache_tag_header=self.options.cache_tag_header,
            created=self._started,
            aliases=self.options.aliases,
            deployed=self.options.deployed,
            enabled=self.options.enabled,
            behaviors=self.options.all_behaviors,
            parent=self._parent() if call.operation.is_for_tenants else "",
            etag=self._etag(kind, call.distribution),
            config=stored.config if stored else None,
        )

    def _parent(self) -> str:
        """Return the first distribution. All tenants belong to it."""
        names = [name for name in self.options.distributions if name[0] == "E"]
        return names[0] if names else "ENOTHERE12345"

    # What happened

    def _record(
        self,
        call: Call,
        received: float,
        result: Outcome | Exception,
        fault: Fault | None,
        invalidation: str = "",
    ) -> None:
        entry = LogEntry(
            number=sum(self._calls.values()) + 1,
            time=received,
            operation=call.operation.value,
            distribution=call.distribution,
            caller_reference=call.caller_reference,
            items=call.items,
            outcome=_name_of(result),
            invalidation=invalidation or call.invalidation,
            fault=fault.kind.value if fault else "",
            message=_reason_of(result),
        )
        self._calls[entry.operation] += 1
        self._outcomes[entry.outcome] += 1
        self._log.append(entry)
        while len(self._log) > self.options.log_size:
            self._log.popleft()

    def log(self, since: int = 0) -> list[LogEntry]:
        """Return the calls after number ``since``, the earliest first."""
        with self._lock:
            return [entry for entry in self._log if entry.number > since]

    def invalidations(self) -> list[Invalidation]:
        """Return all invalidations of all distributions, the earliest first."""
        with self._lock:
            now = self.clock()
            known = [i for led in self._ledgers.values() for i in led.by_id.values()]
        return [i.seen_at(now) for i in sorted(known, key=lambda i: i.number)]

    def state(self) -> dict[str, Any]:
        """Return the counters since the start or the last reset, fit for JSON."""
        with self._lock:
            now = self.clock()
            plain = {outcome.value for outcome in Outcome}
            return {
                "billed": self._billed,
                "accepted": self._outcomes[Outcome.ACCEPTED.value],
                "replayed": self._outcomes[Outcome.REPLAYED.value],
                "calls": dict(self._calls),
                "refusals": {
                    code: count
                    for code, count in self._outcomes.items()
                    if code not in plain
                },
                "dropped": self._outcomes[Outcome.DROPPED.value],
                "unreadable": self._outcomes[Outcome.UNREADABLE.value],
                "faults_waiting": len(self._faults),
                "distributions": {
                    name: ledger.progress(now) for name, ledger in self._ledgers.items()
                },
            }

    # Changing it while it runs

    def change_options(self, **changes: Any) -> Options:
        """Change options from now on. Accepted invalidations keep their times."""
        with self._lock:
            self.options = self.options.changed(changes)
            if _DESCRIBING & set(changes):
                self._store.forget()
            return self.options

    def reset(self) -> None:
        """Forget everything, and return to the state after the start."""
        with self._lock:
            self._forget_all()
        for listener in self.on_reset:
            listener()


def _variant(
    distribution_id: str, operation: Operation, for_tenant: Operation
) -> Operation:
    return for_tenant if distribution_id.startswith("dt_") else operation


def _name_of(result: Outcome | Exception) -> str:
    if isinstance(result, ApiError):
        return result.code
    if isinstance(result, ConnectionLost):
        return Outcome.DROPPED.value
    if isinstance(result, UnreadableAnswer):
        return Outcome.UNREADABLE.value
    if isinstance(result, Outcome):
        return result.value
    return type(result).__name__


def _reason_of(result: Outcome | Exception) -> str:
    if isinstance(result, ApiError):
        return result.detail or result.message
    return ""
