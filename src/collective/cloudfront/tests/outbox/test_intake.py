from collective.cloudfront.outbox import intake as module
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.intake import LOG_AGAIN
from collective.cloudfront.outbox.intake import MOST_KEPT
from collective.cloudfront.outbox.intake import RETRY_AFTER
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Causes
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.outbox.files import errors_in
from concurrent.futures import ThreadPoolExecutor

import logging
import pytest
import sqlite3
import time


PACE = Pace.fresh(0.0, Limits())


class BrittleOutbox(SqliteOutbox):
    """A real outbox that fails on request, and counts how often it is asked."""

    failure: Exception | None = None
    asked = 0

    def _ask(self):
        self.asked += 1
        if self.failure is not None:
            raise self.failure

    def prepare(self, token, entries):
        self._ask()
        return super().prepare(token, entries)

    def release(self, token, entries, since=None, more=False):
        self._ask()
        super().release(token, entries, since, more)

    def discard(self, token):
        self._ask()
        super().discard(token)


FULL = OutboxUnavailable("outbox.sqlite: database or disk is full")


def entries(*items, distribution="E1"):
    return [Entry(distribution, item) for item in items]


def ready(outbox, distribution="E1"):
    return [pending.item for pending in outbox.pending(distribution, 100_000)]


@pytest.fixture
def clock():
    return Clock(now=0.0)


@pytest.fixture
def outbox(tmp_path):
    outbox = BrittleOutbox(tmp_path / "outbox.sqlite")
    yield outbox
    outbox.close()


@pytest.fixture
def woken():
    return []


@pytest.fixture
def intake(outbox, clock, woken):
    return Intake(outbox, wake=lambda: woken.append(1), clock=clock)


# --- while the outbox works -------------------------------------------------------


def test_what_is_released_is_in_the_outbox_and_the_courier_awake(intake, outbox, woken):
    intake.prepare("t", entries("/a"))
    assert outbox.status().prepared == 1
    assert not woken
    intake.release("t", entries("/a"))
    assert woken
    assert (intake.kept, intake.trouble) == (0, None)
    handed_over = intake.handed_over()
    assert handed_over.distributions == {"E1"}
    assert not handed_over.is_urgent
    intake.retry()
    assert intake.handed_over() is None
    assert ready(outbox) == ["/a"]
    assert outbox.status().prepared == 0
    assert (intake.kept, intake.trouble) == (0, None)


def test_a_release_asks_the_outbox_nothing(intake, outbox):
    for number in range(100):
        intake.release(f"t{number}", entries(f"/{number}"))
    assert outbox.asked == 0
    assert intake.kept == 0
    intake.retry()
    assert len(ready(outbox)) == 100


def test_what_is_handed_over_is_in_doubt_until_it_is_brought_in(intake, outbox):
    """The process ends before its courier comes by: somebody else releases it."""
    intake.prepare("t", entries("/a"))
    intake.release("t", entries("/a"))
    other = SqliteOutbox(outbox.path)
    assert other.release_abandoned(0) == 1
    assert ready(other) == ["/a"]
    other.close()


def test_what_is_urgent_is_handed_over_as_urgent(intake):
    intake.release("t", [Entry("E1", "/a", urgent=True)])
    assert intake.handed_over().is_urgent


def test_what_was_handed_over_comes_in_order(intake, outbox):
    due = time.time() + 3600
    for item in ("/a", "/b", "/c"):
        intake.release("t", [Entry("E1", item, due=due, key="k")])
    intake.retry()
    assert [each.item for each in outbox.scheduled(9)] == ["/c"]


def test_a_disk_that_fails_during_the_commit_loses_nothing(
    intake, outbox, clock, monkeypatch
):
    def fail():
        raise OutboxUnavailable("outbox.sqlite: Input/output error")

    monkeypatch.setattr(outbox, "prepare", lambda *what: fail)
    wait = intake.prepare("t", entries("/a"))
    assert intake.trouble is None
    wait()
    assert "Input/output error" in str(intake.trouble)
    intake.release("t", entries("/a"))
    assert intake.kept == 1
    clock.advance(RETRY_AFTER)
    intake.retry()
    assert (ready(outbox), intake.kept, intake.trouble) == (["/a"], 0, None)


