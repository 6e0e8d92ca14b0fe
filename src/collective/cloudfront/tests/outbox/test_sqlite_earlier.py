"""Specification: where the outbox is if nobody says so, and what others have left."""

from collective.cloudfront.outbox.messages import message
from collective.cloudfront.outbox.sqlite import default
from collective.cloudfront.outbox.sqlite import schema
from collective.cloudfront.outbox.sqlite import store
from collective.cloudfront.outbox.sqlite.default import default_place
from collective.cloudfront.outbox.sqlite.default import earlier_places
from collective.cloudfront.outbox.sqlite.default import NAME
from collective.cloudfront.outbox.sqlite.engine import SqliteOutbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.outbox.processes import go_together
from collective.cloudfront.tests.outbox.processes import run
from collective.cloudfront.tests.outbox.processes import start
from pathlib import Path

import contextlib
import os
import pytest
import sqlite3


E1 = "E1"
HOST = "pod-2"


def make(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def data(tmp_path) -> Path:
    """The volume of a container."""
    return tmp_path / "data"


@pytest.fixture
def ours(data):
    outbox = SqliteOutbox(data / HOST / "007f0101" / NAME)
    outbox.path.parent.mkdir(parents=True)
    yield outbox
    outbox.end()


@pytest.fixture
def earlier(data) -> Path:
    """What an earlier container has left: it was killed."""
    path = data / "pod-1" / "007f0101" / NAME
    path.parent.mkdir(parents=True)
    code = """
outbox = open_as("pod-1")
outbox.release("", [Entry("E1", "/ready"), Entry("E1", "/sent")])
outbox.release("", [Entry("E1", "/dated", due=2e9, key="k")])
assert outbox.claim("E1", 60)
outbox.freeze("E1", "r1", ["/sent"])
die()
"""
    run(url(path), code)
    return path


def items(outbox) -> list[str]:
    return [each.item for each in outbox.pending(E1, 99)]


# --- where --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "home", ["var", "var/instance1", "data/pod-2/007f0101"], ids=lambda home: home
)
def test_it_is_beside_the_data_of_the_site_where_all_its_processes_find_it(
    tmp_path, home
):
    beside = tmp_path / home.partition("/")[0] / "filestorage"
    make(beside / "Data.fs")
    assert default_place(tmp_path / home) == beside / NAME


def test_without_data_it_is_in_client_home(tmp_path):
    (tmp_path / "filestorage").mkdir()
    assert default_place(tmp_path / "var") == tmp_path / "var" / NAME


def test_data_far_above_are_of_another_site(tmp_path):
    make(tmp_path / "filestorage" / "Data.fs")
    home = tmp_path / "a" / "b" / "var"
    assert default_place(home) == home / NAME


def test_on_a_network_file_system_each_machine_has_its_own(tmp_path, monkeypatch):
    make(tmp_path / "filestorage" / "Data.fs")
    monkeypatch.setattr(default, "file_system_of", lambda path: "nfs4")
    assert default_place(tmp_path / "var") == tmp_path / "var" / NAME


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write")
def test_where_the_process_may_not_write_it_is_in_client_home(tmp_path):
    make(tmp_path / "filestorage" / "Data.fs")
    (tmp_path / "filestorage").chmod(0o500)
    assert default_place(tmp_path / "var") == tmp_path / "var" / NAME


def test_those_of_earlier_containers_are_found_by_the_place_of_the_host_name(tmp_path):
    data = tmp_path / "data [1]"
    found = [data / "pod-0/007f0101" / NAME, data / "pod-1/007f0102" / NAME]
    ours = data / HOST / "007f0101" / NAME
    make(*found, ours, data / "pod-3" / NAME, data / "log" / "event.log")
    assert earlier_places(ours.parent, HOST) == found


def test_those_of_earlier_versions_were_in_client_home(tmp_path):
    var = tmp_path / "var"
    found = [var / "instance1" / NAME, var / "instance2" / NAME]
    make(var / "filestorage" / "Data.fs", var / "filestorage" / NAME, *found)
    assert earlier_places(var / "instance1", HOST) == found


def test_those_of_other_programs_are_none(tmp_path):
    make(tmp_path / "a" / NAME, tmp_path / "var" / "b" / NAME)
    assert earlier_places(tmp_path / "var", HOST) == []


