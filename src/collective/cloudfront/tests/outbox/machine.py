"""Any sequence of operations, checked against a model made of plain dictionaries."""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import Batch
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.outbox.contract import Pending
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox.clock import Clock
from dataclasses import dataclass
from dataclasses import field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import run_state_machine_as_test
from pathlib import Path

import itertools
import uuid


DISTRIBUTIONS = ("E1", "dt_2")
#: Some are prefixes of others.
ITEMS = ("/", "/a", "/a/b", "/a/b?c", "/ab", "/b", "#a", "/a*", "/a/*", "/b/*", "/*")
CLAIM = 60.0
GRACE = 50.0

distributions = st.sampled_from(DISTRIBUTIONS)
couriers = st.integers(0, 1)
some_entries = st.lists(
    st.builds(Entry, distributions, st.sampled_from(ITEMS)), max_size=6, unique=True
)


@dataclass
class Ready:
    """A ready item: since when, and the moment of its latest release."""

    since: float
    moment: int


@dataclass
class Frozen:
    """A batch, and the moment when its items were taken."""

    batch: Batch
    moment: int


@dataclass
class Model:
    """What an outbox holds, and who holds it."""

    prepared: dict[str, tuple[list[Entry], float]] = field(default_factory=dict)
    ready: dict[Entry, Ready] = field(default_factory=dict)
    frozen: list[Frozen] = field(default_factory=list)
    settled: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)
    refused: dict[Entry, str] = field(default_factory=dict)
    claims: dict[str, tuple[int, float]] = field(default_factory=dict)
    #: Counts releases, so that "added after it was frozen" needs no clock.
    moment: int = 0

    def release(self, released: list[Entry], since: float) -> None:
        self.moment += 1
        for entry in released:
            known = self.ready.get(entry)
            oldest = min(since, known.since) if known else since
            self.ready[entry] = Ready(oldest, self.moment)


