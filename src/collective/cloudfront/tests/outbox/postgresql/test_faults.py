"""Specification: whatever happens to the server, saves go on, and nothing is lost."""

from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.intake import Intake
from collective.cloudfront.outbox.postgresql import store
from collective.cloudfront.outbox.postgresql.engine import open_engine
from collective.cloudfront.outbox.store import OutboxBusy
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.http.slow_link import SlowLink
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.postgres import HOST
from collective.cloudfront.tests.postgres import missing_server
from collective.cloudfront.tests.postgres import server
from contextlib import contextmanager

import psycopg
import pytest
import socket
import time


A = [Entry("E1", "/a")]


@pytest.fixture(scope="module")
def own_server():
    """A server that the tests of this module may stop."""
    if missing_server():
        pytest.skip(missing_server())
    with server() as running:
        yield running


@pytest.fixture
def outbox(own_server, schema):
    outbox = open_outbox(own_server.url(schema))
    outbox.release("", [])
    yield outbox
    outbox.end()


def until_it_works(action):
    while True:
        try:
            return action()
        except OutboxUnavailable:
            time.sleep(0.1)


def pending(outbox) -> list[str]:
    return [each.item for each in until_it_works(lambda: outbox.pending("E1", 99))]


def test_a_server_that_is_down_is_named_without_the_password(own_server, outbox):
    own_server.kill()
    try:
        with pytest.raises(OutboxUnavailable) as refused:
            outbox.prepare("t", A)
        assert str(own_server.port) in str(refused.value)
        assert "secret" not in str(refused.value)
        assert "\n" not in str(refused.value)
        assert not refused.value.is_busy
    finally:
        own_server.start()


def test_what_is_saved_while_the_server_is_down_arrives_when_it_is_back(
    own_server, outbox
):
    intake = Intake(outbox)
    own_server.kill()
    try:
        intake.prepare("t", A)()
        intake.release("t", A)
        intake.retry()
        assert intake.trouble
        assert intake.kept == 1
    finally:
        own_server.start()

    def is_brought_in() -> bool:
        intake.retry()
        return not intake.kept

    while not is_brought_in():
        time.sleep(0.1)
    assert pending(outbox) == ["/a"]


def test_what_was_prepared_and_waited_for_outlives_the_crash_of_the_server(
    own_server, outbox
):
    outbox.prepare("t", A)()
    own_server.kill()
    own_server.start()
    assert until_it_works(lambda: outbox.release_abandoned(0)) == 1
    assert pending(outbox) == ["/a"]


def test_what_was_frozen_outlives_the_crash_of_the_server(own_server, outbox):
    outbox.release("", A)
    assert outbox.claim("E1", 60)
    batch = outbox.freeze("E1", "r", ["/a"])
    own_server.kill()
    own_server.start()
    (found,) = until_it_works(lambda: outbox.frozen("E1"))
    assert found == batch


def test_after_a_restart_no_save_meets_an_old_connection(own_server, outbox):
    outbox.prepare("t", A)()
    own_server.kill()
    own_server.start()
    outbox.prepare("u", A)()
    assert outbox.status().prepared >= 1


def test_a_connection_that_the_server_has_ended_is_replaced(own_server, outbox):
    for number in range(3):
        own_server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'collective.cloudfront'"
        )
        # The server tells it in a moment
        time.sleep(0.1)
        outbox.prepare(f"t{number}", A)()
    assert outbox.status().prepared == 3


def test_a_transaction_that_loses_its_connection_is_undone_as_a_whole(
    own_server, outbox
):
    with pytest.raises(OutboxUnavailable):
        lose_the_connection(own_server, outbox)
    assert pending(outbox) == []


def lose_the_connection(server, outbox) -> None:
    with outbox.together():
        outbox.release("", A)
        assert pending(outbox) == ["/a"]
        server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'collective.cloudfront'"
        )
        outbox.release("", [Entry("E1", "/b")])
        outbox.pending("E1", 99)


