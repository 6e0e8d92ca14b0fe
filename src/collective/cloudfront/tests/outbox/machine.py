"""Any sequence of operations, checked against a model made of plain dictionaries."""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import ClaimLost
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Batch
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes as Kept
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.outbox.values import UNKNOWN
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.profile import repetitions
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
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
#: Fewer than an item keeps: then none may be lost.
causes = st.sampled_from(
    [UNKNOWN, Cause("jane", ("/a",), 1), Cause("joe", ("/b",), 3), Cause("é")]
)
plain_entries = st.builds(Entry, distributions, st.sampled_from(ITEMS), cause=causes)
#: ``due`` is in seconds from now, here.
entries = st.one_of(
    plain_entries,
    st.builds(
        Entry,
        distributions,
        st.sampled_from(ITEMS),
        urgent=st.booleans(),
        cause=causes,
    ),
    st.builds(
        Entry,
        distributions,
        st.sampled_from(["/*", "/a*", "#a"]),
        urgent=st.sampled_from([False, False, True]),
        every=st.sampled_from([15.0, 70.0]),
        due=st.sampled_from([0.0, 0.0, 20.0]),
        cause=causes,
    ),
    st.builds(
        Entry,
        distributions,
        st.sampled_from([*ITEMS, ""]),
        urgent=st.booleans(),
        due=st.sampled_from([0.0, 5.0, 20.0, 100.0]),
        key=st.sampled_from(["k", "l"]),
        cause=causes,
    ),
)
some_entries = st.lists(entries, max_size=6, unique=True)

#: A distribution and an item.
Name = tuple[str, str]
#: Without their order.
Causes = frozenset[Cause]
NO_CAUSES: Causes = frozenset()


@dataclass
class Ready:
    """A ready item: since when, and urgency."""

    since: float
    urgent: bool = False
    causes: Causes = NO_CAUSES


@dataclass
class Frozen:
    """A batch, which of its items were urgent, and the causes of each."""

    batch: Batch
    urgent: set[str]
    causes: dict[str, Causes]


@dataclass
class Dated:
    """What is scheduled for a date, and the causes of it."""

    entry: Entry
    causes: Causes


@dataclass
class Coalesced:
    """What came again too early: when it is due, and since when it waits."""

    due: float
    every: float
    since: float
    causes: Causes = NO_CAUSES


#: An entry, its age, and its causes.
Arrival = tuple[Entry, float, Causes]