class OutboxMachine(RuleBasedStateMachine):
    """Two couriers and any number of saves on one outbox."""

    make_engine: Callable
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        self.clock = Clock()
        engine = self.make_engine(folder)
        self.outboxes = [engine.open(self.clock), engine.open(self.clock)]
        self.model = Model()
        self.numbers = itertools.count()

    def teardown(self) -> None:
        for outbox in self.outboxes:
            outbox.close()

    @initialize(released=some_entries)
    def something_is_ready(self, released) -> None:
        self.outboxes[0].release("", released)
        self.model.release(released, self.clock.now)

    # --- saves ----------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 10.0, 49.0, 61.0]))
    def time_passes(self, seconds) -> None:
        self.clock.advance(seconds)

    @rule(who=couriers, entries=some_entries)
    def prepare(self, who, entries) -> None:
        token = f"t{next(self.numbers)}"
        self.outboxes[who].prepare(token, entries)
        self.model.prepared[token] = (entries, self.clock.now)

    @precondition(lambda self: self.model.prepared)
    @rule(who=couriers, data=st.data())
    def commit(self, who, data) -> None:
        token = data.draw(st.sampled_from(sorted(self.model.prepared)))
        entries, _ = self.model.prepared.pop(token)
        self.outboxes[who].release(token, entries)
        self.model.release(entries, self.clock.now)

    @precondition(lambda self: self.model.prepared)
    @rule(who=couriers, data=st.data())
    def abort(self, who, data) -> None:
        token = data.draw(st.sampled_from(sorted(self.model.prepared)))
        del self.model.prepared[token]
        self.outboxes[who].discard(token)

    @rule(who=couriers, entries=some_entries)
    def release_unprepared(self, who, entries) -> None:
        self.outboxes[who].release("unknown", entries)
        self.model.release(entries, self.clock.now)

    @rule(who=couriers)
    def release_abandoned(self, who) -> None:
        abandoned = {
            token: prepared
            for token, prepared in self.model.prepared.items()
            if prepared[1] <= self.clock.now - GRACE
        }
        for token, (entries, since) in abandoned.items():
            self.model.release(entries, since)
            del self.model.prepared[token]
        count = sum(len(entries) for entries, _ in abandoned.values())
        assert self.outboxes[who].release_abandoned(GRACE) == count

    # --- couriers -------------------------------------------------------------------

    @rule(who=couriers, distribution=distributions)
    def claim(self, who, distribution) -> None:
        holder, until = self.model.claims.get(distribution, (who, 0.0))
        free = holder == who or self.clock.now >= until
        assert self.outboxes[who].claim(distribution, CLAIM) is free
        if free:
            self.model.claims[distribution] = (who, self.clock.now + CLAIM)

    @rule(who=couriers, distribution=distributions)
    def give_up(self, who, distribution) -> None:
        self.outboxes[who].give_up(distribution)
        if self.holds(who, distribution):
            del self.model.claims[distribution]

    @rule(who=couriers, distribution=distributions, data=st.data())
    def freeze(self, who, distribution, data) -> None:
        pending = [each.item for each in self.outboxes[who].pending(distribution, 99)]
        items = data.draw(st.lists(st.sampled_from(ITEMS), unique=True))
        items = [item for item in items if item in pending]
        reference = f"r{next(self.numbers)}"
        try:
            batch = self.outboxes[who].freeze(distribution, reference, items)
        except ClaimLost:
            assert not self.holds(who, distribution)
            return
        assert self.holds(who, distribution)
        taken = [self.model.ready.pop(Entry(distribution, item)) for item in items]
        assert batch.items == tuple(items)
        if items:
            assert batch.since == min(ready.since for ready in taken)
            self.model.frozen.append(Frozen(batch, self.model.moment))

    @precondition(lambda self: self.model.frozen)
    @rule(who=couriers, data=st.data())
    def settle(self, who, data) -> None:
        frozen = self.choose(data)
        batch = frozen.batch
        pace = Pace.fresh(self.clock.now, Limits())
        if self.try_to(who, frozen, lambda outbox: outbox.settle(batch, "I", pace)):
            self.model.settled.append((batch.reference, batch.items, batch.since))
            for entry, ready in list(self.model.ready.items()):
                if (
                    entry.distribution == batch.distribution
                    and ready.moment <= frozen.moment
                    and any(
                        item.endswith("*") and entry.item.startswith(item[:-1])
                        for item in batch.items
                        if item.startswith("/")
                    )
                ):
                    del self.model.ready[entry]

    @precondition(lambda self: self.model.frozen)
    @rule(who=couriers, data=st.data())
    def dissolve(self, who, data) -> None:
        frozen = self.choose(data)
        batch = frozen.batch
        if self.try_to(who, frozen, lambda outbox: outbox.dissolve(batch)):
            self.model.release(entries_of(batch), batch.since)

    @precondition(lambda self: self.model.frozen)
    @rule(who=couriers, data=st.data())
    def split_or_quarantine(self, who, data) -> None:
        frozen = self.choose(data)
        batch = frozen.batch
        if len(batch.items) == 1:
            if self.try_to(who, frozen, lambda outbox: outbox.quarantine(batch, "no")):
                self.model.refused.update(dict.fromkeys(entries_of(batch), "no"))
            return
        references = (f"r{next(self.numbers)}", f"r{next(self.numbers)}")
        if self.try_to(who, frozen, lambda outbox: outbox.split(batch, references)):
            halves = [
                each
                for each in self.outboxes[who].frozen(batch.distribution)
                if each.reference in references
            ]
            assert tuple(item for half in halves for item in half.items) == batch.items
            assert all(half.items and half.since == batch.since for half in halves)
            self.model.frozen += [Frozen(half, frozen.moment) for half in halves]

    @rule(old=distributions)
    def retarget(self, old) -> None:
        new = next(each for each in DISTRIBUTIONS if each != old)
        moved = [(each, ready.since) for each, ready in self.model.ready.items()]
        moved += [
            (entry, frozen.batch.since)
            for frozen in self.model.frozen
            for entry in entries_of(frozen.batch)
        ]
        moved = [(entry, since) for entry, since in moved if entry.distribution == old]
        self.model.frozen = [
            frozen for frozen in self.model.frozen if frozen.batch.distribution != old
        ]
        for entry, since in moved:
            self.model.ready.pop(entry, None)
            self.model.release([Entry(new, entry.item)], since)
        assert self.outboxes[0].retarget(old, new) == len(moved)

    # --- the law --------------------------------------------------------------------

    @invariant()
    def the_outbox_holds_what_the_model_holds(self) -> None:
        for outbox in self.outboxes:
            for distribution in DISTRIBUTIONS:
                assert sorted(outbox.pending(distribution, 99), key=by_item) == sorted(
                    (
                        Pending(entry.item, ready.since)
                        for entry, ready in self.model.ready.items()
                        if entry.distribution == distribution
                    ),
                    key=by_item,
                )
            assert sorted(
                (batch for each in DISTRIBUTIONS for batch in outbox.frozen(each)),
                key=by_reference,
            ) == sorted((each.batch for each in self.model.frozen), key=by_reference)
            found = [(s.reference, s.items, s.since) for s in outbox.history(999)]
            assert sorted(found) == sorted(self.model.settled)
            refused = {
                Entry(each.distribution, each.item): each.reason
                for each in outbox.refused(999)
            }
            assert refused == self.model.refused
            assert outbox.status().prepared == len(self.model.prepared)

    # --- helpers --------------------------------------------------------------------

    def holds(self, who: int, distribution: str) -> bool:
        return self.model.claims.get(distribution, (None, 0.0))[0] == who

    def choose(self, data) -> Frozen:
        number = data.draw(st.integers(0, len(self.model.frozen) - 1))
        return self.model.frozen[number]

    def try_to(self, who: int, frozen: Frozen, change: Callable) -> bool:
        """Change a batch; only who holds its distribution can."""
        try:
            change(self.outboxes[who])
        except ClaimLost:
            assert not self.holds(who, frozen.batch.distribution)
            return False
        assert self.holds(who, frozen.batch.distribution)
        self.model.frozen.remove(frozen)
        return True


def entries_of(batch: Batch) -> list[Entry]:
    return [Entry(batch.distribution, item) for item in batch.items]


def by_item(pending: Pending) -> str:
    return pending.item


def by_reference(batch: Batch) -> str:
    return batch.reference


def run_machine(make_engine: Callable, folder: Path) -> None:
    """Run the machine on an engine, in ``folder``."""
    machine = type(
        "Machine",
        (OutboxMachine,),
        {"make_engine": staticmethod(make_engine), "folder": folder},
    )
    run_state_machine_as_test(
        machine, settings=settings(max_examples=60, stateful_step_count=30)
    )
