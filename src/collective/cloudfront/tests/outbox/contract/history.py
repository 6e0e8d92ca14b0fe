"""Finding entries of the history, page by page."""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.outbox import history
from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.finding import HistoryEntry
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import HistoryPage
from collective.cloudfront.outbox.finding import HistoryState
from collective.cloudfront.outbox.finding import Position
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Settled
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.outbox.contract.common import action
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.profile import repetitions
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import pytest
import uuid


EVERYTHING = HistoryFilter()
ITEMS = ("/", "/a", "/a/b", "/a?x", "/ab", "/a*", "/*", "#a", "/Ä")
PEOPLE = ("jane", "Joe", "")


def send(
    outbox: Outbox, *items: str, distribution: str = E1, cause: Cause | None = None
):
    """Have items frozen; return the batch."""
    assert outbox.claim(distribution, 60)
    cause = cause or Cause("jane", ("/a",), 1)
    outbox.release("", [Entry(distribution, item, cause=cause) for item in items])
    return outbox.freeze(distribution, uuid.uuid4().hex, items)


def accept(outbox: Outbox, *items: str, **how) -> Settled:
    return outbox.settle(send(outbox, *items, **how), uuid.uuid4().hex[:8])


def refuse(outbox: Outbox, item: str, **how) -> Quarantined:
    outbox.quarantine(send(outbox, item, **how), plain("InvalidArgument"))
    return outbox.quarantined(1)[0]


def ask(outbox: Outbox, clock: Clock, *items: str, **how) -> PurgeRequest:
    request = action(uuid.uuid4().hex, time=clock.now, items=items or ("/a",), **how)
    outbox.record_request(request)
    return request


def downwards(outbox: Outbox, wanted: HistoryFilter, limit: int) -> list[HistoryPage]:
    """Follow "older" from the first page to the last."""
    pages = [outbox.find(wanted, limit)]
    while pages[-1].older is not None:
        pages.append(outbox.find(wanted, limit, before=pages[-1].older))
    return pages


def upwards(
    outbox: Outbox, wanted: HistoryFilter, limit: int, start: Position | None
) -> Iterator[HistoryPage]:
    """Follow "newer" to the first page."""
    while start is not None:
        page = outbox.find(wanted, limit, after=start)
        yield page
        start = page.newer


def together(pages: list[HistoryPage]) -> list[HistoryEntry]:
    return [entry for page in pages for entry in page.entries]


