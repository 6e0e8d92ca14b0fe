"""A file that is damaged, replaced, deleted or newer: nothing that waited is lost."""

from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite import store
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.sqlite.place import file_system_of
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.delivery.gateways import E1
from collective.cloudfront.tests.delivery.gateways import E2
from collective.cloudfront.tests.delivery.world import World
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.clock import Clock
from collective.cloudfront.tests.outbox.files import errors_in
from collective.cloudfront.tests.outbox.files import set_aside
from collective.cloudfront.tests.outbox.files import until_it_works
from pathlib import Path

import contextlib
import json
import math
import pytest
import shutil
import sqlite3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outbox(path, clock):
    outbox = SqliteOutbox(path, clock=clock)
    yield outbox
    outbox.close()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.outbox.close()


def run(path, code, *args):
    return processes.run(f"sqlite:///{path}", code.replace("E1", E1), *args)


def start(path, code, *args):
    return processes.start(f"sqlite:///{path}", code.replace("E1", E1), *args)


def ready(outbox, distribution=E1):
    return [each.item for each in outbox.pending(distribution, 10_000)]


def files(path):
    return sorted(each.name for each in path.parent.iterdir())


def damage(path):
    """A table is gone; all others can be read."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE refused")


def destroy(path):
    path.write_bytes(b"nonsense" * 1000)


def statement(path, *statements):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for each in statements:
            db.execute(each)


# --- a process that is killed while it repairs --------------------------------------

#: Kills the process at one of the steps that change files.
REPAIR_AND_DIE = """
import pathlib
from collective.cloudfront.outbox.sqlite import replacement
from collective.cloudfront.outbox.sqlite import synchronise
left = int(args[0])

def deadly(step):
    def call(*args, **options):
        global left
        left -= 1
        if not left:
            die()
        return step(*args, **options)
    return call

for module, name in (
    (pathlib.Path, "rename"), (replacement, "synchronise"),
    (replacement, "synchronise_names"), (replacement.sqlite3, "connect"),
):
    setattr(module, name, deadly(getattr(module, name)))
outbox = open_as()
try:
    outbox.quarantined(1)
except OutboxUnavailable:
    pass
print("alive")
"""


@pytest.mark.parametrize("breaks", [damage, destroy])
def test_a_process_killed_at_any_step_of_a_repair_loses_nothing(
    path, outbox, breaks, tmp_path
):
    outbox.release("", [Entry(E1, f"/{number}") for number in range(500)])
    due = outbox.clock() + 500
    outbox.release("", [Entry(E2, "/dated", due=due, key="k")])
    outbox.close()
    breaks(path)
    output, step = "", 0
    while output != "alive":
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        copy = folder / path.name
        shutil.copy(path, copy)
        output = run(copy, REPAIR_AND_DIE, step)
        successor = SqliteOutbox(copy, clock=Clock(due + 1))
        with contextlib.suppress(OutboxUnavailable):
            successor.quarantined(1)
        # What each courier purges whole of what it serves, and what was known.
        successor.purge_missed([E1, E2])
        successor.release_due()
        assert ready(successor) == ["/*"], step
        assert "/*" in ready(successor, E2), step
        assert len(set_aside(copy)) == 1, step
        assert not [name for name in files(copy) if name.endswith("repaired")]
        successor.close()
    assert step > 8


def test_300_000_items_are_replaced_by_one_for_each_distribution(path, outbox):
    # As many rows as a backlog may have, made by SQLite itself.
    outbox.release("", [Entry(E1, "/a"), Entry(E2, "/b")])
    outbox.close()
    statement(
        path,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 300000) INSERT INTO ready (distribution, item, wildcard, since) "
        f"SELECT '{E1}', '/' || i, 0, 1.0 FROM n",
    )
    damage(path)
    with pytest.raises(OutboxUnavailable):
        outbox.quarantined(1)
    assert ready(outbox, E1) == ready(outbox, E2) == ["/*"]
    with outbox.store.read() as rows:
        assert rows.count(READY, {}) == 2


def test_processes_that_repair_at_once_set_one_file_aside(path, outbox):
    outbox.release("", [Entry(E1, "/a")])
    outbox.close()
    destroy(path)
    code = """
