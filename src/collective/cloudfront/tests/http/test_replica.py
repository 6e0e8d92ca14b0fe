"""Specification: with RelStorage, what a Zope answers from a replica that lags behind does
not stay at the edge.
"""

from base64 import b64encode
from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer
from collective.cloudfront.tests.http.postgres import missing
from collective.cloudfront.tests.http.postgres import Postgres
from collective.cloudfront.tests.http.postgres import postgres
from pathlib import Path

import pytest
import time


pytestmark = pytest.mark.slow
#: Seconds, of the replica and on the way to the edge.
LAG, TRANSIT = 2.0, 3.0


@pytest.fixture(scope="module")
def servers() -> Iterator[Postgres]:
    """PostgreSQL with a hot standby."""
    if missing():
        pytest.skip(missing())
    with postgres(LAG) as running:
        yield running


@pytest.fixture(scope="module")
def zopes(servers, site_template, tmp_path_factory) -> Iterator[tuple]:
    """A Zope on the primary, another one that reads the standby, and a CloudFront before
    that one.
    """
    folder = tmp_path_factory.mktemp("replica")
    with LocalCloudFront(options=options()) as local:
        one, two = (
            zope_on(folder / name, servers.storage(replica), local, folder)
            for name, replica in (("one", False), ("two", True))
        )
        servers.copy_database(site_template.home / "var", one.home)
        try:
            for instance in (one, two):
                instance.start()
            for instance in (one, two):
                instance.wait_until_ready()
            local.edge.origin = virtual_host_root(two.url)
            yield one, two, local
        finally:
            for instance in (one, two):
                instance.stop()


def zope_on(home: Path, storage: str, local: LocalCloudFront, shared: Path) -> Instance:
    instance = Instance(
        home,
        storage=storage,
        environ={
            **local.environment,
            **QUICK,
            "CLOUDFRONT_OUTBOX": outbox_in(shared),
            "CLOUDFRONT_AGAIN_AFTER": str(TRANSIT),
        },
        zcml="collective.cloudfront.tests.http",
    )
    instance.configure()
    return instance


def outbox_in(folder: Path) -> str:
    return f"sqlite:///{folder}/outbox.sqlite"


@pytest.fixture
def editor(zopes) -> Editor:
    return Editor(zopes[0].site_url)


@pytest.fixture
def viewer(zopes) -> Viewer:
    return Viewer(zopes[2].edge_url)


@pytest.fixture
def page(zopes, editor, servers) -> str:
    """A published page that all Zopes show, and that is not purged any more."""
    path = editor.create("", "Document", title="Old")
    editor.transition(path, "publish")
    wait_until_quiet(zopes[0])
    servers.wait_for_standby()
    return path


@pytest.fixture
def paused(page, servers) -> Iterator[None]:
    """The standby shows the page, and nothing newer until it goes on."""
    servers.pause()
    yield
    servers.resume()


def test_a_page_of_a_zope_that_reads_a_replica(page, paused, zopes, viewer, servers):
    url = f"{page}/slow-page?seconds=0"
    assert "Old" in viewer.get(url).text
    edit_and_wait(zopes, page)
    assert "Old" in viewer.get(url).text, "it must lag behind"
    servers.resume()
    eventually(lambda: "New" in viewer.get(url).text)


def test_a_page_of_a_zope_that_saves_something_and_reads_a_replica(
    page, paused, zopes, viewer, servers
):
    urls = [f"{page}/slow-page?seconds=0.{number}" for number in range(3)]
    edit_and_wait(zopes, page)
    # It knows of a newer transaction than the one that it reads
    Editor(zopes[1].site_url).set(history_days=100)
    # The next request gets the connection that saved, once that is free again
    time.sleep(1)
    for url in urls:
        assert "Old" in viewer.get(url).text, "it must lag behind"
    servers.resume()
    eventually(lambda: all("New" in viewer.get(url).text for url in urls))


def test_a_picture_in_the_database_of_a_replica(editor, zopes, viewer, servers):
    path = editor.create("", "File", file=upload(b"Old"))
    wait_until_quiet(zopes[0])
    servers.wait_for_standby()
    url = f"{path}/@@download/file"
    assert viewer.get(url).content == b"Old"
    servers.pause()
    edit_and_wait(zopes, path, file=upload(b"New"))
    assert viewer.get(url).content == b"Old", "it must lag behind"
    servers.resume()
    eventually(lambda: viewer.get(url).content == b"New")


def wait_until_quiet(zope: Instance) -> None:
    """Wait until all is sent, what is urgent a second time, too."""
    outbox = open_outbox(outbox_in(zope.home.parent))

    def is_due_soon() -> bool:
        return any(each.due < time.time() + 60 for each in outbox.scheduled(10))

    Editor(zope.site_url).wait_until_sent()
    eventually(lambda: not is_due_soon())
    Editor(zope.site_url).wait_until_sent()


def edit_and_wait(zopes: tuple, path: str, **fields: object) -> None:
    """Edit on the primary; return when that is purged."""
    Editor(zopes[0].site_url).edit(path, **(fields or {"title": "New"}))
    wait_until_quiet(zopes[0])


def upload(data: bytes) -> dict[str, str]:
    return {
        "data": b64encode(data).decode(),
        "encoding": "base64",
        "filename": "words.txt",
        "content-type": "text/plain",
    }