@dataclass
class Model:
    """What an outbox holds, and who holds it."""

    prepared: dict[str, tuple[list[Entry], float]] = field(default_factory=dict)
    ready: dict[Name, Ready] = field(default_factory=dict)
    dated: list[Dated] = field(default_factory=list)
    coalesced: dict[Name, Coalesced] = field(default_factory=dict)
    became_ready: dict[Name, float] = field(default_factory=dict)
    frozen: list[Frozen] = field(default_factory=list)
    settled: list[tuple[str, tuple[str, ...], float, tuple[Cause, ...]]] = field(
        default_factory=list
    )
    refused: dict[Name, Ready] = field(default_factory=dict)
    claims: dict[str, tuple[int, float]] = field(default_factory=dict)

    def release(self, released: list[Entry], now: float) -> None:
        """A transaction was committed."""
        for entry in released:
            if entry.key:
                self.cancel(entry.distribution, entry.key, now)
        self.take_in([arrival(entry, now) for entry in released], now)

    def cancel(self, distribution: str, key: str, now: float) -> int:
        kept = [
            each
            for each in self.dated
            if (each.entry.distribution, each.entry.key) != (distribution, key)
            or each.entry.due <= now
        ]
        cancelled = len(self.dated) - len(kept)
        self.dated = kept
        return cancelled

    def take_in(self, arrivals: list[Arrival], now: float) -> None:
        for entry, since, causes in arrivals:
            if not entry.item:
                continue
            if entry.due > now:
                self.schedule(entry, causes)
                continue
            if entry.every:
                arrived = self.again(entry, since, causes, now)
                if arrived is None:
                    continue
                since, causes = arrived
            name = (entry.distribution, entry.item)
            self.make_ready(name, since, entry.urgent, causes)

    def make_ready(
        self, name: Name, since: float, urgent: bool, causes: Causes
    ) -> None:
        known = self.ready.get(name, Ready(since))
        self.ready[name] = Ready(
            min(since, known.since),
            urgent or known.urgent,
            causes | known.causes,
        )

    def schedule(self, entry: Entry, causes: Causes) -> None:
        for each in self.dated:
            if replace(each.entry, urgent=False, every=0.0) == replace(
                entry, urgent=False, every=0.0
            ):
                self.dated.remove(each)
                entry = replace(
                    entry,
                    urgent=entry.urgent or each.entry.urgent,
                    every=min(entry.every, each.entry.every),
                )
                causes |= each.causes
        self.dated.append(Dated(entry, causes))

    def again(
        self, entry: Entry, since: float, causes: Causes, now: float
    ) -> tuple[float, Causes] | None:
        """Schedule a coalesced entry and return None; or, if it is ready now, return
        since when it and what was scheduled of it wait, and the causes of both.
        """
        name = (entry.distribution, entry.item)
        last = self.became_ready.get(name, -1e9)
        if now < last + entry.every and not entry.urgent:
            due = last + entry.every
            self.coalesce(name, Coalesced(due, entry.every, since, causes))
            return None
        self.became_ready[name] = now
        held = self.coalesced.pop(name, None)
        if held:
            since, causes = min(since, held.since), causes | held.causes
        return since, causes

    def coalesce(self, name: Name, again: Coalesced) -> None:
        known = self.coalesced.get(name, again)
        self.coalesced[name] = Coalesced(
            min(again.due, known.due),
            again.every,
            min(again.since, known.since),
            again.causes | known.causes,
        )

    def release_due(self, now: float) -> int:
        due = [
            (each.entry, each.entry.due, each.causes)
            for each in self.dated
            if each.entry.due <= now
        ]
        self.dated = [each for each in self.dated if each.entry.due > now]
        over = {name: c for name, c in self.coalesced.items() if c.due <= now}
        for name, each in over.items():
            del self.coalesced[name]
            self.became_ready.pop(name, None)
            entry = Entry(*name, every=each.every, due=each.due)
            due.append((entry, each.since, each.causes))
        if due:
            # Of several entries for one coalesced item the first is ready.
            due.sort(key=by_due)
            self.take_in(due, now)
        return len(due)

    def freeze(self, distribution: str, items: list[str]) -> dict[str, Ready]:
        """Take items, and what they absorb; each with all that it stands for."""
        taken = {item: self.ready.pop((distribution, item)) for item in items}
        for held in (self.ready, self.coalesced):
            for held_for, item in list(held):
                carrier = next((each for each in items if reaches(each, item)), None)
                if held_for != distribution or carrier is None:
                    continue
                each = held.pop((distribution, item))
                into = taken[carrier]
                into.causes |= each.causes
                into.since = min(into.since, each.since)
                if isinstance(each, Ready):
                    into.urgent |= each.urgent
        return taken

    def settle(self, frozen: Frozen) -> None:
        batch = frozen.batch
        causes = NO_CAUSES.union(*frozen.causes.values())
        self.settled.append(
            (batch.reference, batch.items, batch.since, in_order(causes))
        )

    def scheduled(self) -> list[Scheduled]:
        dated = [
            Scheduled(
                each.entry.distribution,
                each.entry.item,
                each.entry.due,
                each.entry.key,
                each.entry.urgent,
                causes=Kept(in_order(each.causes)),
            )
            for each in self.dated
        ]
        return dated + [
            Scheduled(*name, each.due, "", False, True, Kept(in_order(each.causes)))
            for name, each in self.coalesced.items()
        ]


def arrival(entry: Entry, since: float) -> Arrival:
    return entry, since, frozenset(filter(None, [entry.cause]))


def in_order(causes) -> tuple[Cause, ...]:
    return tuple(sorted(causes, key=str))


def by_due(arrival: Arrival) -> tuple:
    entry = arrival[0]
    return entry.due, entry.distribution, entry.item, entry.urgent, entry.every