outbox = open_as()
print("ready", flush=True)
input()
for _ in range(1000):
    try:
        outbox.release("", [Entry("E1", f"/{os.getpid()}")])
        break
    except OutboxUnavailable:
        pass
"""
    running = [start(path, code) for _ in range(4)]
    processes.go_together(running)
    assert len(set_aside(path)) == 1
    assert set(ready(outbox)) == {f"/{process.pid}" for process in running}


def test_a_save_does_not_wait_for_another_process_that_repairs(path, outbox):
    code = """
from collective.cloudfront.outbox.sqlite.replacement import alone
from pathlib import Path
with alone(Path(args[0]), 1.0):
    print("repairing", flush=True)
    input()
"""
    process = start(path, code, path)
    assert process.stdout.readline()
    with pytest.raises(OutboxUnavailable, match="another process") as caught:
        outbox.prepare("t", [Entry(E1, "/a")])
    assert caught.value.is_busy
    process.communicate("go on\n", timeout=600)
    outbox.prepare("t", [Entry(E1, "/a")])
    assert outbox.status().prepared == 1


# --- every distribution is purged whole, by who serves it ----------------------------


def test_each_process_purges_whole_what_it_serves_after_a_damage(world):
    other = world.make_courier(world.open())
    other.targets = lambda: {E2: Target(E2)}
    world.courier.round()
    other.round()
    destroy(world.path)
    for _ in range(3):
        world.courier.round()
        other.round()
        world.clock.advance(1.0)
    world.run(30)
    for _ in range(30):
        other.round()
        world.clock.advance(1.0)
    sent = [(each.distribution, each.items) for each in world.outbox.history(10)]
    assert sorted(sent) == [(E1, ("/*",)), (E2, ("/*",))]


def test_a_process_that_starts_later_purges_whole_what_it_serves(world):
    world.courier.round()
    world.outbox.close()
    destroy(world.path)
    world.run(100)
    assert [each.distribution for each in world.outbox.history(10)] == [E1]
    late = world.make_courier(world.open())
    late.targets = lambda: {E1: Target(E1), E2: Target(E2)}
    for _ in range(30):
        late.round()
        world.clock.advance(1.0)
    sent = [(each.distribution, each.items) for each in world.outbox.history(10)]
    assert sorted(sent) == [(E1, ("/*",)), (E2, ("/*",))]


def test_damage_found_before_the_targets_are_known_purges_them_whole(world):
    targets, world.targets = world.targets, {}
    world.outbox.work()
    world.outbox.close()
    destroy(world.path)
    world.run(10)
    world.targets = targets
    world.run(10)
    assert [each.items for each in world.outbox.history(10)] == [("/*",)]


def test_what_is_switched_on_after_a_damage_is_purged_whole(world):
    """Something may have waited for it, and nothing in the file could be read."""
    world.targets = {E2: Target(E2)}
    world.outbox.release("", [Entry(E1, "/a")])
    world.run(10)
    world.outbox.close()
    destroy(world.path)
    world.run(100)
    world.targets = {E1: Target(E1), E2: Target(E2)}
    world.outbox.release("", [Entry(E2, "/b")])
    world.run(30)
    sent = {(each.distribution, each.items) for each in world.outbox.history(10)}
    assert sent == {(E2, ("/*",)), (E2, ("/b",)), (E1, ("/*",))}


def test_every_distribution_for_which_something_waited_is_purged_whole(outbox, path):
    outbox.release("", [Entry("E3", "/a"), Entry("E4", "/b", due=outbox.clock() + 9)])
    outbox.release("", [Entry("E5", "/c")])
    assert outbox.claim("E5", 60)
    outbox.freeze("E5", "r1", ["/c"])
    outbox.close()
    damage(path)
    with contextlib.suppress(OutboxUnavailable):
        outbox.quarantined(1)
    found = {each: ready(outbox, each) for each in ("E3", "E4", "E5", "E6")}
    assert found == {"E3": ["/*"], "E4": ["/*"], "E5": ["/*"], "E6": []}


def test_after_a_second_damage_a_courier_purges_whole_again(world):
    """All that it serves waited at the first one, and nothing at the second."""
    world.targets = {E1: Target(E1), E2: Target(E2)}
    world.outbox.release("", [Entry(E1, "/a"), Entry(E2, "/b")])
    world.outbox.close()
    damage(world.path)
    with contextlib.suppress(OutboxUnavailable):
        world.outbox.quarantined(1)
    world.run(100)
    world.outbox.close()
    destroy(world.path)
    world.run(100)
    sent = sorted((each.distribution, each.items) for each in world.outbox.history(20))
    assert sent == [(E1, ("/*",)), (E2, ("/*",))]


def test_after_a_damage_other_processes_learn_of_purges_from_the_first_on(world):
    for number in range(20):
        world.outbox.announce([f"t{number}"], [Entry(E1, "/a")], number)
    world.run(10)
    world.outbox.close()
    destroy(world.path)
    world.run(10)
    learnt = []
    note, world.courier.lately.note = world.courier.lately.note, learnt.append
    other = world.open()
    other.announce(["new"], [Entry(E1, "/b")], 21)
    world.run(10)
    world.courier.lately.note = note
    assert [each.tokens for each in learnt if each.tokens] == [{"new"}]
    other.close()


def test_what_is_purged_whole_is_known_to_answers_that_are_made(outbox, path):
    outbox.release("", [Entry(E1, "/a")])
    outbox.close()
    damage(path)
    with contextlib.suppress(OutboxUnavailable):
        outbox.quarantined(1)
    (purge,) = outbox.poll([], 100, math.inf).purges
    assert purge.items == {E1: ["/*"]}


def test_a_row_of_what_was_purged_lately_that_lies_stops_nobody(outbox, path):
    outbox.announce(["t"], [Entry(E1, "/a")], 1)
    statement(path, "UPDATE lately SET items = '[1]'")
    until_it_works(lambda: outbox.poll([], 100, math.inf))
    assert len(set_aside(path)) == 1


# --- replaced, deleted ----------------------------------------------------------------


def test_dates_are_scheduled_again_after_a_backup_was_restored(world, tmp_path):
    assert world.outbox.claim_run("dates:site", 60)
    world.outbox.keep_run("dates:site", {"done": {}}, 0)
    assert world.outbox.claim_run("other", 60)
    world.outbox.keep_run("other", 1, 0)
    world.outbox.close()
    backup = tmp_path / "backup"
    shutil.copy(world.path, backup)
    world.outbox.release("", [Entry(E1, "/waits")])
    backup.replace(world.path)
    until_it_works(world.outbox.work)
    assert world.outbox.run("dates:site") is None
    assert world.outbox.run("other") == 1


def test_what_a_fork_has_closed_is_purged_whole_if_its_file_is_gone(outbox, path):
    seen = []
    store = outbox.store
    store._on_damage = seen.append
    outbox.release("", [Entry(E1, "/a")])
    path.unlink()
    # As before a fork.
    assert store._local.db.close_unused(1.0)
    until_it_works(outbox.work)
    assert seen == [str(path)]
    assert outbox.purge_missed([E1]) == 1


def test_a_file_replaced_while_open_is_noticed_and_ours_is_carried_over(
    world, caplog, tmp_path
):
    world.outbox.release("", [Entry(E1, "/old")])
    world.run(100)
    world.outbox.close()
    backup = tmp_path / "backup"
    shutil.copy(world.path, backup)
    due = world.clock.now + 500
    world.outbox.release(
        "", [Entry(E1, "/waits"), Entry(E1, "/dated", due=due, key="k")]
    )
    backup.replace(world.path)
    world.run(10)
    assert [each.items for each in world.outbox.history(1)] == [("/*",)]
    assert [each.item for each in world.outbox.scheduled(9)] == ["/dated"]
    (error,) = errors_in(caplog)
    assert "it was replaced while in use" in error.message


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_deleted_while_open_is_noticed(world, caplog, suffix):
    world.outbox.release("", [Entry(E1, "/waits")])
    world.path.with_name(world.path.name + suffix).unlink()
    other = world.open()
    with contextlib.suppress(OutboxUnavailable):
        other.work()
    world.run(10)
    assert ("/*",) in [each.items for each in world.outbox.history(9)]
    (error,) = errors_in(caplog)
    assert "its log was deleted" in error.message
    assert other.history(9) == world.outbox.history(9)
    other.close()


def test_processes_that_lose_the_same_file_carry_it_over_once(path, outbox, caplog):
    others = [SqliteOutbox(path, clock=outbox.clock) for _ in range(2)]
    outbox.release("", [Entry(E1, "/a")])
    for each in others:
        each.work()
    path.unlink()
    for each in (outbox, *others):
        assert ready(each) == ["/*"]
        each.close()
    assert len(errors_in(caplog)) == 1


def test_a_writer_that_waited_for_the_lock_writes_into_the_file_in_its_place(
    path, outbox
):
    """A process replaces the file while another one waits for its lock."""
    outbox.release("", [Entry(E1, "/a")])
    outbox.work()
    code = """