def test_a_server_that_takes_no_writes_is_left_for_the_one_that_does(
    own_server, outbox
):
    """As after a failover: the old primary has become a standby."""
    outbox.prepare("t", A)()
    own_server.run("ALTER SYSTEM SET default_transaction_read_only = on")
    own_server.run("SELECT pg_reload_conf()")
    try:
        for number in range(100):
            try:
                outbox.prepare(f"u{number}", A)
            except OutboxUnavailable as error:
                assert "read-only" in str(error)
                break
            time.sleep(0.1)  # the server has not reloaded yet
        else:
            raise AssertionError("it still writes")
        with pytest.raises(OutboxUnavailable, match="read-only"):
            outbox.prepare("v", A)
    finally:
        where = f"host={HOST} port={own_server.port} user=zodb dbname=zodb"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")
    until_it_works(lambda: outbox.prepare("w", A)())


def test_a_full_disk_is_named_and_then_forgotten(own_server, outbox):
    """A trigger raises what PostgreSQL raises on a full disk."""
    schema = outbox.store.address.schema
    own_server.run(
        f"""CREATE FUNCTION {schema}.disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
        USING ERRCODE = '53100'; END $$"""
    )
    own_server.run(
        f"CREATE TRIGGER disk BEFORE INSERT ON {schema}.prepared "
        f"EXECUTE FUNCTION {schema}.disk()"
    )
    with pytest.raises(OutboxUnavailable, match="No space left on device"):
        outbox.prepare("t", A)
    own_server.run(f"DROP TRIGGER disk ON {schema}.prepared")
    outbox.prepare("t", A)()


def test_a_save_waits_for_another_writer_for_a_moment_only(
    own_server, outbox, impatient
):
    with hold_the_lock(own_server, outbox), pytest.raises(OutboxBusy) as refused:
        outbox.prepare("t", A)
    assert refused.value.is_busy
    until_it_works(lambda: outbox.prepare("t", A)())


def test_a_courier_that_waits_too_long_for_another_writer_is_told(
    own_server, outbox, monkeypatch
):
    monkeypatch.setattr(store, "COURIER_PATIENCE", 0.3)
    with hold_the_lock(own_server, outbox), pytest.raises(OutboxBusy):
        outbox.claim("E1", 60)
    assert outbox.claim("E1", 60)


def test_whoever_stops_in_the_midst_of_a_transaction_does_not_stop_all_others(
    own_server, outbox, monkeypatch
):
    """As when its machine is gone: the server would keep the lock for hours."""
    monkeypatch.setattr(store, "IDLE_PATIENCE", 0.5)
    with (
        pytest.raises(OutboxUnavailable),
        hold_the_lock(own_server, outbox),
    ):
        outbox.release("", A)
    assert pending(outbox) == ["/a"]


@contextmanager
def hold_the_lock(server, outbox):
    other = open_outbox(server.url(outbox.store.address.schema))
    with other.together():
        other.pending("E1", 1)
        yield
    other.end()


def test_tables_that_are_gone_are_made_again(own_server, schema, outbox):
    own_server.run(f"DROP SCHEMA {schema} CASCADE")
    with pytest.raises(OutboxUnavailable, match="does not exist"):
        outbox.prepare("t", A)
    outbox.prepare("t", A)()
    assert outbox.status().prepared == 1


def test_a_save_does_not_wait_for_a_network_that_is_cut(own_server, schema, impatient):
    """Nobody says so: what is sent is taken, and no answer comes."""
    link = SlowLink(f"{HOST}:{own_server.port}")
    outbox = open_outbox(own_server.url(schema, int(link.address.split(":")[1])))
    try:
        until_it_works(lambda: outbox.prepare("t", A)())
        link.delay = 1e6
        with pytest.raises(OutboxUnavailable, match="does not answer"):
            outbox.prepare("u", A)
        with pytest.raises(OutboxUnavailable, match="does not answer"):
            outbox.prepare("v", A)
        link.delay = 0.0
        until_it_works(lambda: outbox.prepare("w", A)())
    finally:
        outbox.end()
        link.close()


