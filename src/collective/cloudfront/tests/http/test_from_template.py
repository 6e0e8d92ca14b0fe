"""Specification: a real Plone behind the distribution that our template describes.

The table of requests with everything else is in ``tests/local/test_right_distribution.py``.
"""

from base64 import b64encode
from click.testing import CliRunner
from collective.cloudfront.cli.main import main
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.tests.http.conftest import DISTRIBUTION
from collective.cloudfront.tests.http.fronted import fronted
from collective.cloudfront.tests.http.fronted import HOST
from collective.cloudfront.tests.http.people import eventually
from lxml.html import fromstring

import json
import pytest
import re
import requests
import uuid


pytestmark = pytest.mark.slow


@pytest.fixture(params=[True, False], ids=["tags", "paths"])
def by_tags(request, editor):
    """Purge by tags alone, as if pages had carried them for long, or by paths."""
    editor.set(cache_tags="invalidate" if request.param else "off")
    if request.param:
        editor.set(cache_tags_since="2020-01-01T00:00:00+00:00")
    yield request.param
    editor.set(cache_tags="off")


@pytest.fixture
def cloudfront(zope, by_tags):
    """The distribution of the template before ``zope``."""
    with fronted(zope, tags=by_tags) as local:
        yield local


class Browser:
    """Somebody at the public host, who has cookies."""

    def __init__(self, edge_url):
        self._edge = edge_url
        self._session = requests.Session()
        self._session.headers["Host"] = HOST

    def ask(self, path, method="GET", **options):
        # To requests the edge is another host than the one of the cookies
        url = path.replace(f"https://{HOST}", self._edge)
        url = url if url.startswith("http") else self._edge + url
        return self._session.request(
            method, url, allow_redirects=False, timeout=120, **options
        )

    def x_cache(self, path, method="GET", **options):
        return self.ask(path, method, **options).headers["X-Cache"].split()[0]

    def log_in(self):
        """Log in through the form; return its answer."""
        page = self.ask("/login")
        forms = fromstring(page.text).forms
        (form,) = [each for each in forms if "__ac_name" in each.fields]
        values = {
            **dict(form.form_values()),
            "__ac_name": USER,
            "__ac_password": PASSWORD,
            "buttons.login": "Log in",
        }
        return self.ask(form.action or "/login", "POST", data=values)


@pytest.fixture
def visitor(cloudfront):
    return Browser(cloudfront.edge_url)


@pytest.fixture
def person(cloudfront):
    """Somebody who has logged in at the public host."""
    browser = Browser(cloudfront.edge_url)
    answer = browser.log_in()
    assert answer.status_code == 302, answer.text[:500]
    return browser


@pytest.fixture
def page(editor):
    """The path of a published page."""
    text = {"data": "<p>first words</p>", "content-type": "text/html"}
    path = editor.create("", "Document", title=f"page {uuid.uuid4().hex}", text=text)
    editor.transition(path, "publish")
    editor.wait_until_sent()
    return path


def test_visitors_share_pages_and_see_changes(editor, visitor, page):
    eventually(lambda: visitor.x_cache(page) == "Hit")
    assert visitor.x_cache(page, cookies={"_ga": "GA1.2.3"}) == "Hit"
    assert visitor.x_cache(page, "HEAD") == "Hit"
    first = visitor.ask(page)
    assert "Cache-Tag" not in first.headers
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    etag = first.headers.get("ETag")
    if etag:
        known = visitor.ask(page, headers={"If-None-Match": etag})
        assert known.status_code == 304
    text = {"data": "<p>second words</p>", "content-type": "text/html"}
    editor.edit(page, text=text)
    eventually(lambda: "second words" in visitor.ask(page).text)
    eventually(lambda: visitor.x_cache(page) == "Hit")


def test_who_logs_in_sees_private_pages_and_nobody_else_does(
    editor, visitor, person, page
):
    words = f"secret {uuid.uuid4().hex}"
    private = editor.create("", "Document", title=words)
    for _ in range(2):
        got = person.ask(private)
        assert (got.status_code, got.headers["X-Cache"][:4]) == (200, "Miss")
        assert words in got.text
        other = visitor.ask(private)
        assert words not in other.text
        assert other.status_code in (302, 401)
    # Their toolbar is on public pages, too, and on nobody else's
    assert "plone-toolbar" in person.ask(page).text
    assert "plone-toolbar" not in visitor.ask(page).text
    eventually(lambda: visitor.x_cache(page) == "Hit")
    assert "plone-toolbar" in person.ask(page).text


def test_a_redirect_to_the_login_form_leads_back_to_the_public_host(editor, visitor):
    private = editor.create("", "Document", title=f"private {uuid.uuid4().hex}")
    got = visitor.ask(private)
    assert got.headers["Location"].startswith(f"https://{HOST}/")
    assert visitor.x_cache(private) in ("Miss", "Error")