class HistoryContract(Opened):
    """Finding entries of the history, page by page."""

    def test_all_kinds_of_entries_come_together_newest_first(
        self, outbox, other, clock
    ):
        accepted = accept(outbox, "/a")
        clock.advance(1)
        refused = refuse(outbox, "/b")
        clock.advance(1)
        request = ask(outbox, clock)
        assert other.find(EVERYTHING, 9) == HistoryPage((request, refused, accepted))

    def test_what_waits_or_is_being_sent_is_not_in_it(self, outbox):
        outbox.release("", [Entry(E1, "/ready")])
        send(outbox, "/frozen")
        assert outbox.find(EVERYTHING, 9) == HistoryPage()

    def test_pages_have_older_and_newer_ones(self, outbox, clock):
        all_of_them = []
        for number in range(5):
            all_of_them.insert(0, accept(outbox, f"/{number}"))
            clock.advance(1)
        first, second, third = downwards(outbox, EVERYTHING, 2)
        assert together([first, second, third]) == all_of_them
        assert first.newer is None
        assert third.older is None
        assert outbox.find(EVERYTHING, 2, after=third.newer) == second
        assert outbox.find(EVERYTHING, 2, after=second.newer) == first

    def test_pages_stay_where_they_are_when_something_is_added(self, outbox, clock):
        for number in range(4):
            accept(outbox, f"/{number}")
            clock.advance(1)
        first = outbox.find(EVERYTHING, 2)
        second = outbox.find(EVERYTHING, 2, before=first.older)
        newest = [accept(outbox, f"/new/{number}") for number in range(3)]
        assert outbox.find(EVERYTHING, 2, before=first.older) == second
        back = outbox.find(EVERYTHING, 2, after=second.newer)
        assert back.entries == first.entries
        above = outbox.find(EVERYTHING, 2, after=back.newer)
        assert set(above.entries) < set(newest)

    def test_a_first_page_is_full_if_there_is_enough(self, outbox, clock):
        found = []
        for number in range(4):
            found.insert(0, accept(outbox, f"/{number}"))
            clock.advance(1)
        second = outbox.find(EVERYTHING, 3, before=outbox.find(EVERYTHING, 1).older)
        page = outbox.find(EVERYTHING, 3, after=second.newer)
        assert list(page.entries) == found[:3]
        assert page.newer is None

    def test_entries_of_the_same_moment_are_on_one_page_each(self, outbox, clock):
        found = [accept(outbox, f"/{number}") for number in range(7)]
        found += [refuse(outbox, f"/r{number}") for number in range(3)]
        for limit in (1, 2, 3):
            pages = downwards(outbox, EVERYTHING, limit)
            ids = [repr(each) for each in together(pages)]
            assert len(ids) == len(set(ids)) == len(found)

    def test_by_distribution(self, outbox, clock):
        first, second = accept(outbox, "/a"), accept(outbox, "/a", distribution=E2)
        refused = refuse(outbox, "/b", distribution=E2)
        both = ask(outbox, clock, distributions=(E1, E2))

        def found(*distributions):
            wanted = HistoryFilter(distributions=frozenset(distributions))
            return set(outbox.find(wanted, 9).entries)

        assert found(E1) == {first, both}
        assert found(E2) == {second, refused, both}
        assert found(E1, E2) == {first, second, refused, both}
        assert found("E3") == found() == set()

    def test_by_state(self, outbox, clock):
        def found(*states):
            wanted = HistoryFilter(states=frozenset(states))
            return list(outbox.find(wanted, 9).entries)

        running = accept(outbox, "/running")
        done = outbox.complete(accept(outbox, "/done"), "Completed")
        hidden = outbox.complete(accept(outbox, "/hidden"), "Unknown")
        refused = refuse(outbox, "/refused")
        asked = ask(outbox, clock)
        planned = ask(outbox, clock, due=clock.now + 60)
        over = ask(outbox, clock, due=clock.now + 60, cancelled=clock.now)
        assert found(HistoryState.IN_PROGRESS) == [running]
        assert found(HistoryState.COMPLETED) == [done]
        assert found(HistoryState.UNKNOWN) == [hidden]
        assert found(HistoryState.REFUSED) == [refused]
        assert found(HistoryState.REQUESTED) == [asked]
        assert found(HistoryState.SCHEDULED) == [planned]
        assert found(HistoryState.CANCELLED) == [over]
        assert len(found(HistoryState.REFUSED, HistoryState.COMPLETED)) == 2
        clock.advance(60)
        assert set(found(HistoryState.REQUESTED)) == {asked, planned}

    def test_a_long_search_ends_and_goes_on_where_it_ended(
        self, outbox, clock, monkeypatch
    ):
        monkeypatch.setattr(history, "MOST_ROWS", 3)
        needle = accept(outbox, "/needle")
        times = []
        for number in range(7):
            clock.advance(1)
            times.insert(0, clock.now)
            accept(outbox, f"/{number}")
        wanted = HistoryFilter(search="needle")
        pages = downwards(outbox, wanted, 2)
        assert [page.entries for page in pages] == [(), (), (needle,)]
        assert [page.searched_to for page in pages] == [times[2], times[5], None]
        back = list(upwards(outbox, wanted, 2, pages[-1].newer))
        assert together(back) == []
        assert back[-1].newer is None

    def test_one_page_reads_few_characters_too(self, outbox, clock, monkeypatch):
        for number in range(4):
            accept(outbox, f"/{number}/" + 500 * "x")
            clock.advance(1)
        monkeypatch.setattr(history, "MOST_CHARACTERS", 900)
        pages = downwards(outbox, HistoryFilter(search="none"), 9)
        assert [page.searched_to is None for page in pages] == [False, True]

    @pytest.mark.long
    def test_pages_hold_what_a_simple_model_finds(self, tmp_path):
        folders = iter(range(10**9))

        @settings(max_examples=repetitions(100), deadline=None)
        @given(st.lists(steps, max_size=12), filters, st.integers(1, 4))
        def check(done, wanted, limit):
            folder = tmp_path / str(next(folders))
            folder.mkdir()
            clock = Clock()
            outbox = self.make_engine(folder).open(clock)
            try:
                compare(outbox, clock, done, wanted, limit)
            finally:
                outbox.end()

        check()


# --- any history, any filter, and a simple model --------------------------------------

