"""Specification: a site in two languages, one of which has a domain of its own.

One distribution serves the whole site, the other has ``/en`` as its front page.
"""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import DISTRIBUTION
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer

import pytest
import re
import time


ENGLISH = "E2ENGLISHENGLISH"
#: Longer than the coalescing window and the courier's longest idle time.
LONG_ENOUGH = 1.6

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def languages(zope) -> None:
    """Have the site in English and German."""
    editor = Editor(zope.site_url)
    editor.set_record("plone.available_languages", ["en", "de"])
    editor.install("plone.app.multilingual")
    editor.set(distribution_id=f"{DISTRIBUTION} {ENGLISH}/en")
    for folder in ("/en/a", "/en/a/b", "/en/a/b/c", "/de/a", "/de/a/b", "/de/a/b/c"):
        parent, _, name = folder.rpartition("/")
        create(editor, parent, "Folder", name)


def create(editor: Editor, parent: str, portal_type: str, name: str) -> str:
    path = editor.create(parent, portal_type, id=name, title=name)
    editor.transition(path, "publish")
    return path


@pytest.fixture
def cloudfront(zope, editor, languages) -> Iterator[LocalCloudFront]:
    """A fresh local CloudFront with both distributions."""
    local = LocalCloudFront(
        origin=virtual_host_root(zope.url),
        options=options(distributions=(DISTRIBUTION, ENGLISH)),
        api_port=zope.api_port,
    )
    local.edge.origins[ENGLISH] = (
        f"{zope.url}/VirtualHostBase/http/en.example.com:80/{SITE_ID}/en/VirtualHostRoot"
    )
    with local:
        settle(editor, local)
        local.control.reset()
        yield local


def settle(editor: Editor, cloudfront: LocalCloudFront) -> None:
    """Wait until nothing more is sent."""
    before = -1
    while before < (before := len(cloudfront.control.invalidations())):
        time.sleep(LONG_ENOUGH)
        editor.wait_until_sent()


@pytest.fixture
def english(cloudfront) -> Viewer:
    """A visitor of the English domain."""
    return Viewer(cloudfront.edge_url, host=f"{ENGLISH.lower()}.localhost")


def sent_to(cloudfront: LocalCloudFront, distribution: str) -> set[str]:
    made = cloudfront.control.invalidations()
    return {
        item
        for each in made
        if each.distribution == distribution
        for item in each.items
    }


@pytest.fixture
def page(editor, cloudfront) -> str:
    """A page in English, deeper than the navigation."""
    path = create(editor, "/en/a/b/c", "Document", f"page-{time.time_ns()}")
    settle(editor, cloudfront)
    cloudfront.control.reset()
    return path


def below(path: str) -> str:
    """Return the path at the English domain."""
    return path.removeprefix("/en")


def test_an_edit_is_seen_at_both(editor, cloudfront, viewer, english, page):
    viewer.warm(page, "/en/a/b/c")
    english.warm(below(page), "/a/b/c", "/")
    editor.edit(page, title="Fresh from the API")
    for who, path in ((viewer, page), (english, below(page))):
        eventually(lambda: "Fresh from the API" in who.get(path).text)  # noqa: B023
    eventually(lambda: "Fresh from the API" in viewer.get("/en/a/b/c").text)
    eventually(lambda: "Fresh from the API" in english.get("/a/b/c").text)
    assert not any(item.startswith("/en") for item in sent_to(cloudfront, ENGLISH))
    assert english.cache("/") == "Hit"


def test_an_edit_of_the_front_page_is_seen_at_both(editor, viewer, english):
    viewer.warm("/en")
    english.warm("/", "/?x=1")
    title = f"English {time.time_ns()}"
    editor.edit("/en", title=title)
    for path in ("/", "/?x=1"):
        eventually(lambda: title in english.get(path).text)  # noqa: B023
    eventually(lambda: title in viewer.get("/en").text)


def test_a_rename_is_seen_at_both(editor, viewer, english, page):
    new = f"/en/a/b/c/new-{time.time_ns()}"
    viewer.warm(page, new)
    english.warm(below(page), below(new))
    editor.edit(page, id=new.rpartition("/")[2])
    for who, old, now in ((viewer, page, new), (english, below(page), below(new))):
        eventually(lambda: who.get(now).status_code == 200)  # noqa: B023
        eventually(lambda: who.get(old).status_code != 200)  # noqa: B023


def test_a_retraction_is_seen_at_both(editor, viewer, english, page):
    viewer.warm(page, "/en/a/b/c")
    english.warm(below(page), "/a/b/c")
    editor.transition(page, "retract")
    for who, path in ((viewer, page), (english, below(page))):
        eventually(lambda: who.get(path).status_code != 200)  # noqa: B023
        folder = path.rpartition("/")[0]
        eventually(lambda: path not in who.get(folder).text)  # noqa: B023


def test_a_publication_is_seen_on_both_front_pages(editor, viewer, english):
    name = f"top-{time.time_ns()}"
    viewer.warm("/en")
    english.warm("/")
    create(editor, "/en", "Document", name)
    eventually(lambda: name in viewer.get("/en").text)
    eventually(lambda: name in english.get("/").text)


def test_the_language_selector_leads_to_a_new_translation_at_both(
    editor, cloudfront, viewer, english, page
):
    german = create(editor, "/de/a/b/c", "Document", f"seite-{time.time_ns()}")
    settle(editor, cloudfront)
    links = {
        who: selector(who.get(path).text)
        for who, path in ((viewer, page), (english, below(page)))
    }
    for who, link in links.items():
        who.warm(link)
        assert german not in who.get(link).headers["Location"]
    editor.link(page, german)
    for who, link in links.items():
        eventually(lambda: german in who.get(link).headers["Location"])  # noqa: B023


def selector(html: str) -> str:
    """Return the path of the link to the German page."""
    found = re.search(
        r'href="http://[^/]+(/@@multilingual-selector/\w+/de\b[^"]*)', html
    )
    return found[1].replace("&amp;", "&")


def test_nothing_german_is_sent_to_the_english(editor, cloudfront, viewer, english):
    german = create(editor, "/de/a/b/c", "Document", f"seite-{time.time_ns()}")
    settle(editor, cloudfront)
    cloudfront.control.reset()
    viewer.warm(german)
    editor.edit(german, title="Neu")
    eventually(lambda: "Neu" in viewer.get(german).text)
    editor.edit(german, id=f"{german.rpartition('/')[2]}-neu")
    eventually(lambda: viewer.get(german).status_code != 200)
    editor.delete(f"{german}-neu")
    settle(editor, cloudfront)
    # Redirects to pages in both languages are at either
    assert sent_to(cloudfront, ENGLISH) <= {"/@@multilingual-*"}
    assert any(item.startswith("/de") for item in sent_to(cloudfront, DISTRIBUTION))
