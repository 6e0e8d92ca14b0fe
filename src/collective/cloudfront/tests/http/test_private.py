"""Specification: what stops being public leaves the edge at once, at every URL."""

from base64 import b64encode
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.fronted import fronted
from collective.cloudfront.tests.http.people import eventually

import pytest
import uuid


pytestmark = pytest.mark.slow

NAME = "Übersicht 2026.txt"
QUOTED = "%C3%9Cbersicht%202026.txt"
#: Below the folder; each shows the secret words to who may see them.
URLS = (
    "/page",
    "/page/",
    "/page/view",
    "/page?x=1",
    "/++api++/page",
    "/file",
    f"/file/@@download/file/{QUOTED}",
    "/file/@@download/file",
    "/file/@@download/file/any-other-name",
    "/++api++/file?expand=breadcrumbs",
)
BELOW_API = tuple(url for url in URLS if url.startswith("/++api++"))


@pytest.fixture(params=["everything is kept", "the template says what is kept"])
def cloudfront(request, zope):
    if request.param == "everything is kept":
        local = LocalCloudFront(virtual_host_root(zope.url), options(), zope.api_port)
    else:
        local = fronted(zope, tags=False)
    with local:
        yield local


@pytest.fixture
def secret(editor, viewer):
    """A published folder with words in it that are cached at the edge everywhere."""
    editor.set(api_paths="on")
    words = f"secret-{uuid.uuid4().hex}"
    folder = editor.create("", "Folder", title=f"folder {uuid.uuid4().hex}")
    text = {"data": f"<p>{words}</p>", "content-type": "text/html"}
    editor.create(folder, "Document", id="page", title="Page", text=text)
    upload = {
        "data": b64encode(words.encode()).decode(),
        "encoding": "base64",
        "filename": NAME,
        "content-type": "text/plain",
    }
    editor.create(folder, "File", id="file", title=words, file=upload)
    for path in (f"{folder}/page", folder):
        editor.transition(path, "publish")
    urls = [url_in(folder, url) for url in URLS]
    for url in urls:
        eventually(lambda: words in viewer.get(url).text)  # noqa: B023
    eventually(lambda: all(viewer.cache(url) == "Hit" for url in urls))
    yield folder, words, urls
    editor.set(api_paths="auto")


def url_in(folder: str, url: str) -> str:
    return f"/++api++{folder}{url[8:]}" if url in BELOW_API else folder + url


def is_gone(viewer, words, urls) -> bool:
    return not any(words in viewer.get(url).text for url in urls)


def test_a_retracted_page_and_file_are_nowhere(editor, viewer, secret):
    folder, words, urls = secret
    editor.transition(f"{folder}/page", "retract")
    editor.transition(folder, "retract")
    eventually(lambda: is_gone(viewer, words, urls))


def test_what_moves_into_a_private_folder_is_nowhere(editor, viewer, secret):
    folder, words, urls = secret
    private = editor.create("", "Folder", title=f"private {uuid.uuid4().hex}")
    editor.move(f"{folder}/file", private)
    editor.delete(f"{folder}/page")
    moved = [url.replace(folder, private) for url in urls]
    eventually(lambda: is_gone(viewer, words, [*urls, *moved]))
