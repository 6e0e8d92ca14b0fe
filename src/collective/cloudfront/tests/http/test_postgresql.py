"""Specification: Zopes with RelStorage on PostgreSQL share an outbox there, unasked."""

from collections import Counter
from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.postgres import missing
from collective.cloudfront.tests.http.postgres import Postgres
from collective.cloudfront.tests.http.postgres import postgres
from collective.cloudfront.tests.http.test_kill import ENVIRON
from collective.cloudfront.tests.http.test_kill import kill_many_times
from collective.cloudfront.tests.http.test_kill import MANY
from collective.cloudfront.tests.profile import only_long
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest


pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    only_long,
]
ZOPES = 3


@pytest.fixture
def servers() -> Iterator[Postgres]:
    if missing():
        pytest.skip(missing())
    pytest.importorskip("psycopg")
    with postgres() as running:
        yield running


@pytest.fixture
def cloudfront() -> Iterator[LocalCloudFront]:
    with LocalCloudFront(options=options()) as local:
        yield local


@pytest.fixture
def zopes(servers, site_template, tmp_path, cloudfront) -> Iterator[list[Instance]]:
    """Zopes on one database, which have not been started. The first has left an outbox,
    from the time when that was a file.
    """
    storage = servers.storage()
    instances = [zope_on(tmp_path / f"{n}", storage, cloudfront) for n in range(ZOPES)]
    servers.copy_database(site_template.home / "var", instances[0].home)
    try:
        yield instances
    finally:
        for each in instances:
            each.stop()


def zope_on(home: Path, storage: str, local: LocalCloudFront) -> Instance:
    environ = {**local.environment, **QUICK, **ONCE}
    instance = Instance(home, storage=storage, environ=environ)
    instance.configure()
    return instance


def sent(cloudfront: LocalCloudFront) -> list[str]:
    made = cloudfront.control.invalidations()
    return [item for each in made for item in each.items]


def is_purged(cloudfront: LocalCloudFront, path: str) -> bool:
    return any(reaches(item, path) for item in sent(cloudfront))


def test_three_zopes_that_are_edited_at_once_lose_nothing_when_one_is_killed(
    zopes, servers, cloudfront
):
    earlier = open_outbox(f"sqlite:///{zopes[0].outbox}")
    earlier.release("", [Entry(options().distributions[0], "/left-in-the-file")])
    earlier.end()
    for each in zopes:
        each.start()
    for each in zopes:
        each.wait_until_ready()
    assert not any(each.outbox.exists() for each in zopes[1:])

    # What was in the file is sent, too, and the file is gone.
    eventually(lambda: is_purged(cloudfront, "/left-in-the-file"))
    eventually(lambda: not zopes[0].outbox.exists())

    editors = [Editor(each.site_url) for each in zopes]
    pages = [
        editor.create("", "Document", title=f"Page {n}")
        for n, editor in enumerate(editors)
    ]
    for editor, page in zip(editors, pages):
        editor.transition(page, "publish")

    def edit(number: int) -> None:
        for again in range(5):
            editors[number].edit(pages[number], title=f"Title {number} {again}")

    with ThreadPoolExecutor(ZOPES) as pool:
        list(pool.map(edit, range(ZOPES)))
    # It has just answered: what it saved may be in its memory, or in a call.
    editors[0].edit("/welcome", title="The last of the one that is killed")
    zopes[0].kill()
    eventually(lambda: is_purged(cloudfront, "/welcome"))
    for page in pages:
        eventually(lambda page=page: is_purged(cloudfront, page))
    outbox = open_outbox(servers.url)
    try:
        # What was sent once was paid for once; something may still be on its way.
        eventually(lambda: billed(cloudfront) == settled(outbox))
    finally:
        outbox.end()


def billed(cloudfront: LocalCloudFront) -> Counter:
    made = cloudfront.control.invalidations()
    return Counter(each.caller_reference for each in made)


def settled(outbox) -> Counter:
    return Counter(each.reference for each in outbox.history(1000))


def test_no_committed_change_is_lost_when_processes_of_two_nodes_are_killed(
    servers, site_template, tmp_path, record_property
):
    with LocalCloudFront(options=MANY) as local:
        nodes = [
            Instance(
                tmp_path / name,
                storage=servers.storage(),
                environ={**local.environment, **ENVIRON},
            )
            for name in ("one", "two")
        ]
        for each in nodes:
            each.configure()
        servers.copy_database(site_template.home / "var", nodes[0].home)
        record_property("figures", kill_many_times(local, *nodes))
        assert not any(each.outbox.exists() for each in nodes)
