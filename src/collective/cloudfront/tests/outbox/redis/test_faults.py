"""Specification: whatever happens to the server, nothing is lost in silence, and no save
waits for long.
"""

from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.outbox.redis import server as module
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.store import READY
from collective.cloudfront.outbox.store import Scan
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.files import errors_in
from collective.cloudfront.tests.outbox.files import until_it_works
from collective.cloudfront.tests.outbox.redis.server import until
from contextlib import closing

import pytest
import shutil
import socket
import threading


def reason(action) -> str:
    """Return why the outbox does not do something."""
    with pytest.raises(OutboxUnavailable) as refused:
        action()
    return str(refused.value)


# --- killed, and started again --------------------------------------------------------


def test_a_server_that_was_killed_has_everything_again_if_it_keeps_a_log(server, user):
    outbox = user(server.url)
    outbox.prepare("t", entries("/a"))()
    outbox.release("", entries("/b"))
    server.kill()
    assert "refused" in reason(lambda: outbox.prepare("u", entries("/c")))
    server.start()
    assert until_it_works(lambda: ready(outbox)) == ["/b"]
    outbox.release("t", entries("/a"))
    assert ready(outbox) == ["/b", "/a"]


def test_a_connection_that_was_closed_meanwhile_costs_no_save(server, user):
    outbox = user(server.url)
    outbox.release("", entries("/a"))
    outbox.prepare("t", entries("/b"))
    server.kill()
    server.start()
    outbox.prepare("u", entries("/c"))
    assert outbox.status().prepared == 2


def test_a_server_that_has_lost_everything_has_everything_purged_once(
    start, user, caplog
):
    server, damaged = start("--appendonly", "no"), []
    outbox, other = [user(server.url, damaged.append) for _ in range(2)]
    outbox.release("", entries("/a"))
    assert ready(other) == ["/a"]
    server.kill()
    server.start()
    assert until_it_works(lambda: outbox.purge_missed([E1, E2])) == 2
    assert until_it_works(lambda: other.purge_missed([E1, E2])) == 0
    assert ready(other, E1) == ready(other, E2) == ["/*"]
    assert damaged == [server.url]
    assert len(errors_in(caplog)) == 1
    assert "has lost data" in caplog.text


@pytest.mark.parametrize("patient", [True, False])
def test_a_server_that_was_emptied_is_noticed_by_whoever_writes(server, user, patient):
    damaged = []
    outbox = user(server.url, damaged.append)
    outbox.release("", entries("/a"))
    server.client().flushall()
    if patient:
        action = outbox.spend_calls
    else:
        action = lambda: outbox.prepare("t", entries("/b"))  # noqa: E731
    assert "has lost data" in reason(action)
    action()
    assert damaged == [server.url]
    assert outbox.purge_missed([E1]) == 1


def test_what_is_lost_while_the_outbox_cannot_be_used_is_not_forgotten(
    start, user, monkeypatch
):
    server, damaged = start("--appendonly", "no"), []
    outbox = user(server.url, damaged.append)
    outbox.release("", entries("/a"))
    server.client().flushall()
    restore, calls = outbox.store._restore, []

    def fails_once(rows, saved):
        calls.append(saved)
        if len(calls) == 1:
            raise OutboxUnavailable("once")
        return restore(rows, saved)

    monkeypatch.setattr(outbox.store, "_restore", fails_once)
    assert reason(lambda: ready(outbox)) == "once"
    assert damaged == []
    assert outbox.purge_missed([E1]) == 1
    assert damaged == [server.url]


def test_a_replica_that_was_behind_has_everything_purged(server, user, tmp_path):
    """Its data is that of a moment ago, as after a failover."""
    damaged = []
    outbox, other = user(server.url, damaged.append), user(server.url)
    outbox.release("", entries("/a"))
    behind = tmp_path / "behind"
    shutil.copytree(server.folder, behind)
    outbox.release("", entries("/b"))
    server.kill()
    shutil.rmtree(server.folder)
    shutil.copytree(behind, server.folder)
    server.start()
    # However much others have written meanwhile
    for number in range(5):
        other.release("", entries(f"/{number}"))
    assert "/a" in until_it_works(lambda: ready(outbox))
    assert damaged == [server.url]
    assert until_it_works(lambda: other.purge_missed([E1])) == 1


# --- it refuses -----------------------------------------------------------------------


def test_a_replica_is_not_written_to_and_works_when_it_is_promoted(start, user):
    primary, server = start(), start()
    outbox = user(server.url)
    outbox.release("", entries("/a"))
    with server.client() as client:
        client.config_set("replica-serve-stale-data", "yes")
        client.replicaof("127.0.0.1", primary.port)
        assert "read-only replica" in reason(lambda: outbox.prepare("t", entries("/b")))
        client.replicaof("NO", "ONE")
    until_it_works(lambda: outbox.purge_missed([E1]))
    outbox.release("", entries("/b"))
    assert "/b" in ready(outbox)


def test_a_server_without_memory_writes_nothing_and_goes_on_when_there_is_some(
    server, user
):
    outbox = user(server.url)
    outbox.release("", entries("/a"))
    with server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        before = client.dbsize()
        for action in (
            lambda: outbox.prepare("t", entries("/b")),
            lambda: outbox.release("", entries("/b")),
        ):
            assert "no memory left" in reason(action)
        assert client.dbsize() == before
        assert ready(outbox) == ["/a"]
        client.config_set("maxmemory", "0")
    outbox.release("", entries("/b"))
    assert ready(outbox) == ["/a", "/b"]