def test_what_is_urgent_hurries_the_courier(outbox, woken):
    hurried = []
    intake = Intake(
        outbox, wake=lambda: woken.append(1), hurry=lambda: hurried.append(1)
    )
    intake.release("t", entries("/a"))
    assert (woken, hurried) == ([1], [])
    intake.release("u", [Entry("E1", "/b"), Entry("E1", "/c", urgent=True)])
    assert (woken, hurried) == ([1], [1])


def test_what_is_discarded_is_not_in_the_outbox(intake, outbox, woken):
    intake.prepare("t", entries("/a"))
    intake.discard("t")
    assert outbox.status().prepared == 0
    assert outbox.work() == ()
    assert not woken


def test_with_nothing_kept_a_retry_asks_the_outbox_nothing(intake, outbox):
    intake.retry()
    assert outbox.asked == 0


# --- while it does not ---------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [FULL, UnicodeEncodeError("utf-8", "\udc80", 0, 1, "no"), RuntimeError("a bug")],
    ids=["unavailable", "unicode", "bug"],
)
def test_nothing_is_ever_raised(intake, outbox, clock, woken, failure):
    outbox.failure = failure
    for _ in range(2):
        intake.prepare("t", entries("/a"))
        intake.release("t", entries("/a"))
        intake.discard("u")
        intake.retry()
        clock.advance(RETRY_AFTER)
    assert intake.kept == 1
    assert str(failure) in str(intake.trouble)
    assert woken
    outbox.failure = None
    intake.retry()
    assert ready(outbox) == ["/a"]


def test_a_courier_that_cannot_be_woken_raises_nothing(outbox):
    def wake():
        raise RuntimeError("can't start new thread")

    intake = Intake(outbox, wake=wake)
    intake.release("t", entries("/a"))
    intake.retry()
    assert ready(outbox) == ["/a"]


def test_what_the_outbox_does_not_take_is_kept_and_tried_again(intake, outbox):
    outbox.failure = FULL
    intake.prepare("t", entries("/a"))
    intake.release("t", entries("/a", "/b"))
    intake.release("u", entries("/b", "/c") + entries("/b", distribution="E2"))
    intake.retry()
    assert intake.kept == 4
    intake.retry()
    assert intake.kept == 4
    assert str(intake.trouble) == str(FULL)

    outbox.failure = None
    intake.retry()
    assert sorted(ready(outbox)) == ["/a", "/b", "/c"]
    assert ready(outbox, "E2") == ["/b"]
    assert (intake.kept, intake.trouble) == (0, None)


def test_what_was_prepared_before_the_trouble_is_not_sent_twice(intake, outbox):
    """The entries of a transaction that has ended are not in doubt."""
    intake.prepare("committed", entries("/a"))
    intake.prepare("aborted", entries("/b"))
    outbox.failure = FULL
    intake.release("committed", entries("/a"))
    intake.discard("aborted")
    intake.retry()
    outbox.failure = None
    intake.retry()
    assert ready(outbox) == ["/a"]
    assert outbox.release_abandoned(0) == 0


def test_a_retry_that_fails_half_way_keeps_the_rest(intake, outbox, monkeypatch):
    intake.prepare("aborted", entries("/b"))
    outbox.failure = FULL
    intake.release("t", entries("/a"))
    intake.retry()
    intake.discard("aborted")
    outbox.failure = None

    def fail(token):
        raise FULL

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "discard", fail)
        intake.retry()
    assert intake.trouble
    assert ready(outbox) == ["/a"]
    assert intake.kept == 0
    intake.retry()
    assert intake.trouble is None
    assert ready(outbox) == ["/a"]
    assert outbox.release_abandoned(0) == 0


MANY = [f"/{number:03}" for number in range(600)]


@pytest.fixture
def fails_at(outbox, monkeypatch):
    """Call it with a number: the disk is full for that release from now on."""

    def arrange(number):
        numbers = iter(range(1, 100))
        release = outbox.release

        def fail_once(*args, **options):
            if next(numbers) == number:
                raise FULL
            release(*args, **options)

        monkeypatch.setattr(outbox, "release", fail_once)

    return arrange


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("was_kept", [False, True])
def test_a_slice_that_is_in_is_not_brought_in_again_when_a_later_one_fails(
    intake, outbox, fails_at, at, was_kept
):
    """Found by test_faults: another courier sent the first slices meanwhile."""
    intake.prepare("t", entries(*MANY))
    if was_kept:
        outbox.failure = FULL
    intake.release("t", entries(*MANY))
    if was_kept:
        intake.retry()
        outbox.failure = None
    fails_at(at)
    intake.retry()
    sent = ready(outbox)
    assert len(sent) == (at - 1) * 250
    assert intake.kept == len(MANY) - len(sent)
    if sent:
        outbox.claim("E1", 60)
        batch = outbox.freeze("E1", "reference", sent)
        outbox.settle(batch, "I1")
    intake.retry()
    assert ready(outbox) == MANY[len(sent) :]
    assert intake.trouble is None
    assert outbox.release_abandoned(0) == 0


