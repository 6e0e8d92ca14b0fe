"""Specification: an edit in Plone becomes one invalidation, over real HTTP."""

from base64 import b64encode
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer
from urllib.parse import quote

import pytest
import time


# Longer than the coalescing window and the courier's longest idle time.
LONG_ENOUGH = 1.6


def accepted(cloudfront) -> list[set[str]]:
    """Return the items of each accepted invalidation."""
    return [set(made.items) for made in cloudfront.control.invalidations()]


def wait_for(cloudfront, item: str) -> None:
    """Wait until ``item`` was accepted."""
    eventually(lambda: any(reached(items, item) for items in accepted(cloudfront)))


def settle(editor, cloudfront) -> None:
    """Wait until nothing more is sent, and quota is there again."""
    editor.wait_until_sent()
    before = -1
    while before < (before := len(cloudfront.control.invalidations())):
        time.sleep(4)


def reached(items: set[str], *urls: str) -> bool:
    """Say whether the items remove what is cached for all the URLs."""
    return all(any(reaches(item, url) for item in items) for url in urls)


@pytest.fixture
def page(editor, cloudfront) -> str:
    """The path of a published page whose creation has been delivered."""
    path = editor.create("", "Document", title=f"Page {time.time_ns()}")
    editor.transition(path, "publish")
    wait_for(cloudfront, path)
    eventually(lambda: not cloudfront.control.state()["faults_waiting"])
    time.sleep(0.6)
    editor.wait_until_sent()
    return path


def text(words: str) -> dict:
    return {"data": f"<p>{words}</p>", "content-type": "text/html"}


def test_an_edit_through_the_rest_api_is_seen_at_the_edge(editor, viewer, page):
    viewer.warm(page)
    editor.edit(page, text=text("Fresh from the API"))
    eventually(lambda: "Fresh from the API" in viewer.get(page).text)


def test_an_edit_through_the_classic_form_is_seen_at_the_edge(editor, viewer, page):
    viewer.warm(page)
    editor.log_in()
    editor.edit_in_form(
        page, **{"form.widgets.IDublinCore.title": "Fresh from the form"}
    )
    eventually(lambda: "Fresh from the form" in viewer.get(page).text)


def test_an_edit_is_one_call_with_each_item_once(editor, cloudfront, page):
    before = len(cloudfront.control.invalidations())
    editor.edit(page, text=text("Once"))
    eventually(lambda: len(cloudfront.control.invalidations()) > before)
    time.sleep(LONG_ENOUGH)
    made = cloudfront.control.invalidations()[before:]
    assert len(made) == 1
    items = set(made[0].items)
    assert len(made[0].items) == len(items) <= 3
    assert reached(items, page, f"{page}/", f"{page}/view", f"{page}?x=1")
    assert not reached(items, "/")
    assert not reached(items, "/welcome")


def test_publishing_is_seen_at_the_edge(editor, viewer, cloudfront):
    path = editor.create("", "Document", title=f"Draft {time.time_ns()}")
    viewer.warm(path)
    assert viewer.get(path).status_code != 200
    editor.transition(path, "publish")
    eventually(lambda: viewer.get(path).status_code == 200)


def test_a_file_with_a_non_ascii_name_is_replaced_at_the_edge(
    editor, viewer, cloudfront
):
    def upload(content: bytes) -> dict:
        return {
            "filename": "Übersicht & Größen (1).txt",
            "content-type": "text/plain",
            "encoding": "base64",
            "data": b64encode(content).decode(),
        }

    path = editor.create("", "File", title="Sizes", file=upload(b"old"))
    download = f"{path}/@@download/file/" + quote("Übersicht & Größen (1).txt", "&()")
    time.sleep(LONG_ENOUGH)
    viewer.warm(download)
    assert viewer.get(download).text == "old"
    editor.edit(path, file=upload(b"new"))
    eventually(lambda: viewer.get(download).text == "new")


def test_publishing_sixty_pages_at_once_is_one_call(editor, viewer, cloudfront):
    folder = editor.create("", "Folder", title=f"Sixty {time.time_ns()}")
    pages = [
        editor.create(folder, "Document", title=f"Page {number}")
        for number in range(60)
    ]
    settle(editor, cloudfront)
    cloudfront.control.reset()
    assert editor.view(f"{folder}/@@publish-all").ok
    eventually(lambda: cloudfront.control.invalidations())
    time.sleep(LONG_ENOUGH)
    assert len(accepted(cloudfront)) == 1
    assert reached(accepted(cloudfront)[0], *pages, folder, "/")
    assert len(accepted(cloudfront)[0]) <= 8