import sqlite3
from pathlib import Path
from collective.cloudfront.outbox.sqlite import replacement, schema
path = Path(args[0])
db = sqlite3.connect(path, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
input()
replacement.build(path, schema.ensure_schema)
replacement.finish(path, 0.0)
db.execute("COMMIT")
"""
    process = start(path, code, path)
    assert process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    until_it_works(lambda: outbox.release("", [Entry(E1, "/new")]), 100)
    process.communicate(timeout=600)
    until_it_works(lambda: outbox.release("", [Entry(E1, "/newer")]), 100)
    assert {"/newer"} <= set(ready(outbox))
    other = SqliteOutbox(path, clock=outbox.clock)
    assert ready(other) == ready(outbox)
    other.close()


def test_a_folder_that_goes_and_comes_again_loses_nothing_that_was_open(
    tmp_path, clock, caplog
):
    folder = tmp_path / "var"
    folder.mkdir()
    outbox = SqliteOutbox(folder / "outbox.sqlite", clock=clock)
    outbox.release("", [Entry(E1, "/a")])
    shutil.rmtree(folder)
    for _ in range(3):
        with pytest.raises(OutboxUnavailable):
            outbox.release("", [Entry(E1, "/b")])
    folder.mkdir()
    until_it_works(lambda: outbox.release("", [Entry(E1, "/c")]))
    assert ready(outbox) == ["/*", "/c"]
    assert len(errors_in(caplog)) == 1
    outbox.close()


# --- rows that lie ----------------------------------------------------------------------

LIES = {
    "items that are no list": "UPDATE invalidation SET items = '5'",
    "items of numbers": "UPDATE invalidation SET items = '[1, 2]'",
    "items that are no JSON": "UPDATE invalidation SET items = '[\"/a'",
    "a text for a moment": "UPDATE ready SET since = 'yesterday'",
    "nothing for an item": "UPDATE prepared SET entries = '[[\"E1\", null]]'",
    "an entry with too much": "UPDATE prepared SET entries = '[[1,2,3,4,5,6,7,8]]'",
    "a dictionary": "UPDATE prepared SET entries = '{\"a\": 1}'",
    "a date beyond all": "UPDATE scheduled SET due = 'soon'",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_row_that_holds_nonsense_does_not_stop_the_courier(world, caplog, lie):
    outbox = world.outbox
    outbox.release("", [Entry(E1, "/a"), Entry(E1, "/frozen")])
    outbox.release("", [Entry(E1, "/later", due=world.clock.now + 5, key="k")])
    outbox.prepare("t", [Entry(E1, "/doubt")])
    assert outbox.claim(E1, 1)
    outbox.freeze(E1, "r1", ["/frozen"])
    outbox.end()
    statement(world.path, LIES[lie])
    world.restart()
    world.run(200)
    sent = {item for each in world.outbox.history(99) for item in each.items}
    assert sent & {"/*", "/a"}
    assert world.outbox.work() == ()
    assert not [
        each for each in caplog.records if "failed. Trying again" in each.message
    ]
    world.outbox.release("", [Entry(E1, "/new")])
    world.run(10)
    assert world.outbox.history(1)[0].items == ("/new",)


@pytest.mark.parametrize(
    "value",
    [
        "{",
        "[]",
        "5",
        '{"pace": [1]}',
        '{"pace": ["a", "b", "c", "d"]}',
        '{"claim": [5, "x"]}',
        '{"claim": ["nobody", 1e300]}',
        '{"waiting": [1, 2]}',
        '{"waiting": [["text", {}], null, true, "a", "b", "c"]}',
        '{"pace": [NaN, NaN, NaN, NaN]}',
    ],
)
@pytest.mark.parametrize("name", ["distribution:%", "calls"])
def test_nonsense_that_was_remembered_does_not_stop_the_courier(world, value, name):
    world.outbox.release("", [Entry(E1, "/a")])
    world.run(10)
    world.outbox.end()
    statement(
        world.path, f"UPDATE memory SET value = '{value}' WHERE name LIKE '{name}'"
    )
    world.restart()
    world.outbox.release("", [Entry(E1, "/new")])
    world.run(100)
    sent = {item for each in world.outbox.history(99) for item in each.items}
    assert sent & {"/new", "/*"}


def test_moments_before_1970_delay_nothing(world):
    world.outbox.release("", [Entry(E1, "/a")])
    world.outbox.release("", [Entry(E1, "/b", due=world.clock.now + 900, key="k")])
    statement(
        world.path,
        "UPDATE ready SET since = -1e12",
        "UPDATE scheduled SET due = -5.0",
    )
    world.run(30)
    sent = {item for each in world.outbox.history(99) for item in each.items}
    assert sent >= {"/a", "/b"}


# --- a newer format -----------------------------------------------------------------------

#: A version to come: it knows one format more, and upgrades the file.
NEWER = """
from collective.cloudfront.outbox.sqlite import schema
schema.FORMAT += 1
schema.carry_over = lambda db, create: None
"""


def upgrade(path):
    statement(path, f"PRAGMA user_version = {schema.FORMAT + 1}")


def test_a_newer_format_is_not_touched_and_said_once(path, outbox, caplog):
    outbox.release("", [Entry(E1, "/theirs")])
    outbox.close()
    upgrade(path)
    before = path.read_bytes()
    outbox.release("", [Entry(E1, "/ours")])
    outbox.prepare("t", [Entry(E1, "/more")])
    assert ready(outbox) == ["/ours"]
    outbox.close()
    assert path.read_bytes() == before
    assert not set_aside(path)
    (error,) = errors_in(caplog)
    assert f"format {schema.FORMAT + 1}, which is newer than {schema.FORMAT}" in (
        error.message
    )
    assert "Update this process" in error.message


def test_an_older_process_goes_on_sending_while_versions_roll(world, caplog):
    world.outbox.release("", [Entry(E1, "/theirs")])
    world.outbox.close()
    upgrade(world.path)
    world.run(5)
    world.outbox.release("", [Entry(E1, "/ours")])
    world.run(5)
    assert [each.items for each in world.outbox.history(9)] == [("/ours",)]
    assert len(errors_in(caplog)) == 1


def test_a_newer_version_takes_over_what_a_killed_older_process_has_left(path, outbox):
    outbox.release("", [Entry(E1, "/theirs")])
    outbox.close()
    code = """
from collective.cloudfront.planning.pacing import Limits
outbox = open_as()
outbox.release("", [Entry("E1", "/ready"), Entry("E1", "/frozen")])
outbox.release("", [Entry("E1", "/dated", due=2e9, key="k")])
outbox.release("", [Entry("E1", "/*", every=1e8)])
outbox.release("", [Entry("E1", "/*", every=1e8)])
outbox.prepare("t", [Entry("E1", "/doubt")])()
assert outbox.claim("E1", 60)
outbox.freeze("E1", "r1", ["/frozen"])
die()
"""
    upgrade(path)
    run(path, code)
    assert any(name.endswith(f".format-{schema.FORMAT}") for name in files(path))
    newer = run(
        path,
        NEWER
        + """
import json
outbox = open_as()
count = outbox.adopt()
assert outbox.adopt() == 0
doubt = outbox.release_abandoned(60)
print(json.dumps([
    sorted(each.item for each in outbox.pending("E1", 99)),
    [(each.reference, each.items) for each in outbox.frozen("E1")],
    sorted((each.item, each.key, each.coalesced) for each in outbox.scheduled(9)),
    doubt,
]))
""",
    )
    assert json.loads(newer) == [
        ["/*", "/doubt", "/ready", "/theirs"],
        [["r1", ["/frozen"]]],
        [["/*", "", True], ["/dated", "k", False]],
        1,
    ]
    assert not any(".format-" in name for name in files(path))


def test_what_a_living_older_process_has_is_not_taken_from_it(path, outbox):
    outbox.work()
    outbox.close()
    upgrade(path)
    code = """
outbox = open_as()
outbox.release("", [Entry("E1", "/ours")])
print("saved", flush=True)
input()
"""
    older = start(path, code)
    assert older.stdout.readline()
    adopt = NEWER + "outbox = open_as()\nprint(outbox.adopt() > 0)\n"
    assert run(path, adopt) == "False"
    older.communicate("end\n", timeout=600)
    assert run(path, adopt) == "True"
    assert run(path, adopt) == "False"


def test_an_older_process_that_starts_again_uses_its_own_file_again(path, outbox):
    outbox.work()
    outbox.close()
    upgrade(path)
    outbox.release("", [Entry(E1, "/ours")])
    outbox.end()
    again = SqliteOutbox(path, clock=outbox.clock)
    assert ready(again) == ["/ours"]
    again.close()


def test_a_downgrade_that_is_undone_loses_nothing(world):
    world.outbox.release("", [Entry(E1, "/theirs")])
    world.outbox.end()
    upgrade(world.path)
    world.restart()
    world.outbox.release("", [Entry(E1, "/ours", due=world.clock.now + 90, key="k")])
    world.outbox.end()
    statement(world.path, f"PRAGMA user_version = {schema.FORMAT}")
    world.restart()
    world.run(200)
    sent = {item for each in world.outbox.history(9) for item in each.items}
    assert sent == {"/theirs", "/ours"}


def test_a_process_whose_file_is_upgraded_while_open_goes_on(world, caplog):
    world.outbox.release("", [Entry(E1, "/a")])
    # The next format may have no such table.
    statement(world.path, "DROP TABLE memory")
    upgrade(world.path)
    world.run(10)
    world.outbox.release("", [Entry(E1, "/b")])
    world.run(10)
    assert not set_aside(world.path)
    assert [each.items for each in world.outbox.history(9)] == [("/b",)]
    assert len([e for e in errors_in(caplog) if "newer version" in e.message]) == 1


def test_a_person_is_told_of_the_file_beside(path, outbox):
    outbox.work()
    before = outbox.concerns()
    outbox.close()
    upgrade(path)
    outbox.work()
    beside = f"{path}.format-{schema.FORMAT}"
    concern = message("outbox_beside", path=str(path), used=beside)
    assert outbox.concerns() == [concern, *outbox.concerns()[1:]]
    assert concern not in before


# --- where it lies ------------------------------------------------------------------------


MOUNTS = """\
rootfs / rootfs rw 0 0
/dev/vda / ext4 rw 0 0
server:/export /net nfs4 rw 0 0
tmpfs /net/fast tmpfs rw 0 0
//server/a /with\\040space cifs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var", "ext4"),
        ("/net", "nfs4"),
        ("/network", "ext4"),
        ("/net/var/zope", "nfs4"),
        ("/net/fast/var", "tmpfs"),
        ("/with space/var", "cifs"),
    ],
)
def test_the_file_system_of_a_place_is_known(tmp_path, place, kind):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert file_system_of(Path(place), mounts) == kind
    assert file_system_of(Path(place), tmp_path / "missing") == ""


@pytest.mark.parametrize(
    ("kind", "code"),
    [("ext4", None), ("nfs4", "outbox_network"), ("tmpfs", "outbox_in_memory")],
)
def test_a_place_that_is_not_good_for_it_is_said(outbox, monkeypatch, kind, code):
    monkeypatch.setattr(store, "file_system_of", lambda path: kind)
    assert [each.code for each in outbox.concerns()] == ([code] if code else [])