def test_what_was_kept_is_announced_to_other_processes(intake, outbox):
    outbox.failure = FULL
    intake.prepare("t", entries("/a"))
    intake.release("t", entries("/a"), 7)
    intake.retry()
    outbox.failure = None
    intake.retry()
    (purge,) = outbox.poll([], 10, 60.0).purges
    assert purge.items == {"E1": ["/a"]}
    assert (purge.transaction, purge.tokens) == (7, frozenset(["t"]))


def test_trouble_ends_when_the_outbox_works_again_though_nothing_was_kept(
    intake, outbox
):
    outbox.failure = FULL
    intake.prepare("t", entries("/a"))
    assert intake.trouble
    outbox.failure = None
    intake.retry()
    assert intake.trouble is None


def test_after_a_failure_no_save_tries_the_outbox_for_a_second(intake, outbox, clock):
    outbox.failure = FULL
    intake.prepare("t", entries("/a"))
    assert outbox.asked == 1
    for _ in range(10):
        intake.prepare("u", entries("/b"))
        intake.release("u", entries("/b"))
        intake.discard("v")
    assert outbox.asked == 1
    clock.advance(RETRY_AFTER)
    intake.prepare("w", entries("/c"))
    assert outbox.asked == 2


def test_a_save_finds_the_outbox_working_again_by_itself(intake, outbox, clock):
    outbox.failure = FULL
    intake.prepare("t", entries("/a"))
    intake.release("t", entries("/a"))
    outbox.failure = None
    clock.advance(RETRY_AFTER)
    intake.prepare("u", entries("/b"))
    assert intake.trouble is None
    intake.release("u", entries("/b"))
    intake.release("v", entries("/c"))
    intake.retry()
    assert sorted(ready(outbox)) == ["/a", "/b", "/c"]


