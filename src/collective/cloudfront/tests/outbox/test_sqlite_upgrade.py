"""Older formats of the SQLite file: whatever is in them is kept."""

from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.sqlite.sentences import FORMER
from collective.cloudfront.outbox.sqlite.sentences import recognised
from collective.cloudfront.outbox.store import OutboxUnavailable
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.pacing import Bucket
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox import older
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.outbox.older import THEN
from string import Template

import contextlib
import json
import pytest
import re
import sqlite3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def outbox(path):
    outbox = SqliteOutbox(path, clock=Clock(THEN + 1000))
    yield outbox
    outbox.close()


def text(causes):
    return [str(each) for each in causes.known]


def structure(path):
    """Return the tables with their columns, and the indexes."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        names = db.execute("SELECT name, type FROM sqlite_master ORDER BY name")
        return {
            name: sorted(
                row[1:] if kind == "index" else row[1:4]
                for row in db.execute(
                    f"PRAGMA {'index_xinfo' if kind == 'index' else 'table_info'}"
                    f"({name})"
                )
            )
            for name, kind in names.fetchall()
        }


@pytest.mark.parametrize("version", older.FORMATS)
def test_an_older_format_becomes_the_current_one(outbox, path, tmp_path, version):
    new = SqliteOutbox(tmp_path / "new.sqlite")
    new.work()
    new.close()
    older.make(path, version)
    outbox.work()
    assert structure(path) == structure(tmp_path / "new.sqlite")
    assert not list(tmp_path.glob("*.damaged*"))
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.FORMAT,)


@pytest.mark.parametrize("version", older.FORMATS)
def test_what_every_format_has_is_kept(outbox, path, version):
    older.make(path, version)
    assert {(each.item, each.since) for each in outbox.pending("E1", 9)} == {
        ("/ready", THEN),
        ("/w/*", THEN + 1),
    }
    (batch,) = outbox.frozen("E1")
    assert (batch.reference, batch.items) == ("r2", ("/f1", "/f2"))
    assert (batch.since, batch.frozen, batch.refusals) == (THEN, THEN + 5, 2)
    assert [each.invalidation for each in outbox.history(9)] == ["I1", "I0"]
    assert outbox.history(9)[1].completed == THEN + 9
    assert [each.invalidation for each in outbox.in_progress("E1")] == ["I1"]
    (quarantined,) = outbox.quarantined(9)
    assert (quarantined.item, quarantined.quarantined) == ("/bad", THEN + 3)
    assert quarantined.reason == message("refused", error="InvalidArgument")
    assert outbox.pace("E1") == Pace(Bucket(900.0, THEN), Bucket(14.0, THEN), 2.0)
    assert outbox.pace("E2") is None
    (work,) = outbox.work()
    assert work.waiting.reason == message(
        "role", error=message("no_credentials", error="no")
    )
    assert work.waiting.advice == plain("Something that nobody knows.")
    assert (work.waiting.paused, work.waiting.attempts) == (True, 3)
    assert (work.waiting.since, work.waiting.until) == (THEN, THEN + 300)
    assert outbox.status().in_doubt_released == 7
    assert outbox.release_abandoned(60) == 1
    assert Pending("/prepared", THEN) in outbox.pending("E1", 9)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_what_is_urgent_scheduled_and_billed_is_kept_since_format_2(
    outbox, path, version
):
    older.make(path, version)
    assert outbox.pending("E1", 9)[0] == Pending("/ready", THEN, True)
    assert outbox.frozen("E1")[0].urgent == {"/f2"}
    dated, again = sorted(outbox.scheduled(9), key=lambda each: each.coalesced)
    assert (dated.item, dated.key, dated.urgent) == ("/dated", "k", True)
    assert (again.item, again.due, again.coalesced) == ("/again", THEN + 1e9, True)
    outbox.release("", [Entry("E1", "/again", every=2e9)])
    assert len(outbox.scheduled(9)) == 2
    assert outbox.billed("2023-11") == {"E1": 12}


@pytest.mark.parametrize("version", [3, 4])
def test_causes_and_what_people_asked_for_are_kept_since_format_3(
    outbox, path, version
):
    older.make(path, version)
    done = outbox.history(9)[1]
    assert text(done.causes) == ["jane: /done and 3 more"]
    assert done.causes.more == 4
    assert text(outbox.quarantined(9)[0].causes) == ["jane: undo"]
    assert outbox.quarantined(9)[0].causes.known == (Cause("jane", code="undo"),)
    batch = outbox.frozen("E1")[0]
    assert [text(each) for each in batch.causes] == [["joe: /f"]] * 2
    assert outbox.requests(9) == [
        PurgeRequest("a", THEN, "jane", "theme", ("/*",), ("E1",))
    ]
    assert outbox.claim("E1", 60)
    frozen = outbox.freeze("E1", "r9", ["/ready"])
    assert text(frozen.causes[0]) == ["jane: /a", "settings"]
    assert frozen.causes[0].more == 2
    assert outbox.retry_quarantined("E1", "/bad")
    assert outbox.pending("E1", 9)[0].urgent


def test_an_upgrade_that_fails_changes_nothing(outbox, path, monkeypatch):
    older.make(path, 4)
    before = structure(path)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "_FOR_OLDER_VERSIONS", "this is not SQL")
        with pytest.raises(OutboxUnavailable):
            outbox.work()
    assert structure(path) == before
    assert len(outbox.history(9)) == 2


def test_processes_that_upgrade_at_once_lose_nothing(outbox, path):
    older.make(path, 4)
    code = """