def test_people_edit_in_forms_at_the_public_host(person, visitor, page):
    eventually(lambda: visitor.x_cache(page) == "Hit")
    form = person.ask(f"{page}/edit")
    assert form.headers["X-Cache"] == "Miss from cloudfront"
    assert form.status_code == 200, form.headers
    forms = fromstring(form.text).forms
    (edit,) = [each for each in forms if each.action.endswith("/@@edit")]
    values = {
        **{name: value or "" for name, value in edit.form_values()},
        "form.widgets.IDublinCore.title": "Changed at the edge",
        "form.buttons.save": "Save",
    }
    files = {name: (None, value) for name, value in values.items()}
    saved = person.ask(edit.action, "POST", files=files)
    assert saved.status_code == 302, saved.text[:500]
    eventually(lambda: "Changed at the edge" in visitor.ask(page).text)


def test_the_api_takes_a_token_and_changes_things(editor, visitor, page):
    login = {"login": USER, "password": PASSWORD}
    json = {"Accept": "application/json"}
    got = visitor.ask("/++api++/@login", "POST", json=login, headers=json)
    assert got.status_code == 200, got.text
    token = {**json, "Authorization": f"Bearer {got.json()['token']}"}
    visitor._session.cookies.clear()
    private = editor.create("", "Document", title=f"private {uuid.uuid4().hex}")
    for _ in range(2):
        assert visitor.ask(f"/++api++{private}", headers=token).status_code == 200
        assert visitor.ask(f"/++api++{private}", headers=json).status_code == 401
    changed = visitor.ask(
        f"/++api++{page}", "PATCH", json={"title": "By token"}, headers=token
    )
    assert changed.status_code == 204, changed.text
    eventually(lambda: "By token" in visitor.ask(page).text)


def test_resources_of_plone_are_shared_by_everybody(visitor, person):
    """Their URLs have a hash, so that they may be kept for long."""
    page = visitor.ask("/").text
    pattern = rf'(?:href|src)="https://{HOST}(/\+\+webresource\+\+[^"]+\.(?:css|js))"'
    urls = re.findall(pattern, page)
    assert urls
    for url in urls:
        assert visitor.ask(url).status_code == 200
        # The settings that the fixture changes purge every page, perhaps just now
        eventually(lambda: person.x_cache(url) == "Hit")  # noqa: B023


def test_query_strings_are_pages_of_their_own(visitor, page):
    for query in ("?a=1&b=2", "?b=2&a=1", "?utm_source=mail"):
        visitor.ask(page + query)
        eventually(lambda: visitor.x_cache(page + query) == "Hit")  # noqa: B023


def test_a_missing_page_appears_when_it_is_published(editor, visitor):
    name = f"new-{uuid.uuid4().hex}"
    assert visitor.ask(f"/{name}").status_code == 404
    assert visitor.x_cache(f"/{name}") == "Error"
    path = editor.create("", "Document", id=name, title=name)
    editor.transition(path, "publish")
    eventually(lambda: visitor.ask(path).status_code == 200)


def test_what_is_deleted_or_retracted_is_gone(editor, visitor, page):
    eventually(lambda: visitor.x_cache(page) == "Hit")
    editor.transition(page, "retract")
    eventually(lambda: "first words" not in visitor.ask(page).text)
    editor.delete(page)
    eventually(lambda: visitor.ask(page).status_code == 404)


def test_what_moves_is_redirected_to(editor, visitor, page):
    name = f"renamed-{uuid.uuid4().hex}"
    eventually(lambda: visitor.x_cache(page) == "Hit")
    editor.edit(page, id=name)
    eventually(lambda: visitor.ask(page).status_code in (301, 302))
    assert visitor.ask(page).headers["Location"] == f"https://{HOST}/{name}"


def test_a_part_of_a_file_comes_from_the_cache(editor, visitor):
    words = "0123456789" * 200
    upload = {
        "data": b64encode(words.encode()).decode(),
        "encoding": "base64",
        "filename": "words.txt",
        "content-type": "text/plain",
    }
    path = editor.create("", "File", title=f"file {uuid.uuid4().hex}", file=upload)
    url = f"{path}/@@download/file/words.txt"
    whole = visitor.ask(url, headers={"Accept-Encoding": "identity"})
    assert whole.text == words
    part = visitor.ask(
        url, headers={"Accept-Encoding": "identity", "Range": "bytes=5-14"}
    )
    assert (part.status_code, part.text) == (206, "5678901234")


def test_another_host_is_refused(visitor):
    assert (
        visitor.ask("/", headers={"Host": "elsewhere.example.com"}).status_code == 403
    )


def test_the_doctor_finds_nothing(zope, by_tags, monkeypatch):
    """As a newcomer who asks whether all is well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    # It asks by the name of this machine, and Plone's links must lead there
    with fronted(zope, tags=by_tags, host="127.0.0.1") as local:
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(
            main,
            [
                "doctor",
                "--json",
                f"--distribution={DISTRIBUTION}",
                f"--tag-header={'Cache-Tag' if by_tags else ''}",
                f"--site={local.edge_url}",
                f"--origin={zope.site_url}",
            ],
        )
    (found,) = json.loads(result.stdout)["distributions"]
    levels = ("info", "warning", "error")
    wrong = {each["code"]: each for each in found["items"] if each["level"] in levels}
    assert wrong == {}
    assert result.exit_code == 0