def test_a_locked_outbox_costs_one_save_a_moment_and_the_others_nothing(tmp_path):
    outbox = BrittleOutbox(tmp_path / "outbox.sqlite")
    outbox.release("", [])
    intake = Intake(outbox, clock=lambda: 1000.0)
    lock = sqlite3.connect(outbox.path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    intake.prepare("first", entries("/0"))
    outbox.asked = 0
    for number in range(100):
        intake.prepare("t", entries(f"/{number}"))
        intake.release("t", entries(f"/{number}"))
    assert outbox.asked == 0
    assert intake.kept == 100
    lock.close()
    intake.retry()
    assert len(ready(outbox)) == 100


# --- what has a date, or more ---------------------------------------------------------


def test_whole_entries_are_kept(intake, outbox):
    outbox.failure = FULL
    due = time.time() + 3600
    urgent = Entry("E1", "/a", urgent=True)
    intake.release("t", [urgent, Entry("E1", "/b", due=due, key="k")])
    intake.release("u", [Entry("E1", "/*", every=300.0)])
    intake.release("v", [Entry("E1", "/c", due=due)])
    outbox.failure = None
    intake.retry()
    assert [each.urgent for each in outbox.pending("E1", 9)] == [True, False]
    assert sorted((each.item, each.key) for each in outbox.scheduled(9)) == [
        ("/b", "k"),
        ("/c", ""),
    ]
    outbox.release("", [Entry("E1", "/*", every=300.0)])
    assert outbox.status().scheduled == 3


def test_the_last_replacement_wins_among_what_is_kept(intake, outbox):
    outbox.failure = FULL
    due = time.time() + 3600
    for item in ("/a", "/b", "/c"):
        intake.release("t", [Entry("E1", item, due=due, key="k")])
    intake.release("t", [Entry("E1", "/d", due=due, key="l")])
    intake.release("t", [Entry("E1", "", key="l")])
    outbox.failure = None
    outbox.release("", [Entry("E1", "/before", due=due, key=key) for key in "kl"])
    intake.retry()
    assert [(each.item, each.key) for each in outbox.scheduled(9)] == [("/c", "k")]


def test_a_save_does_not_overtake_what_is_kept(intake, outbox, clock):
    due = time.time() + 3600
    outbox.failure = FULL
    intake.release("t", [Entry("E1", "/old", due=due, key="k")])
    outbox.failure = None
    clock.advance(RETRY_AFTER)
    intake.release("u", [Entry("E1", "/new", due=due, key="k")])
    intake.retry()
    assert [each.item for each in outbox.scheduled(9)] == ["/new"]


def test_a_save_during_a_retry_does_not_overtake_it(intake, outbox, monkeypatch):
    due = time.time() + 3600
    outbox.failure = FULL
    intake.release("t", [Entry("E1", "/old", due=due, key="k")])
    outbox.failure = None
    release = outbox.release

    def slowly(*what):
        monkeypatch.undo()
        intake.release("u", [Entry("E1", "/new", due=due, key="k")])
        release(*what)

    monkeypatch.setattr(outbox, "release", slowly)
    intake.retry()
    intake.retry()
    assert [each.item for each in outbox.scheduled(9)] == ["/new"]


def test_a_retry_that_fails_keeps_what_came_meanwhile_as_the_newer(
    intake, outbox, monkeypatch
):
    due = time.time() + 3600
    outbox.failure = FULL
    intake.release("t", [Entry("E1", "/old", due=due, key="k")])

    def fail(*what):
        monkeypatch.undo()
        intake.release("u", [Entry("E1", "/new", due=due, key="k")])
        raise FULL

    monkeypatch.setattr(outbox, "release", fail)
    intake.retry()
    outbox.failure = None
    intake.retry()
    assert [each.item for each in outbox.scheduled(9)] == ["/new"]


def test_what_became_due_while_it_was_kept_is_not_replaced(outbox, clock):
    today = Clock()
    intake = Intake(outbox, clock=clock, wall_clock=today)
    outbox.failure = FULL
    intake.release("t", [Entry("E1", "/a", due=today.now + 5, key="k")])
    intake.retry()
    today.advance(5)
    intake.release("u", [Entry("E1", "", key="k")])
    intake.retry()
    outbox.failure = None
    intake.retry()
    assert ready(outbox) == ["/a"]
    assert outbox.scheduled(9) == []


# --- what the log says ----------------------------------------------------------------


def test_the_log_says_it_at_once_and_less_and_less_often(intake, outbox, clock, caplog):
    outbox.failure = FULL
    intake.release("t", entries("/a"))
    said = []
    for second in range(3601):
        intake.retry()
        if len(errors_in(caplog)) > len(said):
            said.append(second)
        clock.advance(1)
    errors = errors_in(caplog)
    assert said == [0, 60, 180, 420, 900, 1860]
    assert said[1] == LOG_AGAIN
    assert str(FULL) in errors[0].message
    assert "Saving continues" in errors[0].message
    assert errors[0].exc_info is None


def test_new_trouble_is_said_at_once(intake, outbox, clock, caplog):
    outbox.failure = FULL
    intake.release("t", entries("/a"))
    intake.retry()
    outbox.failure = None
    intake.retry()
    clock.advance(1)
    outbox.failure = FULL
    intake.release("t", entries("/a"))
    intake.retry()
    assert len(errors_in(caplog)) == 2


BUSY = OutboxBusy("outbox.sqlite: database is locked")


def test_somebody_else_who_writes_for_a_moment_is_no_trouble_of_the_disk(
    intake, outbox, clock, caplog
):
    outbox.failure = BUSY
    intake.release("t", entries("/a"))
    for _ in range(9):
        intake.retry()
        clock.advance(1)
    assert intake.kept == 1
    outbox.failure = None
    intake.retry()
    assert ready(outbox) == ["/a"]
    assert not caplog.records


def test_somebody_else_who_writes_for_long_is_said_and_not_the_disk(
    intake, outbox, clock, caplog
):
    outbox.failure = BUSY
    intake.release("t", entries("/a"))
    for _ in range(12):
        intake.retry()
        clock.advance(1)
    (error,) = errors_in(caplog)
    assert "Another process has been writing to it for too long" in error.message
    assert "disk" not in error.message


def test_a_bug_is_logged_with_its_traceback(intake, outbox, caplog):
    outbox.failure = RuntimeError("a bug")
    intake.release("t", entries("/a"))
    intake.retry()
    assert errors_in(caplog)[0].exc_info[1] is outbox.failure


def test_the_log_says_when_it_works_again(intake, outbox, caplog):
    caplog.set_level(logging.INFO)
    outbox.failure = FULL
    intake.release("t", entries("/a", "/b"))
    intake.retry()
    outbox.failure = None
    intake.retry()
    assert "works again. It has taken over 2 items from memory." in caplog.text


# --- bounds ----------------------------------------------------------------------------


def test_a_very_long_trouble_ends_with_purging_everything(intake, outbox):
    outbox.failure = FULL
    items = [f"/{number}" for number in range(MOST_KEPT)]
    intake.release("t", entries(*items) + entries("/a", distribution="E2"))
    intake.retry()
    assert intake.kept == MOST_KEPT + 1
    intake.release("u", entries("/one/more"))
    intake.retry()
    assert intake.kept == 2
    intake.release("v", entries("/later"))
    outbox.failure = None
    intake.retry()
    assert set(ready(outbox)) == {"/*", "/later"}
    assert ready(outbox, "E2") == ["/a"]
    assert outbox.claim("E1", 60)
    settled = outbox.settle(outbox.freeze("E1", "r", ["/*"]), "I")
    assert settled.causes == Causes((module.TOO_MUCH_KEPT,))


def test_what_is_kept_in_memory_keeps_its_first_cause(intake, outbox):
    outbox.failure = FULL
    for cause in (Cause("jane", ("/a",), 1), Cause("joe", ("/b",), 1)):
        intake.release("t", [Entry("E1", "/*", every=60.0, cause=cause)])
        intake.retry()
    assert intake.kept == 1
    outbox.failure = None
    intake.retry()
    assert outbox.scheduled(9) == []
    assert outbox.claim("E1", 60)
    settled = outbox.settle(outbox.freeze("E1", "r", ["/*"]), "I")
    assert [str(each) for each in settled.causes.known] == ["jane: /a"]


def test_purging_everything_instead_loses_no_schedule(intake, outbox, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    outbox.failure = FULL
    due = time.time() + 3600
    intake.release("t", [Entry("E1", f"/{n}", due=due, key=f"{n}") for n in range(9)])
    intake.release("u", [Entry("E1", "/urgent", urgent=True)])
    intake.release("v", entries("/a", "/b", "/c"))
    intake.retry()
    outbox.failure = None
    intake.retry()
    (everything,) = outbox.pending("E1", 9)
    assert (everything.item, everything.urgent) == ("/*", True)
    assert outbox.status().scheduled == 9


def test_memory_is_bounded_whatever_comes(intake, outbox, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 10)
    outbox.failure = FULL
    for number in range(5_000):
        intake.release(f"t{number}", entries(f"/{number}"))
    assert intake.kept <= 11
    assert len(intake._ended) <= module.MOST_TOKENS


def test_threads_that_save_during_trouble_lose_nothing(intake, outbox, clock):
    def save(thread):
        for number in range(200):
            clock.advance(0.01)
            outbox.failure = FULL if number % 3 else None
            intake.release("t", entries(f"/{thread}/{number}"))
            if number % 7 == 0:
                intake.retry()
        outbox.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    outbox.failure = None
    intake.retry()
    assert len(ready(outbox)) == 800


# --- whoever waits for an answer -------------------------------------------------


def test_whether_the_outbox_is_usable_is_tried_and_leaves_nothing_behind(
    intake, outbox
):
    assert intake.is_usable()
    assert outbox.status().prepared == 0
    outbox.failure = FULL
    assert not intake.is_usable()
    assert str(intake.trouble) == str(FULL)


def test_who_asks_whether_it_is_usable_waits_for_others_who_write(
    intake, outbox, clock
):
    outbox.failure = BUSY

    def sleep(seconds):
        clock.advance(seconds)
        outbox.failure = None

    assert intake.is_usable(sleep=sleep)
    outbox.failure = BUSY
    slept = []
    assert not intake.is_usable(tries=3, sleep=slept.append)
    assert len(slept) == 2


def test_what_was_handed_over_and_is_not_in_the_outbox_yet_is_arriving(intake):
    later = Entry("E1", "/later", due=time.time() + 3600)
    intake.release("t", [*entries("/a", "/b"), later])
    intake.release("u", entries("/c", distribution="E2"))
    assert intake.arriving(["E1"]) == 2
    intake.retry()
    assert intake.arriving(["E1"]) == 0