def test_while_a_server_does_not_answer_saves_do_not_try_it_one_after_another(
    impatient,
):
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        outbox = open_outbox(f"postgresql://zodb:secret@{HOST}:{port}/zodb")
        for number in range(5):
            with pytest.raises(OutboxUnavailable, match="does not answer"):
                outbox.prepare(f"t{number}", A)
        silent.accept()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_processes_that_start_together_make_the_tables_once(own_server, schema):
    code = """
print("ready", flush=True)
sys.stdin.readline()
outbox = open_as()
outbox.release("", [Entry("E1", f"/{args[0]}")])
"""
    url = own_server.url(schema)
    running = [processes.start(url, code, number) for number in range(5)]
    processes.go_together(running)
    outbox = open_outbox(url)
    assert sorted(pending(outbox)) == [f"/{number}" for number in range(5)]
    outbox.end()


def test_an_outbox_of_a_newer_version_is_not_touched(own_server, schema, outbox):
    outbox.close()
    own_server.run(f"UPDATE {schema}.format SET number = 99")
    with pytest.raises(OutboxUnavailable, match="99.*[Uu]pdate this process"):
        outbox.prepare("t", A)
    assert own_server.run(f"SELECT count(*) FROM {schema}.prepared") == [(0,)]


def test_a_role_that_may_not_make_a_schema_is_told(own_server, schema):
    own_server.run("DROP ROLE IF EXISTS poor")
    own_server.run("CREATE ROLE poor LOGIN")
    url = own_server.url(schema).replace("zodb:secret", "poor")
    outbox = open_outbox(url)
    with pytest.raises(OutboxUnavailable, match="permission denied for database zodb"):
        outbox.prepare("t", A)
    time.sleep(1.1)
    own_server.run(f"CREATE SCHEMA {schema} AUTHORIZATION poor")
    outbox.prepare("t", A)()
    outbox.end()


def test_with_pgbouncer_nothing_of_a_session_is_relied_on(own_server, schema):
    """PgBouncer forgets the session's state between transactions."""
    outbox = open_outbox(f"{own_server.url(schema)}&prepare=off")
    outbox.listen(lambda: None)
    for number in range(10):
        outbox.prepare(f"t{number}", A)()
    with outbox.store.read():
        sessions = own_server.run(
            "SELECT query FROM pg_stat_activity "
            "WHERE application_name = 'collective.cloudfront' AND query LIKE 'LISTEN%'"
        )
    assert f'LISTEN "cloudfront_{schema}"' not in [each[0] for each in sessions]
    outbox.end()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@host/db?schema=a-b",
        "postgresql://u:secret@host/db?schema=",
        "postgresql://u:secret@host/db?prepare=perhaps",
        "postgresql://u:secret@host/db?no_such_option=secret",
        "postgresql://u:sec%zzret@host/db",
    ],
)
def test_a_url_that_names_no_outbox_is_refused_without_being_repeated(url):
    with pytest.raises(ValueError) as refused:
        open_outbox(url)
    assert "outbox" in str(refused.value)
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql", "postgres://", "postgresql:///?schema=s"]
)
def test_what_the_url_does_not_say_libpq_finds_in_its_environment(
    own_server, schema, monkeypatch, url
):
    monkeypatch.setenv("PGHOST", HOST)
    monkeypatch.setenv("PGPORT", str(own_server.port))
    monkeypatch.setenv("PGUSER", "zodb")
    monkeypatch.setenv("PGDATABASE", "zodb")
    outbox = open_engine(url)
    outbox.prepare("t", A)()
    outbox.discard("t")
    outbox.end()


def test_an_outbox_shows_where_it_is_without_its_password():
    url = "postgres://u:secret@db.example.com:5433/site?sslmode=require&schema=cf"
    assert repr(open_outbox(url)) == (
        "<PostgresqlOutbox postgresql://db.example.com:5433/site?schema=cf>"
    )
