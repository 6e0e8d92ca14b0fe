"""What is peculiar to the SQLite engine: a file that is damaged, locked, full."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import Position
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.rows import DONE
from collective.cloudfront.outbox.sql import SqlTransaction
from collective.cloudfront.outbox.sqlite import replacement
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite import synchronise
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.sqlite.store import SAVE_PATIENCE
from collective.cloudfront.outbox.sqlite.store import SqliteStore
from collective.cloudfront.outbox.store import INVALIDATION
from collective.cloudfront.outbox.store import InvalidationRow
from collective.cloudfront.outbox.store import REQUEST
from collective.cloudfront.outbox.store import RequestRow
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import Scheduled
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.outbox.files import errors_in
from collective.cloudfront.tests.outbox.files import set_aside
from collective.cloudfront.tests.outbox.files import until_it_works
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import contextlib
import os
import pytest
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time


PACE = Pace.fresh(0.0, Limits())


def entries(*items):
    return [Entry("E1", item) for item in items]


def ready(outbox):
    return [pending.item for pending in outbox.pending("E1", 10_000)]


def in_all(outbox):
    """Return every item that the outbox still holds, wherever."""
    outbox.release_abandoned(0)
    frozen = [item for batch in outbox.frozen("E1") for item in batch.items]
    return sorted(ready(outbox) + frozen)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def damaged():
    """What ``on_damage`` was told."""
    return []


@pytest.fixture
def outbox(path, clock, damaged):
    outbox = SqliteOutbox(path, on_damage=damaged.append, clock=clock)
    yield outbox
    outbox.close()


@pytest.fixture
def filled(outbox, path):
    """An outbox that holds items in every state, and is closed."""
    fill(outbox)
    outbox.close()
    assert not path.with_name("outbox.sqlite-wal").exists()
    return outbox


ITEMS = ["/frozen", "/prepared", *(f"/ready/{number:04}" for number in range(300))]


def fill(outbox):
    outbox.release("", entries("/settled", "/frozen", *ITEMS[2:]))
    assert outbox.claim("E1", 60)
    outbox.settle(outbox.freeze("E1", "r1", ["/settled"]), "I1")
    outbox.freeze("E1", "r2", ["/frozen"])
    outbox.prepare("t", entries("/prepared"))


# --- the file and its format ------------------------------------------------------


def test_opening_touches_no_file(path):
    SqliteOutbox(path)
    assert not path.exists()


def test_the_file_is_marked_as_ours_with_its_format(outbox, path):
    outbox.release("", [])
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (0x43466F62,)
        assert db.execute("PRAGMA user_version").fetchone() == (schema.FORMAT,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_schedules_are_saved_from_a_damaged_file(outbox, path, clock):
    due = clock.now + 60
    outbox.release("", [Entry("E1", "/a", True, 0.0, due, "k")])
    outbox.release("", [Entry("E1", "/*", every=300.0)] * 2)
    outbox.prepare("t", [Entry("E1", "/b", due=due), Entry("E1", "", key="k")])
    outbox.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE invalidation")
    with pytest.raises(OutboxUnavailable):
        outbox.history(1)
    # What was prepared waits for its transaction.
    assert outbox.status().prepared == 1
    assert outbox.release_abandoned(0) == 2
    assert outbox.scheduled(10) == [
        Scheduled("E1", "/a", due, "k", True),
        Scheduled("E1", "/b", due, "", False),
        Scheduled("E1", "/*", clock.now + 300, "", False, coalesced=True),
    ]
    assert ready(outbox) == ["/*"]


@pytest.mark.parametrize("version", [0, schema.FORMAT, 7])
@pytest.mark.parametrize("application", [0, 4711])
def test_a_database_of_another_program_is_never_touched(
    outbox, path, damaged, version, application
):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE ready (mine)")
        db.execute("INSERT INTO ready VALUES ('precious')")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute(f"PRAGMA application_id = {application}")
        db.commit()
    before = path.read_bytes()
    for action in (
        lambda: outbox.release("", entries("/a")),
        outbox.work,
        lambda: outbox.tidy(1),
    ):
        with pytest.raises(OutboxUnavailable, match="another program") as caught:
            action()
        assert caught.value.message == message("outbox_foreign", path=str(path))
    outbox.close()
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["outbox.sqlite"]
    assert damaged == []


def test_an_empty_file_becomes_an_outbox(outbox, path):
    path.touch()
    outbox.release("", entries("/a"))
    assert ready(outbox) == ["/a"]
    assert not set_aside(path)


def test_several_processes_may_create_the_outbox_at_once(path):
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
    running = [processes.start(f"sqlite:///{path}", code) for _ in range(4)]
    processes.go_together(running)
    created = sorted(ready(SqliteOutbox(path)))
    assert created == sorted(f"/{process.pid}" for process in running)
    assert not set_aside(path)


def test_a_courier_waits_for_one_who_creates_the_outbox(path):
    creating = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    creating.execute("BEGIN EXCLUSIVE")
    # As long as a disk may take that others use as well
    done = threading.Timer(4 * SAVE_PATIENCE, creating.execute, ["ROLLBACK"])
    done.start()
    assert SqliteOutbox(path).take_call(Limits()) == 0.0
    done.join()
    creating.close()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/cf/outbox.sqlite", "/var/lib/cf/outbox.sqlite"),
        ("sqlite:///var/outbox.sqlite", "var/outbox.sqlite"),
        ("sqlite:////a%20b/%C3%A9", "/a b/é"),
    ],
)
def test_a_url_names_the_file(url, path):
    assert open_outbox(url).path == Path(path).absolute()


@pytest.mark.parametrize("url", ["sqlite:", "sqlite:///", "sqlite://a/b"])
def test_a_url_that_names_no_file_is_refused_with_a_sentence(url):
    with pytest.raises(ValueError, match="names no outbox: use sqlite:///"):
        open_outbox(url)


# --- damage -------------------------------------------------------------------------


def garbage(path):
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def no_header(path):
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def cut(path):
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def cut_within_a_page(path):
    # More than the last page: SQLite takes what is missing of one for zeros.
    os.truncate(path, path.stat().st_size - 4096 - 1234)


def no_schema(path):
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3996)


def replace(path, old, new):
    content = path.read_bytes()
    assert old in content
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))


def bad_text(path):
    replace(path, b'"/prepared"]', b'"/prep\xff\xfe\xfdd"]')


def bad_json(path):
    replace(path, b', "/prepared"]', b',, "/prepare"]')


DAMAGES = [garbage, no_header, cut, cut_within_a_page, no_schema, bad_text, bad_json]


def use_all(outbox):
    """Use the outbox in every way that meets every table."""
    outbox.release_abandoned(0)
    outbox.status()
    outbox.work()
    outbox.pending("E1", 10_000)
    outbox.frozen("E1")
    outbox.history(10)
    outbox.release("t9", entries("/new"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_set_aside_and_purging_goes_on(
    filled, path, damaged, caplog, damage
):
    damage(path)
    until_it_works(lambda: use_all(filled))
    assert "/new" in ready(filled)
    # One line at ERROR, which names both files; one call.
    assert len(errors_in(caplog)) == 1
    assert damaged == [str(each) for each in set_aside(path)]
    assert len(damaged) == 1
    assert str(path) in errors_in(caplog)[0].message
    assert damaged[0] in errors_in(caplog)[0].message


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_damaged_while_open_is_set_aside_and_purging_goes_on(
    outbox, path, damaged, caplog, damage
):
    fill(outbox)
    outbox.tidy(10)  # writes the log into the file
    outbox.tidy(10)
    damage(path)
    outbox.close()
    until_it_works(lambda: use_all(outbox))
    assert "/new" in ready(outbox)
    assert len(errors_in(caplog)) == 1
    assert damaged == [str(each) for each in set_aside(path)]
    assert len(damaged) == 1


@pytest.mark.parametrize("damage", [garbage, no_header, cut, cut_within_a_page])
def test_damage_below_an_open_connection_raises_nothing_else(
    outbox, path, damaged, damage
):
    fill(outbox)
    outbox.tidy(10)
    damage(path)
    # SQLite may not notice for a while: it has pages in memory.
    for _ in range(3):
        until_it_works(lambda: use_all(outbox))
    assert "/new" in ready(outbox)
    assert len(damaged) == len(set_aside(path)) <= 1


@pytest.mark.parametrize("damage", [bad_text, bad_json])
def test_what_can_be_read_in_a_damaged_file_is_saved(filled, path, caplog, damage):
    damage(path)
    until_it_works(lambda: use_all(filled))
    # What was ready is purged whole.
    assert set(ready(filled)) == {"/*", "/new"}
    (batch,) = filled.frozen("E1")
    assert (batch.reference, batch.items) == ("r2", ("/frozen",))
    assert [each.invalidation for each in filled.history(10)] == ["I1"]
    assert sum(filled.billed("2027-01").values()) == 1
    assert "some of it could not be read" in errors_in(caplog)[0].message


def test_what_is_purged_whole_is_as_old_as_what_waited(filled, path, clock):
    since = clock.now
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE memory")
    clock.advance(100)
    until_it_works(filled.work)
    assert filled.pending("E1", 1000) == [Pending("/*", since)]


@pytest.mark.parametrize("seed", range(25))
def test_no_damage_raises_anything_but_that_the_outbox_is_unavailable(
    filled, path, seed
):
    dice = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice([1, 5, 50])):
        start = dice.choice([dice.randrange(100), dice.randrange(len(content))])
        for index in range(start, min(start + dice.choice([1, 4, 40]), len(content))):
            content[index] = dice.randrange(256)
    path.write_bytes(content)
    for _ in range(3):
        with contextlib.suppress(OutboxUnavailable):
            use_all(filled)
        with contextlib.suppress(OutboxUnavailable):
            filled.tidy(10)


def test_damage_that_two_threads_meet_is_set_aside_once(filled, path, damaged, caplog):
    garbage(path)
    barrier = threading.Barrier(6)

    def use(number):
        barrier.wait()
        until_it_works(lambda: filled.release("", entries(f"/{number}")), 20)
        filled.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(use, range(6)))
    assert sorted(ready(filled)) == [f"/{number}" for number in range(6)]
    assert len(damaged) == 1
    assert len(errors_in(caplog)) == 1
    assert len(set_aside(path)) == 1


def test_another_process_goes_on_with_the_new_file(filled, path, clock, damaged):
    other = SqliteOutbox(path, on_damage=damaged.append, clock=clock)
    assert in_all(other) == ITEMS
    other.close()
    garbage(path)
    until_it_works(lambda: filled.release("", entries("/new")))
    until_it_works(lambda: other.release("", entries("/newer")))
    assert sorted(ready(filled)) == sorted(ready(other)) == ["/new", "/newer"]
    assert len(damaged) == 1


def test_an_open_connection_follows_when_another_process_set_the_file_aside(
    outbox, path, clock, damaged
):
    fill(outbox)
    other = SqliteOutbox(path, on_damage=damaged.append, clock=clock)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE refused")
    with contextlib.suppress(OutboxUnavailable):
        other.quarantined(1)
    assert ready(other) == ready(outbox) == ["/*"]
    assert in_all(other) == in_all(outbox) == ["/*", "/frozen", "/prepared"]
    assert len(damaged) == 1


def test_who_is_told_of_damage_may_use_the_outbox(path, clock):
    path.write_bytes(b"garbage" * 1000)
    outbox = SqliteOutbox(
        path, on_damage=lambda _: outbox.release("", entries("/*")), clock=clock
    )
    assert until_it_works(lambda: ready(outbox)) == ["/*"]


def test_who_is_told_of_damage_and_fails_does_no_harm(path, clock):
    def fail(aside):
        raise RuntimeError(aside)

    path.write_bytes(b"garbage" * 1000)
    outbox = SqliteOutbox(path, on_damage=fail, clock=clock)
    assert until_it_works(lambda: ready(outbox)) == []


@pytest.mark.parametrize("with_log", [True, False], ids=["with its log", "alone"])
def test_a_file_deleted_while_open_is_written_again(
    outbox, path, damaged, caplog, with_log
):
    fill(outbox)
    path.unlink()
    if with_log:
        path.with_name(path.name + "-wal").unlink()
        path.with_name(path.name + "-shm").unlink()
    until_it_works(lambda: outbox.release("", entries("/new")))
    assert in_all(outbox) == ["/*", "/frozen", "/new", "/prepared"]
    assert [("deleted" in record.message) for record in errors_in(caplog)] == [True]
    assert len(damaged) == 1


def test_a_file_that_another_process_is_setting_aside_is_not_deleted(
    outbox, path, clock, damaged, caplog
):
    fill(outbox)
    replacement.build(path, schema.ensure_schema)
    replacement.finish(path, clock.now)
    outbox.release("", entries("/new"))
    assert ready(outbox) == ["/new"]
    assert damaged == errors_in(caplog) == []


def test_a_file_deleted_while_open_is_told_once_by_all_threads(
    outbox, path, damaged, caplog
):
    fill(outbox)
    opened, deleted = threading.Barrier(5), threading.Event()

    def use(number):
        outbox.work()
        opened.wait(120)
        deleted.wait(120)
        until_it_works(lambda: outbox.release("", entries(f"/new/{number}")), 20)
        outbox.close()

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use, number) for number in range(4)]
        opened.wait(120)
        path.unlink()
        deleted.set()
        for user in users:
            user.result(120)
    new = [f"/new/{number}" for number in range(4)]
    assert in_all(outbox) == sorted(["/*", "/frozen", "/prepared", *new])
    assert len(errors_in(caplog)) == 1
    assert len(damaged) == 1


# --- locked, full, read-only ----------------------------------------------------


@pytest.fixture
def lock(outbox, path):
    """Another program's connection that is writing, and does not end."""
    outbox.release("", entries("/a"))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.close()