causes = st.builds(
    Cause,
    st.sampled_from(PEOPLE),
    st.sampled_from([("/a/b",), ("/c",), ()]),
    st.just(1),
)
distributions = st.sampled_from([E1, E2])
#: What is done, on what, after how many seconds.
steps = st.tuples(
    st.sampled_from(["accept", "complete", "hide", "refuse", "ask", "plan", "cancel"]),
    st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3, unique=True),
    distributions,
    causes,
    st.integers(0, 2),
)
filters = st.builds(
    HistoryFilter,
    st.none() | st.frozensets(distributions),
    st.just(frozenset()) | st.frozensets(st.sampled_from(HistoryState)),
    st.sampled_from(["", "jane", "JOE"]),
    st.sampled_from(["", *ITEMS, "/c"]),
    st.sampled_from(["", "A", "/a joe", "ä", "reason", "invalid"]),
)


def perform(outbox: Outbox, clock: Clock, step) -> list[tuple[HistoryEntry, str]]:
    """Do one thing; return the entry with the name of its state."""
    what, items, distribution, cause, seconds = step
    clock.advance(seconds)
    how = {"distribution": distribution, "cause": cause}
    if what in ("accept", "complete", "hide"):
        status = {"complete": "Completed", "hide": "Unknown"}.get(what)
        accepted = accept(outbox, *items, **how)
        if status is None:
            return [(accepted, "in_progress")]
        name = "completed" if what == "complete" else "unknown"
        return [(outbox.complete(accepted, status), name)]
    if what == "refuse":
        # A place for it: an item is in quarantine once, and no wildcard is.
        before = set(outbox.quarantined(99))
        item = f"/a/r{len(before)}{distribution}"
        refuse(outbox, item, **how)
        return [(each, "refused") for each in set(outbox.quarantined(99)) - before]
    due = None if what == "ask" else clock.now + 1000
    name = {"ask": "requested", "plan": "scheduled", "cancel": "cancelled"}[what]
    cancelled = clock.now if what == "cancel" else None
    by = {"user": cause.user, "distributions": (distribution,)}
    found = ask(outbox, clock, *items, due=due, cancelled=cancelled, **by)
    return [(found, name)]


def compare(outbox, clock, done, wanted, limit) -> None:
    known: dict[HistoryEntry, str] = {}
    for step in done:
        known.update(perform(outbox, clock, step))
    expected = {each for each, state in known.items() if admits(wanted, each, state)}
    pages = downwards(outbox, wanted, limit)
    found = together(pages)
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert all(len(page.entries) == limit for page in pages[:-1])
    assert [moment(each) for each in found] == sorted(map(moment, found))[::-1]
    # And up again: the same, but that the first page is filled up.
    clock.advance(1)
    back = list(upwards(outbox, wanted, limit, pages[-1].newer))
    if back:
        assert back[-1] == pages[0]
        above = together(back[:-1][::-1])
        before = together(pages[:-1])
        assert above == before[len(before) - len(above) :]


def moment(entry: HistoryEntry) -> float:
    names = ("accepted", "quarantined", "time")
    return next(getattr(entry, name) for name in names if hasattr(entry, name))


def admits(wanted: HistoryFilter, entry: HistoryEntry, state: str) -> bool:
    """The same in other words."""
    is_request = isinstance(entry, PurgeRequest)
    mine = {*entry.distributions} if is_request else {entry.distribution}
    items = [entry.item] if isinstance(entry, Quarantined) else list(entry.items)
    caused = () if is_request else entry.causes.known
    people = [entry.user] if is_request else [each.user for each in caused]
    names = [name for each in caused for name in each.names]
    said = [entry.reason, entry.id] if is_request else []
    if isinstance(entry, Quarantined):
        said = [str(entry.reason)]
    elif isinstance(entry, Settled):
        said = [entry.invalidation, entry.reference]
    text = " ".join([*mine, *items, *people, *names, *said]).lower()
    return (
        (wanted.distributions is None or bool(mine & wanted.distributions))
        and (not wanted.states or state in {each.value for each in wanted.states})
        and wanted.person.lower() in [each.lower() for each in people] + [""]
        and (not wanted.path or any(below(wanted.path)(each) for each in items + names))
        and all(word in text for word in wanted.search.lower().split())
    )


def below(path: str) -> Callable[[str], bool]:
    def is_below(place: str) -> bool:
        if "#" in (path[0], place[0]):
            return path == place
        reached = place.endswith("*") and path.startswith(place[:-1])
        if path.endswith("*"):
            return reached or place.startswith(path[:-1])
        folder = path if path.endswith("/") else f"{path}/"
        inside = place.startswith((folder, f"{path}?"))
        return reached or place == path or inside

    return is_below