outbox = open_as()
print("ready", flush=True)
input()
while True:
    try:
        outbox.release("", [Entry("E1", f"/{os.getpid()}")])
        break
    except OutboxUnavailable as error:
        assert "locked" in str(error), error
"""
    running = [processes.start(f"sqlite:///{path}", code) for _ in range(3)]
    processes.go_together(running)
    items = {each.item for each in outbox.pending("E1", 99)}
    assert items == {"/ready", "/w/*", *(f"/{each.pid}" for each in running)}
    assert len(outbox.history(9)) == 2
    assert not list(path.parent.glob("*.damaged*"))


def test_what_an_older_process_saves_after_the_upgrade_is_taken(outbox, path):
    """It was running when a newer one upgraded the file, and goes on."""
    older.make(path, 4)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("SELECT count(*) FROM settled").fetchone()
        outbox.work()
        packed = json.dumps(["joe: /new", ["E1", "/new"], ["E1", "/doubt"]])
        old.execute(older.PREPARE, ("old", "gone:1:0123456789ab", THEN + 50, packed))
        old.execute("BEGIN IMMEDIATE")
        old.execute(older.COUNT, ("stamp", 1)).fetchall()
        causes = json.dumps(["joe: /new"])
        old.execute(older.ADD_READY, ("E1", "/new", 0, THEN, 5, 0, causes))
        old.execute(older.ADD_READY, ("E1", "/ready", 0, THEN + 9, 5, 0, causes))
        dated = ("E1", "k", "/soon", THEN + 500, 0, 0.0, 0, 5, causes)
        old.execute(older.SCHEDULE, dated)
        old.execute("COMMIT")
        # It sees that there is work, and cannot send it.
        assert old.execute("SELECT items FROM batch").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="view"):
            old.execute("INSERT INTO distribution (id) VALUES ('E1')")
    assert outbox.release_due() == 1
    assert outbox.release_abandoned(60) == 3
    assert {each.item for each in outbox.pending("E1", 99)} == {
        *("/ready", "/w/*", "/new", "/soon", "/prepared", "/doubt")
    }
    assert outbox.claim("E1", 60)
    batch = outbox.freeze("E1", "r9", ["/new"])
    assert text(outbox.settle(batch, "I9").causes) == ["joe: /new"]


@pytest.mark.parametrize("version", older.FORMATS)
def test_a_damaged_file_of_an_older_format_is_saved_too(outbox, path, version):
    older.make(path, version)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE settled")
    with pytest.raises(OutboxUnavailable):
        outbox.work()
    outbox.release_abandoned(0)
    assert {each.item for each in outbox.pending("E1", 99)} == {"/*", "/prepared"}


def with_values(code):
    """Return a message whose values would confuse a careless reader."""
    names = re.findall(r"\$\{(\w+)\}", FORMER[code])
    return message(code, **{name: f"{name}: (a) b\nc." for name in names})


@pytest.mark.parametrize(
    "sentence",
    [
        *map(with_values, FORMER),
        message("throttled", error="Rate exceeded"),
        message("outbox_damaged", path="/a", reason="b", error="c"),
        message("advice_denied", operation="CreateInvalidation"),
        plain("Nobody knows this."),
    ],
    ids=lambda sentence: sentence.code,
)
def test_a_sentence_is_recognised_as_the_message_that_it_was(sentence):
    former = FORMER.get(sentence.code, str(sentence))
    assert (
        recognised(Template(former).safe_substitute(dict(sentence.values))) == sentence
    )


def make_format_5(path):
    """Make a file as the version with format 5 did, with a coalesced item that waits."""
    new = SqliteOutbox(path, clock=Clock(THEN))
    new.release("", [Entry("E1", "/*", every=300.0)])
    new.release("", [Entry("E1", "/*", every=300.0)])
    new.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE lately")
        db.execute("ALTER TABLE scheduled DROP COLUMN since")
        db.execute("PRAGMA user_version = 5")
        db.commit()


def test_format_5_becomes_the_current_one_and_nothing_in_it_is_lost(
    outbox, path, tmp_path
):
    new = SqliteOutbox(tmp_path / "new.sqlite")
    new.work()
    new.close()
    make_format_5(path)
    (waiting,) = outbox.scheduled(9)
    assert (waiting.item, waiting.due) == ("/*", THEN + 300)
    assert structure(path) == structure(tmp_path / "new.sqlite")
    # Since when it waits was not kept; since the interval began, at most
    outbox.release_due()
    assert [each.since for each in outbox.pending("E1", 9)] == [THEN]