SAVING = {
    "prepare": lambda outbox: outbox.prepare("t", entries("/b")),
    "discard": lambda outbox: outbox.discard("t"),
}


@pytest.fixture
def endless_patience(monkeypatch):
    """Whoever waits longer than a save may, waits for ever."""
    take = SqliteStore._take

    def endless(self, patience, *options, **more):
        patience = patience if patience <= SAVE_PATIENCE else 3600.0
        return take(self, patience, *options, **more)

    monkeypatch.setattr(SqliteStore, "_take", endless)


@pytest.mark.parametrize("save", SAVING)
@pytest.mark.parametrize("new_connection", [False, True])
def test_a_locked_file_keeps_a_save_waiting_for_a_moment_only(
    endless_patience, outbox, lock, save, new_connection
):
    if new_connection:
        outbox.close()
    started = time.monotonic()
    with pytest.raises(OutboxUnavailable, match="locked"):
        SAVING[save](outbox)
    assert time.monotonic() - started > 0.8 * SAVE_PATIENCE
    lock.execute("ROLLBACK")
    SAVING[save](outbox)


def test_a_locked_file_can_be_read(outbox, lock):
    assert ready(outbox) == ["/a"]
    assert outbox.work()[0].ready == 1
    assert outbox.status().prepared == 0