def test_memory_that_ends_in_the_midst_of_a_transaction_leaves_nothing_half(
    server, user
):
    outbox = user(server.url)
    outbox.release("", entries("/a", "/b"))
    with pytest.raises(OutboxUnavailable, match="no memory"), outbox.together():  # noqa: PT012
        outbox.claim(E1, 60)
        outbox.freeze(E1, "r1", ["/a"])
        server.client().config_set("maxmemory", "1")
    assert ready(outbox) == ["/a", "/b"]
    assert outbox.frozen(E1) == []
    server.client().config_set("maxmemory", "0")
    until_it_works(lambda: outbox.claim(E1, 60))


def test_a_password_that_has_changed_is_said_and_not_shown(server, user):
    url = server.url.replace("://", "://:0ld-s3cret@")
    with server.client() as client:
        client.config_set("requirepass", "0ld-s3cret")
    outbox = user(url)
    outbox.release("", entries("/a"))
    with server.client(password="0ld-s3cret") as client:
        client.config_set("requirepass", "new")
        client.client_kill_filter(_type="normal", skipme=True)
        said = reason(lambda: outbox.prepare("t", entries("/b")))
        client.config_set("requirepass", "")
    assert "refuses the user name or the password" in said
    assert "s3cret" not in said + repr(outbox)


def test_an_outbox_of_a_newer_version_asks_for_an_update(server, user):
    outbox = user(server.url)
    outbox.release("", entries("/a"))
    with server.client() as client:
        newer = {"format": 2, "id": "another"}
        client.hset("{cloudfront}:outbox", mapping=newer)
    for _ in range(2):
        assert "update this process" in reason(lambda: ready(outbox))
        assert "update" in reason(lambda: outbox.prepare("t", []))


# --- it does not answer ---------------------------------------------------------------


def test_a_server_that_stands_still_is_left_alone_by_saves_for_a_while(
    server, user, monkeypatch
):
    monkeypatch.setattr(module, "DOWN_SECONDS", 1e9)
    outbox = user(server.url)
    outbox.prepare("t", entries("/a"))
    server.stop()
    try:
        assert "does not answer" in reason(lambda: outbox.prepare("u", entries("/b")))
    finally:
        server.go_on()
    # It does, now, but no save tries before somebody else has found out.
    assert "does not answer" in reason(lambda: outbox.prepare("u", entries("/b")))
    assert outbox.status().prepared >= 1
    outbox.prepare("v", entries("/b"))


def test_nobody_who_answers_is_no_outbox(user):
    with closing(socket.create_server(("127.0.0.1", 0))) as hole:
        outbox = user(f"redis://127.0.0.1:{hole.getsockname()[1]}/0")
        assert "does not answer" in reason(lambda: outbox.prepare("t", []))


def test_a_name_that_is_looked_up_for_ever_makes_no_save_wait(user, monkeypatch):
    found = threading.Event()

    def look_up(*_args, **_options):
        found.wait(120)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    outbox = user("redis://a.name.invalid:6379/0")
    assert "does not answer" in reason(lambda: outbox.prepare("t", []))
    assert not found.is_set()
    found.set()


def test_a_process_that_was_stopped_for_longer_than_its_lock_writes_nothing(url, user):
    outbox, other = user(url), user(url)
    outbox.release("", entries("/a"))
    with pytest.raises(OutboxBusy, match="another process"), outbox.together():  # noqa: PT012
        outbox.claim(E1, 60)
        other.release("", entries("/b"))  # waits until the lock has ended
        outbox.freeze(E1, "r1", ["/a"])
    assert ready(outbox) == ["/a", "/b"]
    assert other.claim(E1, 60)


def test_the_lock_of_a_process_that_was_killed_ends_by_itself(url, user):
    code = """
outbox = open_as()
with outbox.together():
    outbox.claim("E1", 60)
    die()
"""
    outbox = user(url)
    processes.run(url, code)
    outbox.release("", entries("/a"))
    assert outbox.claim(E1, 60)


def test_whoever_saves_does_not_wait_for_a_lock_that_stays(url, user):
    outbox, other = user(url), user(url)
    with outbox.together() as session:
        session.rows.read(Scan(READY))
        assert "another process" in reason(lambda: other.prepare("t", entries("/b")))
    other.prepare("t", entries("/b"))


# --- replicas -------------------------------------------------------------------------


def test_what_must_not_be_lost_waits_for_replicas_if_somebody_says_so(
    start, user, monkeypatch
):
    monkeypatch.setattr(module, "SAVE_SECONDS", 5.0)  # the machine may be busy
    primary, replica = start(), start()
    outbox = user(f"{primary.url}?replicas=1")
    written = outbox.prepare("t", entries("/a"))
    assert "only 0 of 1 replicas" in reason(written)
    with replica.client() as client:
        client.replicaof("127.0.0.1", primary.port)
        until(lambda: client.info("replication")["master_link_status"] == "up")
    until_it_works(outbox.prepare("u", entries("/b")))
    outbox.claim(E1, 60)
    outbox.release("", entries("/c"))
    assert outbox.freeze(E1, "r1", ["/c"]).items == ("/c",)
    primary.kill()
    with replica.client() as client:
        client.replicaof("NO", "ONE")
    promoted = user(replica.url)
    assert promoted.status().prepared == 2
    assert [batch.items for batch in promoted.frozen(E1)] == [("/c",)]
