"""Specification: an answer that reaches CloudFront after the invalidation of what it
shows does not stay there.
"""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer
from collective.cloudfront.tests.http.slow_link import SlowLink
from collective.cloudfront.tests.http.zeo import zeo_server
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import shutil
import time


TAGS = "Cache-Tag"
TRANSIT = 3.0


@pytest.fixture(params=["paths", "tags"])
def page(request, editor, cloudfront) -> Iterator[str]:
    """A published page, purged by path or by tags; the edge reads tags then."""
    tags = request.param == "tags"
    editor.set(cache_tags="invalidate" if tags else "off", again_after=TRANSIT)
    if tags:
        cloudfront.control.change_options(cache_tag_header=TAGS)
        # So that only they can help
        editor.set(cache_tags_since="2020-01-01T00:00:00+00:00")
    path = editor.create("", "Document", title="Old")
    editor.transition(path, "publish")
    editor.wait_until_sent()
    yield path
    editor.delete(path)
    editor.set(cache_tags="off", again_after=0.0)
    editor.wait_until_sent()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file: as soon as it is there, the page is made."""
    return tmp_path / "gate"


def began(gate: Path) -> Path:
    """The file that tells that the page is being made."""
    return gate.with_name(f"{gate.name}.began")


@contextmanager
def being_made(viewer: Viewer, url: str, gate: Path) -> Iterator[Future]:
    """Ask for a page that is made when the block has ended, and its purge has effect."""
    with ThreadPoolExecutor(1) as visitor:
        answer = visitor.submit(viewer.get, url)
        try:
            eventually(began(gate).exists)
            yield answer
            time.sleep(0.5)
        finally:
            gate.touch()


def test_a_page_that_was_being_made_while_it_changed(
    page, editor, cloudfront, viewer, gate
):
    url = f"{page}/slow-page?until={gate}"
    with being_made(viewer, url, gate) as answer:
        edit_and_wait(editor, page, cloudfront)
    assert "Old" in answer.result().text
    # The edge caches everything, whatever the answer says
    eventually(lambda: "New" in viewer.get(url).text)


def test_an_answer_that_is_late_says_that_it_must_not_be_stored(
    page, editor, cloudfront, viewer, gate
):
    url = f"{page}/slow-page?until={gate}"
    with being_made(viewer, url, gate) as answer:
        edit_and_wait(editor, page, cloudfront)
    assert "private" in answer.result().headers["Cache-Control"]
    eventually(lambda: "New" in viewer.get(url).text)
    assert "private" not in viewer.get(url).headers.get("Cache-Control", "")


def test_a_page_that_is_on_its_way_while_it_changes(
    page, editor, cloudfront, viewer, gate
):
    url = f"{page}/slow-page?until={gate}"
    gate.touch()
    cloudfront.control.change_options(origin_latency=TRANSIT - 1)
    with ThreadPoolExecutor(1) as visitor:
        answer = visitor.submit(viewer.get, url)
        eventually(began(gate).exists)
        edit_and_wait(editor, page, cloudfront)
        assert "Old" in answer.result().text
    cloudfront.control.change_options(origin_latency=0.0)
    eventually(lambda: "New" in viewer.get(url).text)


def edit_and_wait(editor: Editor, page: str, cloudfront: LocalCloudFront) -> None:
    """Edit the page; return when that is purged."""
    before = len(cloudfront.control.invalidations())
    editor.edit(page, title="New")
    eventually(lambda: len(cloudfront.control.invalidations()) > before)


# --- a Zope that lags behind ------------------------------------------------------------


@pytest.fixture
def lagging(site_template, tmp_path) -> Iterator[tuple]:
    """A Zope, another one whose ZEO connection can be slow, and a CloudFront before
    that one.
    """
    folder = tmp_path / "zeo"
    folder.mkdir()
    shutil.copy(site_template.home / "var" / "Data.fs", folder / "Data.fs")
    shutil.copytree(site_template.home / "var" / "blobstorage", folder / "blobstorage")
    with LocalCloudFront(options=options()) as local, zeo_server(folder) as address:
        link = SlowLink(address)
        both = [
            zope_on(tmp_path / name, zeo, local, tmp_path)
            for name, zeo in (("one", address), ("two", link.address))
        ]
        try:
            for instance in both:
                instance.start()
            for instance in both:
                instance.wait_until_ready()
            local.edge.origin = virtual_host_root(both[1].url)
            yield (*both, local, link)
        finally:
            for instance in both:
                instance.stop()
            link.close()


def zope_on(home: Path, zeo: str, local: LocalCloudFront, shared: Path) -> Instance:
    instance = Instance(
        home,
        zeo=zeo,
        server_sync=False,
        environ={
            **local.environment,
            "CLOUDFRONT_OUTBOX": f"sqlite:///{shared}/outbox.sqlite",
            "CLOUDFRONT_WINDOW": "0.1",
            "CLOUDFRONT_CALL_RATE": "20",
            "CLOUDFRONT_AGAIN_AFTER": str(TRANSIT),
        },
        zcml="collective.cloudfront.tests.http",
    )
    instance.configure()
    return instance


def test_a_page_of_a_zope_that_has_not_heard_of_the_change(lagging):
    one, two, cloudfront, link = lagging
    editor, viewer = Editor(one.site_url), Viewer(cloudfront.edge_url)
    page = editor.create("", "Document", title="Old")
    editor.transition(page, "publish")
    editor.wait_until_sent()
    url = f"{page}/slow-page?seconds=0"
    # It has all that it needs in its cache.
    eventually(lambda: "Old" in Viewer(virtual_host_root(two.url)).get(url).text)
    time.sleep(1)
    link.delay = 4.0
    before = len(cloudfront.control.invalidations())
    editor.edit(page, title="New")
    eventually(lambda: len(cloudfront.control.invalidations()) > before)
    assert "Old" in viewer.get(url).text, "it must lag behind"
    link.delay = 0.0
    eventually(lambda: "New" in viewer.get(url).text)