def test_the_courier_waits_longer_for_a_locked_file(outbox, lock):
    with ThreadPoolExecutor(1) as pool:
        claim = pool.submit(outbox.claim, "E1", 60)
        time.sleep(2 * SAVE_PATIENCE)
        assert not claim.done()
        lock.execute("ROLLBACK")
        assert claim.result(120)


def test_a_long_read_keeps_no_save_waiting(endless_patience, outbox, path):
    outbox.release("", entries("/a"))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM ready").fetchone()
        outbox.release("", entries("/b"))
        outbox.tidy(10)
        outbox.release("", entries("/c"))
    assert ready(outbox) == ["/a", "/b", "/c"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    mount = shutil.which("mount")
    if not mount or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_loses_nothing_that_was_kept_before(small_disk, clock, damaged):
    path = small_disk / "outbox.sqlite"
    outbox = SqliteOutbox(path, on_damage=damaged.append, clock=clock)
    kept, refused = [], 0
    for number in range(300):
        items = [f"/{number}/{'x' * 900}/{index}" for index in range(3)]
        try:
            outbox.release(f"t{number}", entries(*items))
        except OutboxUnavailable as error:
            assert "full" in str(error)
            refused += 1
        else:
            kept += items
    assert kept
    assert refused
    assert sorted(ready(outbox)) == sorted(kept)
    with pytest.raises(OutboxUnavailable):
        outbox.prepare("large", entries("/" + "x" * 100_000))
    assert not damaged

    # Somebody makes room, and it goes on.
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    outbox.release("", entries("/after"))
    assert sorted(ready(outbox)) == sorted([*kept, "/after"])
    outbox.close()


def test_a_disk_that_is_full_from_the_start_is_unavailable(small_disk, clock, damaged):
    with (small_disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
        ballast.write(b"x" * 10_000_000)
    outbox = SqliteOutbox(small_disk / "o.sqlite", damaged.append, clock)
    for _ in range(2):
        with pytest.raises(OutboxUnavailable):
            outbox.prepare("t", entries("/a"))
    (small_disk / "ballast").unlink()
    outbox.prepare("t", entries("/a"))
    outbox.release("t", entries("/a"))
    assert ready(outbox) == ["/a"]
    assert not damaged
    outbox.close()


def test_a_damaged_file_on_a_full_disk_is_replaced_when_there_is_room(
    small_disk, clock, damaged
):
    path = small_disk / "outbox.sqlite"
    outbox = SqliteOutbox(path, on_damage=damaged.append, clock=clock)
    outbox.release("", entries("/a"))
    outbox.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE refused")
    with (small_disk / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
        ballast.write(b"x" * 10_000_000)
    for _ in range(2):
        with pytest.raises(OutboxUnavailable):
            outbox.quarantined(1)
    assert path.exists()
    assert not set_aside(path)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    until_it_works(lambda: outbox.quarantined(1))
    assert ready(outbox) == ["/*"]
    assert len(damaged) == len(set_aside(path)) == 1
    outbox.close()


def test_a_file_that_may_not_grow_is_unavailable_and_not_damaged(path):
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
outbox, kept = open_as(), 0
for number in range(300):
    try:
        outbox.release("", [Entry("E1", f"/{number}/" + "x" * 2000)])
        kept += 1
    except OutboxUnavailable:
        pass
assert 0 < kept < 300, kept
assert len(outbox.pending("E1", 1000)) == kept
print(kept)
"""
    kept = processes.run(f"sqlite:///{path}", code)
    assert len(ready(SqliteOutbox(path))) == int(kept)
    assert not set_aside(path)


@pytest.fixture
def read_only(tmp_path):
    """Make a folder that cannot be written, on request."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if os.geteuid() != 0:
        yield lambda: folder.chmod(0o555)
        folder.chmod(0o755)
        return
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=True)
    yield lambda: subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path, read_only, clock):
    read_only()
    for path in (
        tmp_path / "read-only" / "outbox.sqlite",
        tmp_path / "missing" / "outbox.sqlite",
        Path(__file__) / "outbox.sqlite",
        tmp_path,
    ):
        outbox = SqliteOutbox(path, clock=clock)
        for action in (outbox.work, lambda: outbox.prepare("t", entries("/a"))):  # noqa: B023
            with pytest.raises(OutboxUnavailable, match=str(path)):
                action()


def test_a_folder_that_becomes_read_only_is_unavailable(tmp_path, read_only, clock):
    path = tmp_path / "read-only" / "outbox.sqlite"
    outbox = SqliteOutbox(path, clock=clock)
    outbox.release("", entries("/a"))
    outbox.close()
    read_only()
    with pytest.raises(OutboxUnavailable):
        outbox.prepare("t", entries("/b"))
    outbox.close()


def test_a_damaged_file_that_cannot_be_set_aside_is_unavailable(
    tmp_path, read_only, clock, damaged
):
    path = tmp_path / "read-only" / "outbox.sqlite"
    path.write_bytes(b"garbage" * 1000)
    read_only()
    outbox = SqliteOutbox(path, on_damage=damaged.append, clock=clock)
    for _ in range(2):
        with pytest.raises(OutboxUnavailable, match="cannot be set aside"):
            outbox.release("", entries("/a"))
    assert damaged == []
    assert path.exists()


# --- connections, durability ----------------------------------------------------


@pytest.fixture
def disk(monkeypatch):
    """A disk that is as slow, or as broken, as a test wants."""

    class Disk:
        ready = threading.Event()
        error = None
        synchronised = 0

        def synchronise(self, descriptor):
            assert self.ready.wait(120)
            if self.error is not None:
                raise self.error
            os.fsync(descriptor)
            self.synchronised += 1

    disk = Disk()
    monkeypatch.setattr(synchronise, "_synchronise_content", disk.synchronise)
    yield disk
    disk.ready.set()


def test_what_must_survive_a_power_cut_is_synchronised(outbox, disk):
    disk.ready.set()
    outbox.release("", entries("/a", "/b"))
    outbox.claim("E1", 60)
    synchronised = {}

    def count(name, action):
        before = disk.synchronised
        result = action()
        synchronised[name] = disk.synchronised - before
        return result

    count("release", lambda: outbox.release("t", entries("/c")))
    batch = count("freeze", lambda: outbox.freeze("E1", "r1", ["/a", "/b"]))
    count("split", lambda: outbox.split(batch, ("r2", "r3")))
    count("settle", lambda: outbox.settle(outbox.frozen("E1")[0], "I1"))
    count("prepare", lambda: outbox.prepare("t", entries("/d"))())
    assert synchronised == {
        "release": 0,
        "freeze": 1,
        "split": 1,
        "settle": 0,
        "prepare": 1,
    }


def test_prepared_entries_come_to_the_disk_while_the_commit_goes_on(outbox, disk):
    wait = outbox.prepare("t", entries("/a"))
    assert outbox.status().prepared == 1
    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    assert disk.synchronised == 0
    disk.ready.set()
    waiting.join(120)
    assert disk.synchronised == 1


def test_a_disk_that_cannot_be_synchronised_makes_the_outbox_unavailable(outbox, disk):
    disk.error = OSError(5, "Input/output error")
    disk.ready.set()
    wait = outbox.prepare("t", entries("/a"))
    with pytest.raises(OutboxUnavailable, match="Input/output error"):
        wait()
    disk.error = None
    outbox.prepare("u", entries("/b"))()
    assert disk.synchronised == 1


def test_tidying_empties_the_log(outbox, path):
    for number in range(50):
        outbox.release("", entries(*(f"/{number}/{index}" for index in range(100))))
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size > 100_000
    outbox.tidy(10)
    assert log.stat().st_size == 0


def test_no_save_has_to_empty_the_log(outbox, path):
    outbox.release("", [])
    outbox.tidy(10)
    before = path.stat().st_size
    for number in range(4):
        items = (f"/{index * 7919 % 3000}/{number}" for index in range(3000))
        outbox.release("", entries(*items))
    # SQLite's default would have written it into the file after 1,000 pages.
    assert path.with_name(path.name + "-wal").stat().st_size > 1500 * 4096
    assert path.stat().st_size == before


def test_a_round_of_the_courier_reads_no_long_backlog_through(outbox):
    def seconds():
        started = time.thread_time()
        for _ in range(50):
            outbox.work()
            outbox.pending("E1", 100)
        return time.thread_time() - started

    outbox.release("", entries(*(f"/{number}" for number in range(1_000))))
    short = seconds()
    outbox.release("", entries(*(f"/{number}" for number in range(60_000))))
    assert seconds() < 10 * short


def steps(outbox, action):
    """Count what SQLite does for ``action``, in its own steps."""
    outbox.work()
    count = 0

    def step():
        nonlocal count
        count += 1

    outbox.store._local.db.set_progress_handler(step, 1)
    action()
    outbox.store._local.db.set_progress_handler(None, 1)
    return count


#: Where a page in the middle begins
LATER = Position(1_800_000_050.0, "")
READS = {
    "the latest": lambda outbox: outbox.history(20),
    "of some": lambda outbox: outbox.history(20, ["E1", "E2"]),
    "of a rare one": lambda outbox: outbox.history(20, ["E9"]),
    "a later page": lambda outbox: outbox.find(HistoryFilter(), 20, LATER),
    "a later page of some": lambda outbox: outbox.find(
        HistoryFilter(distributions=frozenset({"E1"})), 20, LATER
    ),
    "actions": lambda outbox: outbox.requests(20),
    "in progress": lambda outbox: outbox.in_progress("E1"),
    "work": lambda outbox: outbox.work(),
    "a round": lambda outbox: outbox.poll(["E1"], 100, 60.0),
}


def completed(number, time):
    """Return a row of the history."""
    return InvalidationRow(
        reference=f"r{number}",
        distribution="E9" if number == 7 else f"E{number % 2 + 1}",
        state=DONE,
        items="[]",
        since=1.0,
        frozen=time,
        refusals=0,
        urgent="[]",
        item_causes="",
        invalidation="I",
        accepted=time,
        completed=time,
        status="Completed",
        causes="",
    )


@pytest.mark.parametrize("read", READS)
def test_of_a_long_history_only_what_is_shown_is_read(outbox, clock, read):
    def grow(start, stop):
        with outbox.store.write() as rows:
            numbers = range(start, stop)
            rows.put(INVALIDATION, [completed(n, clock.now + n) for n in numbers])
            rows.put(
                REQUEST,
                [
                    RequestRow(f"a{n}", clock.now + n, "", "", "[]", "[]", None, None)
                    for n in numbers
                ],
            )

    outbox.work()
    grow(0, 100)
    few = steps(outbox, lambda: READS[read](outbox))
    grow(100, 10_000)
    assert len(outbox.history(10_001)) == 10_000
    assert steps(outbox, lambda: READS[read](outbox)) <= 1.1 * few


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_its_own_connection(path):
    code = """
outbox = open_as()
outbox.release("", [Entry("E1", "/before")])
child = os.fork()
for number in range(20):
    outbox.release("", [Entry("E1", f"/{'parent' if child else 'child'}/{number}")])
if child:
    assert os.waitpid(child, 0)[1] == 0
    print(len(outbox.pending("E1", 1000)))
"""
    assert processes.run(f"sqlite:///{path}", code) == "41"


def test_the_engine_imports_neither_zope_nor_boto3():
    code = """
import sys
import collective.cloudfront.delivery.thread
import collective.cloudfront.outbox
heavy = {"zope", "plone", "transaction", "ZODB", "boto3", "botocore"}
# Namespaces alone are there from the start on Plone 6.1; they have no file.
found = [name for name, module in sys.modules.items() if getattr(module, "__file__", "")]
imported = {name.partition(".")[0] for name in found}
print(sorted(heavy & imported))
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"


# --- where it is ----------------------------------------------------------------------------


def test_a_relative_path_is_meant_from_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outbox = open_outbox("sqlite:///outbox.sqlite")
    outbox.release("", entries("/a"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    outbox.release("", entries("/b"))
    outbox.close()
    assert [each.item for each in outbox.pending("E1", 10)] == ["/a", "/b"]
    assert outbox.path == tmp_path / "outbox.sqlite"
    outbox.close()


@pytest.mark.parametrize("mark", ["?mode=ro", "#1"])
def test_an_address_with_a_query_or_a_fragment_is_refused(tmp_path, mark):
    with pytest.raises(ValueError, match="write %3F for"):
        open_outbox(f"sqlite:///{tmp_path}/outbox.sqlite{mark}")


def test_what_is_frozen_while_work_is_counted_is_not_missed(outbox, monkeypatch):
    outbox.release("", [Entry("E1", "/a")])
    other = SqliteOutbox(outbox.path, clock=outbox.clock)
    read, reads = SqlTransaction.read, []

    def freeze_after_the_first(rows, *scans):
        found = read(rows, *scans)
        reads.append(scans)
        if len(reads) == 1:
            assert other.claim("E1", 60)
            other.freeze("E1", "r1", ["/a"])
        return found

    monkeypatch.setattr(SqlTransaction, "read", freeze_after_the_first)
    (work,) = outbox.work()
    assert (work.ready, work.frozen) == (0, 1)
    other.end()