def reaches(sent: str, item: str) -> bool:
    if sent.startswith("/") and sent.endswith("*"):
        return item.startswith(sent[:-1])
    return item == sent


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
        released = self.dated(released)
        self.outboxes[0].release("", released)
        self.model.release(released, self.clock.now)

    # --- saves ----------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 10.0, 49.0, 61.0]))
    def time_passes(self, seconds) -> None:
        self.clock.advance(seconds)

    @rule(who=couriers, entries=some_entries)
    def prepare(self, who, entries) -> None:
        token = f"t{next(self.numbers)}"
        entries = self.dated(entries)
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
        entries = self.dated(entries)
        self.outboxes[who].release("unknown", entries)
        self.model.release(entries, self.clock.now)

    @rule(who=couriers)
    def release_abandoned(self, who) -> None:
        abandoned = {
            token: prepared
            for token, prepared in self.model.prepared.items()
            if prepared[1] <= self.clock.now - GRACE
        }
        # In the order in which the outbox comes upon them.
        for token, (entries, since) in sorted(abandoned.items()):
            doubtful = [arrival(entry, since) for entry in entries]
            self.model.take_in(doubtful, self.clock.now)
            del self.model.prepared[token]
        count = sum(len(entries) for entries, _ in abandoned.values())
        assert self.outboxes[who].release_abandoned(GRACE) == count

    @rule(who=couriers)
    def release_due(self, who) -> None:
        due = self.model.release_due(self.clock.now)
        assert self.outboxes[who].release_due() == due

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
        # What a wildcard absorbs is not in the same batch: the planner sees to that.
        items = [
            item
            for item in items
            if item in pending
            and not any(reaches(each, item) for each in items if each != item)
        ]
        reference = f"r{next(self.numbers)}"
        try:
            batch = self.outboxes[who].freeze(distribution, reference, items)
        except ClaimLost:
            assert not self.holds(who, distribution)
            return
        assert self.holds(who, distribution)
        assert batch.items == tuple(items)
        taken = self.model.freeze(distribution, items)
        urgent = {item for item, ready in taken.items() if ready.urgent}
        if items:
            assert batch.since == min(ready.since for ready in taken.values())
            of_each = {item: ready.causes for item, ready in taken.items()}
            self.model.frozen.append(Frozen(batch, urgent, of_each))

    @rule(
        who=couriers, distribution=distributions, wildcard=st.sampled_from(ITEMS[-4:])
    )
    def widen(self, who, distribution, wildcard) -> None:
        covered = {
            name: self.model.ready.pop(name)
            for name in list(self.model.ready)
            if name[0] == distribution and reaches(wildcard, name[1])
        }
        if covered:
            self.model.ready[distribution, wildcard] = Ready(
                min(ready.since for ready in covered.values()),
                any(ready.urgent for ready in covered.values()),
                NO_CAUSES.union(*(ready.causes for ready in covered.values())),
            )
        assert self.outboxes[who].widen(distribution, wildcard) == len(covered)

    @precondition(lambda self: self.model.frozen)
    @rule(who=couriers, data=st.data())
    def settle(self, who, data) -> None:
        frozen = self.choose(data)
        batch = frozen.batch
        if self.try_to(who, frozen, lambda outbox: outbox.settle(batch, "I")):
            self.model.settle(frozen)

    @precondition(lambda self: self.model.frozen)
    @rule(who=couriers, data=st.data())
    def dissolve(self, who, data) -> None:
        frozen = self.choose(data)
        batch = frozen.batch
        if self.try_to(who, frozen, lambda outbox: outbox.dissolve(batch)):
            self.back(frozen, batch.distribution)

    @precondition(lambda self: self.model.frozen)
    @rule(who=couriers, data=st.data())
    def split_or_quarantine(self, who, data) -> None:
        frozen = self.choose(data)
        batch = frozen.batch
        if len(batch.items) == 1:
            if self.try_to(
                who, frozen, lambda outbox: outbox.quarantine(batch, plain("no"))
            ):
                (item,) = batch.items
                refused = Ready(batch.since, item in frozen.urgent, frozen.causes[item])
                self.model.refused[batch.distribution, item] = refused
                wider = {"/a*": "/*", "/a/*": "/*", "/b/*": "/*"}.get(item)
                if wider:
                    self.model.make_ready(
                        (batch.distribution, wider),
                        refused.since,
                        refused.urgent,
                        refused.causes,
                    )
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
            self.model.frozen += [
                Frozen(
                    half,
                    frozen.urgent & set(half.items),
                    {item: frozen.causes[item] for item in half.items},
                )
                for half in halves
            ]

    @rule(who=couriers, data=st.data(), distribution=distributions)
    def retry_or_discard(self, who, data, distribution) -> None:
        item = data.draw(st.sampled_from(ITEMS))
        retried = data.draw(st.booleans())
        outbox = self.outboxes[who]
        change = outbox.retry_quarantined if retried else outbox.discard_quarantined
        known = self.model.refused.pop((distribution, item), None)
        assert change(distribution, item) is (known is not None)
        if retried and known:
            self.model.make_ready(
                (distribution, item), known.since, known.urgent, known.causes
            )

    @rule(old=distributions)
    def retarget(self, old) -> None:
        new = next(each for each in DISTRIBUTIONS if each != old)
        model = self.model
        ready = [name for name in model.ready if name[0] == old]
        for _, item in ready:
            known = model.ready.pop((old, item))
            model.make_ready((new, item), known.since, known.urgent, known.causes)
        frozen = [each for each in model.frozen if each.batch.distribution == old]
        for each in frozen:
            model.frozen.remove(each)
            self.back(each, new)
        dated = [each for each in model.dated if each.entry.distribution == old]
        for each in dated:
            model.dated.remove(each)
            model.schedule(replace(each.entry, distribution=new), each.causes)
        coalesced = [name for name in model.coalesced if name[0] == old]
        for _, item in coalesced:
            model.coalesce((new, item), model.coalesced.pop((old, item)))
        count = len(ready) + len(dated) + len(coalesced)
        count += sum(len(each.batch.items) for each in frozen)
        assert self.outboxes[0].retarget(old, new) == count

    # --- the law --------------------------------------------------------------------

    @invariant()
    def the_outbox_holds_what_the_model_holds(self) -> None:
        for outbox in self.outboxes:
            for distribution in DISTRIBUTIONS:
                assert sorted(outbox.pending(distribution, 99), key=by_item) == sorted(
                    (
                        Pending(item, ready.since, ready.urgent)
                        for (held_for, item), ready in self.model.ready.items()
                        if held_for == distribution
                    ),
                    key=by_item,
                )
            assert sorted(
                (batch for each in DISTRIBUTIONS for batch in outbox.frozen(each)),
                key=by_reference,
            ) == sorted((each.batch for each in self.model.frozen), key=by_reference)
            found = [
                (s.reference, s.items, s.since, in_order(s.causes.known))
                for s in outbox.history(999)
            ]
            assert sorted(found, key=str) == sorted(self.model.settled, key=str)
            refused = {
                (each.distribution, each.item): (each.since, set(each.causes.known))
                for each in outbox.quarantined(999)
            }
            assert refused == {
                name: (each.since, each.causes)
                for name, each in self.model.refused.items()
            }
            assert outbox.status().prepared == len(self.model.prepared)
            assert {
                work.distribution: work.urgent for work in outbox.work() if work.ready
            } == {
                name[0]: any(
                    ready.urgent
                    for other, ready in self.model.ready.items()
                    if other[0] == name[0]
                )
                for name in self.model.ready
            }
            scheduled = outbox.scheduled(999)
            unordered = [
                replace(each, causes=Kept(in_order(each.causes.known)))
                for each in scheduled
            ]
            assert sorted(unordered, key=by_name) == sorted(
                self.model.scheduled(), key=by_name
            )
            assert [each.due for each in scheduled] == sorted(
                each.due for each in scheduled
            )

    # --- helpers --------------------------------------------------------------------

    def dated(self, entries: list[Entry]) -> list[Entry]:
        """Return entries that are due when they say, counted from now."""
        return [
            replace(entry, due=entry.due and self.clock.now + entry.due)
            for entry in entries
        ]

    def back(self, frozen: Frozen, distribution: str) -> None:
        """A batch's items are ready again, for ``distribution``."""
        for item in frozen.batch.items:
            urgent = item in frozen.urgent
            self.model.make_ready(
                (distribution, item), frozen.batch.since, urgent, frozen.causes[item]
            )

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


def by_name(scheduled: Scheduled) -> tuple:
    return (
        scheduled.distribution,
        scheduled.item,
        scheduled.due,
        scheduled.key,
        scheduled.urgent,
    )


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
        machine,
        settings=settings(max_examples=repetitions(60), stateful_step_count=30),
    )