def test_a_request_that_fails_late_sends_nothing(editor, cloudfront, page):
    before = len(cloudfront.control.invalidations())
    assert editor.view(f"{page}/@@edit-then-fail").status_code == 500
    time.sleep(LONG_ENOUGH)
    assert len(cloudfront.control.invalidations()) == before


def test_a_commit_that_fails_sends_nothing(editor, cloudfront, page):
    before = len(cloudfront.control.invalidations())
    assert editor.view(f"{page}/@@edit-with-failing-commit").status_code == 500
    time.sleep(LONG_ENOUGH)
    assert len(cloudfront.control.invalidations()) == before


def test_conflicts_that_are_retried_send_one_invalidation(editor, cloudfront, page):
    before = len(cloudfront.control.invalidations())
    answer = editor.view(f"{page}/@@edit-with-conflicts")
    assert answer.ok
    assert int(answer.text) % 3 == 0, "it was not the third attempt that succeeded"
    eventually(lambda: len(cloudfront.control.invalidations()) > before)
    time.sleep(LONG_ENOUGH)
    made = cloudfront.control.invalidations()[before:]
    assert len(made) == 1
    assert reached(set(made[0].items), page)


def test_viewers_on_another_host_with_a_prefix_are_reached(zope, cloudfront, editor):
    """The editor is on the bare backend; viewers at /intranet of another host."""
    cloudfront.edge.origin = (
        f"{zope.url}/VirtualHostBase/http/viewers.example.org:80/Plone/VirtualHostRoot"
        "/_vh_intranet"
    )
    try:
        editor.set(public_prefix="/intranet")
        path = editor.create("", "Document", title=f"Inside {time.time_ns()}")
        editor.transition(path, "publish")
        wait_for(cloudfront, f"/intranet{path}")
        editor.edit(path, title="Changed on the backend")
        items = eventually(
            lambda: [i for i in accepted(cloudfront) if reached(i, f"/intranet{path}")]
        )
        assert all(item.startswith("/intranet") for each in items for item in each)
    finally:
        editor.set(public_prefix="")


def test_an_editor_behind_another_virtual_host_reaches_the_same_paths(
    zope, cloudfront, page
):
    cms = Editor(
        f"{zope.url}/VirtualHostBase/http/cms.example.org:80/Plone/VirtualHostRoot"
        "/_vh_cms"
    )
    before = len(cloudfront.control.invalidations())
    cms.edit(page, title="Edited at cms.example.org/cms")
    eventually(lambda: len(cloudfront.control.invalidations()) > before)
    assert reached(accepted(cloudfront)[-1], page)
    assert not any(i.startswith(("/cms", "/Plone")) for i in accepted(cloudfront)[-1])


def test_a_rename_reaches_the_old_and_the_new_path(editor, viewer, cloudfront):
    folder = editor.create("", "Folder", title=f"Section {time.time_ns()}")
    inner = editor.create(folder, "Document", title="Inner")
    for path in (folder, inner):
        editor.transition(path, "publish")
    time.sleep(LONG_ENOUGH)
    viewer.warm(folder, inner)
    new = f"/renamed-{time.time_ns()}"
    editor.edit(folder, id=new[1:])
    eventually(lambda: viewer.get(inner).status_code != 200)
    wait_for(cloudfront, f"{new}*")


def test_a_delete_reaches_the_object(editor, viewer, page):
    viewer.warm(page)
    editor.delete(page)
    eventually(lambda: viewer.get(page).status_code == 404)


def test_nothing_is_sent_while_purging_is_disabled_in_caching(editor, cloudfront, page):
    record = "plone.cachepurging.interfaces.ICachePurgingSettings.enabled"
    before = len(cloudfront.control.invalidations())
    editor.set_record(record, False)
    try:
        editor.edit(page, title="Unheard")
        time.sleep(LONG_ENOUGH)
        assert len(cloudfront.control.invalidations()) == before
    finally:
        editor.set_record(record, True)


def test_a_refreshed_edge_is_a_hit_again(editor, viewer, page):
    viewer.warm(page)
    editor.edit(page, text=text("Hit me again"))
    eventually(lambda: "Hit me again" in viewer.get(page).text)
    assert viewer.cache(page) == "Hit"
    assert isinstance(viewer, Viewer)
