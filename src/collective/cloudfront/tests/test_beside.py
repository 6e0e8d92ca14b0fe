"""Specification: where the site's database is PostgreSQL, the outbox is there, too."""

from collections.abc import Iterator
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.process import Process
from collective.cloudfront.tests.outbox.postgresql.conftest import patient  # noqa: F401
from collective.cloudfront.tests.postgres import DATABASE
from collective.cloudfront.tests.postgres import HOST
from collective.cloudfront.tests.postgres import missing_server
from collective.cloudfront.tests.postgres import ROLE
from collective.cloudfront.tests.postgres import Server
from collective.cloudfront.tests.postgres import server
from importlib.util import find_spec
from Zope2.Startup.options import ZopeWSGIOptions

import App.config
import pytest
import sys


_ZOPE_CONF = """
instancehome {home}
clienthome {home}
<zodb_db temporary>
    mount-point /temp_folder
    <mappingstorage>
    </mappingstorage>
</zodb_db>
<zodb_db main>
    mount-point /
    {storage}
</zodb_db>
"""
_RELSTORAGE = """
    %import relstorage
    <relstorage>
        <postgresql>
            dsn dbname='{database}' user='{role}' host={host} port={port} password='a b+c'
        </postgresql>
    </relstorage>
"""
_OTHER = """
    <filestorage>
        path {home}/Data.fs
    </filestorage>
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    if missing_server():
        pytest.skip(missing_server())
    if not find_spec("relstorage"):
        pytest.skip("RelStorage is missing: pip install RelStorage")
    with server() as started:
        yield started


@pytest.fixture
def configure(tmp_path, monkeypatch):
    """A function that has Zope read a ``zope.conf`` with a storage."""

    def read(storage: str, **values: object) -> None:
        storage = storage.format(home=tmp_path, **values)
        path = tmp_path / "zope.conf"
        path.write_text(_ZOPE_CONF.format(home=tmp_path, storage=storage))
        options = ZopeWSGIOptions(str(path))()
        monkeypatch.setattr(App.config, "_config", options.configroot)

    return read


@pytest.fixture
def relstorage(configure, running):
    def read(role: str = ROLE, port: int = running.port) -> None:
        configure(_RELSTORAGE, database=DATABASE, role=role, host=HOST, port=port)

    read()
    return read


@pytest.fixture
def made() -> Iterator[list]:
    """Processes that are ended after the test."""
    processes: list[Process] = []
    yield processes
    for each in processes:
        each.outbox.end()


@pytest.fixture
def process(made):
    def make(**environ: str) -> Process:
        made.append(Process(environ))
        return made[-1]

    return make


def test_it_is_in_a_schema_of_the_same_database(relstorage, process, running):
    found = process()
    found.outbox.prepare("t", [Entry("E1", "/a")])()
    assert running.run("SELECT token FROM cloudfront.prepared") == [("t",)]
    assert found.is_outbox_beside
    assert found.concerns == []
    running.run("DROP SCHEMA cloudfront CASCADE")


def test_the_password_is_not_shown(relstorage, process):
    assert "a b" not in repr(process().outbox)
    assert "a%20b" not in repr(process().outbox)


@pytest.mark.parametrize("named", ["sqlite", "sqlite:///{home}/mine.sqlite"])
def test_whoever_names_a_file_has_a_file(relstorage, process, tmp_path, named):
    found = process(CLOUDFRONT_OUTBOX=named.format(home=tmp_path))
    assert "Sqlite" in repr(found.outbox)
    assert not found.is_outbox_beside


def test_with_another_storage_it_is_a_file(configure, process):
    configure(_OTHER)
    assert "Sqlite" in repr(process().outbox)


def test_without_psycopg_it_is_a_file_and_a_person_learns_what_to_install(
    relstorage, process, monkeypatch, caplog
):
    for name in list(sys.modules):
        if name.startswith("collective.cloudfront.outbox.postgresql"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = process()
    assert "Sqlite" in repr(found.outbox)
    (concern,) = found.concerns
    assert "pip install 'collective.cloudfront[postgresql]'" in str(concern)
    assert str(concern) in caplog.text


def test_where_the_role_may_make_no_schema_it_is_a_file(relstorage, process, running):
    running.run("CREATE ROLE poor LOGIN")
    relstorage(role="poor")
    found = process()
    assert "Sqlite" in repr(found.outbox)
    (concern,) = found.concerns
    assert "permission denied" in str(concern)
    assert "a b+c" not in str(concern)


def test_a_server_that_is_not_there_yet_is_waited_for(relstorage, process):
    relstorage(port=1)
    assert "Postgresql" in repr(process().outbox)