# --- what is taken over -------------------------------------------------------------------


def test_what_an_earlier_container_has_left_is_taken_over_once(ours, earlier):
    places = earlier_places(ours.path.parent, HOST)
    assert places == [earlier]
    assert ours.adopt(places) > 0
    assert items(ours) == ["/ready"]
    assert [each.items for each in ours.frozen(E1)] == [("/sent",)]
    assert [each.item for each in ours.scheduled(9)] == ["/dated"]
    assert list(earlier.parent.iterdir()) == []
    assert ours.adopt(places) == 0
    assert items(ours) == ["/ready"]


def test_of_several_that_start_together_one_takes_it_over(ours, earlier):
    code = """
from pathlib import Path
outbox = open_as()
print("ready", flush=True)
input()
print(outbox.adopt([Path(args[0])]))
outbox.close()
"""
    running = [start(url(ours.path), code, earlier) for _ in range(5)]
    go_together(running)
    assert items(ours) == ["/ready"]
    assert [each.reference for each in ours.frozen(E1)] == ["r1"]
    assert not earlier.exists()


def test_of_several_outboxes_one_gets_it(ours, earlier, data):
    """Containers that start together, each with an outbox of its own."""
    code = """
from pathlib import Path
outbox = open_as()
outbox.work()
print("ready", flush=True)
input()
outbox.adopt([Path(args[0])])
"""
    paths = [data / f"pod-{number}" / "1" / NAME for number in range(3, 8)]
    for path in paths:
        path.parent.mkdir(parents=True)
    go_together([start(url(path), code, earlier) for path in paths])
    found = []
    for path in paths:
        outbox = SqliteOutbox(path)
        found += items(outbox)
        outbox.end()
    assert found == ["/ready"]


def test_what_a_living_process_has_is_not_taken_from_it(ours, data):
    path = data / "pod-1" / "1" / NAME
    path.parent.mkdir(parents=True)
    code = """
outbox = open_as("pod-1")
outbox.release("", [Entry("E1", "/theirs")])
print("saved", flush=True)
input()
"""
    other = start(url(path), code)
    assert other.stdout.readline()
    assert ours.adopt([path]) == 0
    other.communicate("end\n", timeout=600)
    assert ours.adopt([path]) > 0
    assert items(ours) == ["/theirs"]


@pytest.mark.parametrize("after", ["write", "take"])
def test_killed_in_the_midst_of_it_the_next_one_goes_on(ours, earlier, after):
    code = f"""
from pathlib import Path
from collective.cloudfront.outbox.sql import SqlTransaction
outbox = open_as("pod-3")
real = SqlTransaction.take
def take(self, table, keys):
    "write" == {after!r} and die()
    real(self, table, keys)
    die()
SqlTransaction.take = take
outbox.adopt([Path(args[0])])
"""
    run(url(ours.path), code, earlier)
    assert earlier.exists()
    assert ours.adopt([earlier]) > 0
    assert items(ours) == ["/ready"]
    assert [each.items for each in ours.frozen(E1)] == [("/sent",)]


def test_its_own_is_none_of_them(ours):
    ours.release("", [Entry(E1, "/a")])
    ours.close()
    assert ours.adopt([ours.path]) == 0
    assert items(ours) == ["/a"]


def test_one_that_is_gone_meanwhile_is_not_made_again(ours, data):
    assert ours.adopt([data / "gone" / NAME]) == 0
    assert not (data / "gone").exists()


def garbage(path):
    for each in path.parent.glob(f"{NAME}-*"):
        each.unlink()
    path.write_bytes(b"no database at all " * 500)


def newer(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")


def foreign(path):
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")


@pytest.mark.parametrize("spoil", [garbage, newer, foreign])
def test_what_cannot_be_read_stays_and_is_said_once(ours, earlier, caplog, spoil):
    spoil(earlier)
    for _ in range(3):
        assert ours.adopt([earlier]) == 0
    assert earlier.exists()
    (line,) = [each for each in caplog.messages if "cannot be taken over" in each]
    assert str(earlier) in line


def test_a_file_in_the_container_itself_is_said(ours, monkeypatch):
    monkeypatch.setattr(store, "file_system_of", lambda path: "overlay")
    assert ours.concerns() == [message("outbox_in_container", path=str(ours.path))]
