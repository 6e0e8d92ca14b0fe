"""Specification: what visitors see, asked for at the public host."""

from .cdn import serving
from .cdn import Site
from collective.cloudfront.doctor.asking import ask
from collective.cloudfront.doctor.asking import virtual_url
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.requests import Answer
from collective.cloudfront.doctor.site_messages import SITE_CHECKS
from collective.cloudfront.doctor.wanted import Use
from email.message import Message

import pytest
import socket


USE = Use(tag_header="Cache-Tag")


@pytest.fixture
def find():
    """Ask a site; return the findings by name."""

    def find(site, use=USE, logs_in=True, origin=""):
        with serving(site) as url:
            found = ask(url, use, logs_in, origin and url + origin)
        for each in found:
            assert "${" not in each.text + each.advice
        return {each.name: each for each in found}

    return find


def codes(found, *levels):
    wanted = levels or (Level.INFO, Level.WARNING, Level.ERROR)
    return {each.code for each in found.values() if each.level in wanted}


def test_a_right_site_has_no_findings(find):
    found = find(Site())
    expected = [name for name in SITE_CHECKS if not name.startswith("origin")]
    assert list(found) == expected
    assert codes(found) == set()
    # It is asked over HTTP
    assert codes(found, Level.UNKNOWN) == {"site_http_only"}
    assert "Age: 7 s" in found["site_cached"].text


def test_where_nobody_logs_in_sessions_need_not_be_apart(find):
    site = Site(cookies=(), authorization=False)
    assert codes(find(site, logs_in=False)) == set()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (Site(cookies=None), "site_trackers_split"),
        (Site(cookies=()), "site_session_shared"),
        (Site(authorization=False), "site_token_shared"),
        (Site(keeps=False), "site_not_kept"),
        (Site(compresses=False), "site_not_compressed"),
        (Site(missing=200), "site_missing_found"),
        (Site(of_missing={"Cache-Control": "max-age=300"}), "site_missing_long"),
        (Site(private=200), "site_private_open"),
        (Site(keeps_private=True), "site_private_kept"),
        (Site(is_cloudfront=False), "site_elsewhere"),
        (Site(status=502), "site_failed"),
        (Site(links='<base href="https://origin.internal/a" />'), "site_links_away"),
        (Site(keeps=False, headers={"Cache-Control": "private"}), "site_uncacheable"),
        (
            Site(headers={"Cache-Control": "s-maxage=60", "Cache-Tag": "a"}),
            "site_tags_sent",
        ),
        (
            Site(headers={"Cache-Control": "s-maxage=60", "Set-Cookie": "lang=en"}),
            "site_set_cookie_shared",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_each_mistake_is_named_and_nothing_else(find, wrong, code):
    assert codes(find(wrong)) == {code}


def test_a_query_string_that_does_not_count_is_noticed(find):
    site = Site(query_strings=False)
    site.stored.add(("/", None, ()))
    assert codes(find(site)) == {"site_query_ignored"}


def test_what_is_not_known_of_logins_is_a_note(find):
    found = find(Site(cookies=(), authorization=False), logs_in=None)
    assert codes(found, Level.INFO) == {"site_session_shared", "site_token_shared"}
    assert codes(found, Level.WARNING, Level.ERROR) == set()


def test_a_site_that_does_not_answer_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
    found = ask(f"http://127.0.0.1:{port}/", USE)
    assert found[0].code == "site_unreachable"
    assert {each.code for each in found[1:]} == {"site_not_asked"}


def test_a_site_is_asked_before_its_name_is_known():
    site = Site(links='<link rel="canonical" href="http://www.site.test/" />')
    with serving(site) as url:
        host = url.removeprefix("http://")
        found = ask("http://www.site.test/", USE, True, connect_to=host)
    named = {each.name: each for each in found}
    assert codes(named) == set()
    assert codes(named, Level.UNKNOWN) == {"site_http_only"}


def test_plone_is_asked_as_by_cloudfront(find):
    site = Site()
    found = find(site, origin="/Plone")
    assert codes(found) == set()
    assert list(found)[-3:] == ["origin", "origin_links", "origin_rulesets"]
    assert any("/VirtualHostBase/http/127.0.0.1:" in path for path in site.asked)
    assert "page: max-age=0, s-maxage=86400" in found["origin_rulesets"].text


def test_what_plone_does_not_let_be_kept_is_named(find):
    links = (
        '<link href="/++theme++x/a.css" rel="stylesheet" />'
        '<script src="https://cdn.example.org/x.js"></script>'
    )
    headers = {"Cache-Control": "no-cache", "X-Cache-Rule": "plone.content.itemView"}
    site = Site(links=links, headers=headers, keeps=False)
    found = find(site, origin="/Plone")
    text = found["origin_rulesets"].text
    assert "page (plone.content.itemView): no-cache; style (" in text
    assert "script" not in text
    assert found["origin_rulesets"].code == "origin_uncached"


def test_zope_is_asked_for_the_public_host():
    url = virtual_url("http://10.0.0.5:8080/sites/Plone/", "https://www.example.com/en")
    assert url == (
        "http://10.0.0.5:8080/VirtualHostBase/https/www.example.com:443/sites/Plone"
        "/VirtualHostRoot/"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("max-age=0, s-maxage=86400", 86_400),
        ("max-age=60", 60),
        ("private, max-age=60", 0),
        ("no-store", 0),
        ("s-maxage=0, max-age=60", 0),
        ("", 0),
    ],
)
def test_what_a_shared_cache_may_keep(value, seconds):
    headers = Message()
    headers["Cache-Control"] = value
    assert Answer(200, headers, b"").shared_age == seconds
