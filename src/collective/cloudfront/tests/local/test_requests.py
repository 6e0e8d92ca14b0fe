"""The table of requests: what viewers get of a distribution, and what Plone is asked."""

from .fake_plone import PUBLIC
from .fake_plone import Reply
from .helpers import Clock
from .helpers import DISTRIBUTION
from .site_template import config
from .site_template import key_of
from .site_template import ORIGIN_PATH
from .site_template import parsed
from .site_template import template
from .viewers import Ask
from .viewers import EDITOR
from .viewers import get
from .viewers import head
from .viewers import HOST
from .viewers import post
from .viewers import TOKEN
from .viewers import World
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.template import parse_template

import json
import pytest
import time


@pytest.fixture
def make_world(plone):
    """Make a world with a template, changed by a function."""

    def make(change=lambda _all: None, **parameters):
        return World(*plone, parsed(change, **parameters))

    return make


@pytest.fixture
def world(make_world):
    return make_world()


# Two requests: is the second answered from what the first one left?

SHARED = {
    "the same page": (get("/page"), get("/page")),
    "another order of headers": (
        get("/page", A="1", B="2"),
        get("/page", B="2", A="1"),
    ),
    "a tracker's cookie": (get("/page"), get("/page", Cookie="_ga=GA1.2.3; _gid=4")),
    "campaigns": (get("/page?utm_source=a&x=1"), get("/page?x=1&utm_medium=b")),
    "only campaigns": (get("/page"), get("/page?utm_source=mail")),
    "HEAD after GET": (get("/page"), head("/page")),
    "GET after HEAD": (head("/page"), get("/page")),
    "another language of the browser": (
        get("/page", Accept_Language="de"),
        get("/page", Accept_Language="en"),
    ),
    "another alias": (get("/page"), get("/page", Host="de.example.org")),
    "a browser that reloads": (get("/page"), get("/page", Cache_Control="no-cache")),
    "a cookie that is not that of Plone": (
        get("/page", Cookie="__AC=x; x__ac=y"),
        get("/page"),
    ),
    "other encodings that are none": (
        get("/page", Accept_Encoding="zstd"),
        get("/page", Accept_Encoding="deflate"),
    ),
    "encodings in another order": (
        get("/page", Accept_Encoding="gzip, deflate, br"),
        get("/page", Accept_Encoding="br;q=1.0, gzip;q=0.8, zstd"),
    ),
    "static resources and query strings": (
        get("/++plone++static/a.css"),
        get("/++plone++static/a.css?v=2"),
    ),
    "static resources for editors": (
        get("/++plone++static/a.css"),
        get("/++plone++static/a.css", **EDITOR),
    ),
    "a redirect": (get("/moved"), get("/moved")),
    "the API without a token": (get("/++api++/page"), get("/++api++/page")),
    "a preflight": (Ask("/++api++/page", "OPTIONS"), Ask("/++api++/page", "OPTIONS")),
}

SEPARATE = {
    "parameters in another order": (get("/page?a=1&b=2"), get("/page?b=2&a=1")),
    "parameters in another case": (get("/page?a=1"), get("/page?A=1")),
    "an unknown parameter": (get("/page"), get("/page?anything=1")),
    "a path in another case": (get("/page"), get("/Page")),
    "a slash at the end": (get("/page"), get("/page/")),
    "an editor": (get("/page"), get("/page", **EDITOR)),
    "anybody after an editor": (get("/page", **EDITOR), get("/page")),
    "the same editor": (get("/page", **EDITOR), get("/page", **EDITOR)),
    "a token": (get("/++api++/page"), get("/++api++/page", **TOKEN)),
    "the same token": (get("/++api++/page", **TOKEN), get("/++api++/page", **TOKEN)),
    "a wrong token": (
        get("/++api++/page"),
        get("/++api++/page", Authorization="Bearer"),
    ),
    "gzip": (get("/page"), get("/page", Accept_Encoding="gzip")),
    "a private page": (get("/private", **EDITOR), get("/private", **EDITOR)),
    "a search": (get("/search?q=a"), get("/search?q=a")),
    "the way to the login form": (get("/private"), get("/private")),
    "the login form": (get("/login"), get("/login")),
    "POST": (post("/page"), post("/page")),
    "GET and OPTIONS": (get("/++api++/page"), Ask("/++api++/page", "OPTIONS")),
}


@pytest.mark.parametrize("name", SHARED)
def test_one_answer_for_both(name, world):
    first, second = SHARED[name]
    left = world.ask(first)
    assert left.x_cache == "Miss"
    got = world.ask(second)
    assert (got.x_cache, len(world.plone.asked)) == ("Hit", 1)
    if "HEAD" not in (first.method, second.method):
        assert got.text == left.text


@pytest.mark.parametrize("name", SEPARATE)
def test_an_answer_for_each(name, world):
    first, second = SEPARATE[name]
    world.ask(first)
    got = world.ask(second)
    assert got.x_cache in ("Miss", "Error")
    assert len(world.plone.asked) == 2


# One request: what is Plone asked?

ASKED = {
    "no cookie of trackers": (get("/page", Cookie="_ga=1"), {"Cookie": None}),
    "the cookies that are in the key, sorted": (
        get("/page", Cookie="b=1; auth_token=2; _ga=3; __ac=4"),
        {"Cookie": "__ac=4; auth_token=2"},
    ),
    "a token that is in the key": (get("/page", **TOKEN), TOKEN),
    "no token of static resources": (
        get("/++plone++x/a.css", **TOKEN),
        {"Authorization": None},
    ),
    "a token with POST, whatever the policy": (
        post("/++api++/page", "{}", Content_Type="application/json", **TOKEN),
        {**TOKEN, "Content-Type": "application/json", "Content-Length": "2"},
    ),
    "no token with OPTIONS that is cached": (
        Ask("/++api++/page", "OPTIONS", TOKEN),
        {"Authorization": None},
    ),
    "the host of the origin": (get("/page"), {"Host": "plone.example.com"}),
    "the host of the viewer with AllViewer": (get("/login"), {"Host": HOST}),
    "everything with AllViewer": (
        get(
            "/login",
            Cookie="_ga=1",
            User_Agent="Firefox",
            Accept_Language="de",
            X_A="b",
        ),
        {
            "Cookie": "_ga=1",
            "User-Agent": "Firefox",
            "Accept-Language": "de",
            "X-A": "b",
        },
    ),
    "nothing that is not in a policy": (
        get("/page", Accept="text/html", Accept_Language="de", Referer="/x", X_A="b"),
        {"Accept": None, "Accept-Language": None, "Referer": None, "X-A": None},
    ),
    "what an origin request policy adds": (
        get("/++api++/page", Accept="application/json"),
        {"Accept": "application/json"},
    ),
    "who asks": (
        get("/page", User_Agent="Firefox", X_Forwarded_For="192.0.2.1"),
        {
            "User-Agent": "Amazon CloudFront",
            "Via": "1.1 local (CloudFront)",
            "X-Forwarded-For": "192.0.2.1, 127.0.0.1",
            "X-From-CloudFront": "s3cret",
        },
    ),
    "the secret of the template, not that of a viewer": (
        get("/login", X_From_CloudFront="forged"),
        {"X-From-CloudFront": "s3cret"},
    ),
    "no conditions for what may be cached": (
        get("/page", If_None_Match='"1"', Range="bytes=0-1"),
        {"If-None-Match": None, "Range": None},
    ),
    "conditions for what is not": (
        get("/login", If_None_Match='"1"', Range="bytes=0-1"),
        {"If-None-Match": '"1"', "Range": "bytes=0-1"},
    ),
    "encodings as CloudFront writes them": (
        get("/page", Accept_Encoding="gzip, deflate, br"),
        {"Accept-Encoding": "br,gzip"},
    ),
    "identity if a viewer has neither": (
        get("/page", Accept_Encoding="deflate"),
        {"Accept-Encoding": "identity"},
    ),
    "no encodings if there are none": (get("/page"), {"Accept-Encoding": None}),
    "nothing that a viewer says of itself in our name": (
        get("/login", CloudFront_Viewer_Country="DE", X_Forwarded_Proto="ftp"),
        {"CloudFront-Viewer-Country": None, "X-Forwarded-Proto": None},
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_plone_is_asked_with(name, world):
    wanted, headers = ASKED[name]
    world.ask(wanted)
    assert {header: world.last.headers[header] for header in headers} == headers


PATHS = {
    "/page?utm_source=a&b=1&fbclid=c": "/page?b=1",
    "/page?utm_source=a": "/page",
    "/page?": "/page",
    "/page?b_start:int=20&a=%20+": "/page?b_start:int=20&a=%20+",
    "/++plone++x/a.css?v=1": "/++plone++x/a.css",
    "/login?came_from=/a&utm_source=b": "/login?came_from=/a&utm_source=b",
    "/%C3%BC//x": "/%C3%BC//x",
}


@pytest.mark.parametrize("path", PATHS)
def test_plone_is_asked_for(path, world):
    world.ask(get(path))
    assert world.last.path == PATHS[path]


def test_a_form_reaches_plone_and_its_cookie_the_browser(world):
    form = post("/login", "name=a", Content_Type="application/x-www-form-urlencoded")
    got = world.ask(form)
    assert (got.status, got.headers["Set-Cookie"]) == (302, "__ac=secret")
    assert (world.last.method, world.last.body) == ("POST", b"name=a")


def test_cookies_are_removed_where_none_are_forwarded(world):
    reply = Reply(200, "x", {"Set-Cookie": "a=b", "Cache-Control": "max-age=9"})
    world.plone.replies["/++plone++x"] = reply
    assert world.ask(get("/++plone++x")).headers["Set-Cookie"] is None


def test_cookies_are_cached_where_some_are_forwarded_as_aws_does(world):
    reply = Reply(200, "x", {"Set-Cookie": "a=b", "Cache-Control": "max-age=9"})
    world.plone.replies["/page"] = reply
    world.ask(get("/page"))
    got = world.ask(get("/page"))
    assert (got.x_cache, got.headers["Set-Cookie"]) == ("Hit", "a=b")


def test_cookies_that_must_not_be_cached_are_not(world):
    rule = 'no-cache="Set-Cookie", max-age=9'
    world.plone.replies["/page"] = Reply(
        200, "x", {"Set-Cookie": "a=b", "Cache-Control": rule}
    )
    assert world.ask(get("/page")).headers["Set-Cookie"] == "a=b"
    got = world.ask(get("/page"))
    assert (got.x_cache, got.headers["Set-Cookie"]) == ("Hit", None)


def test_viewers_see_no_tags_and_the_headers_of_the_policy(world):
    for expected in ("Miss", "Hit"):
        got = world.ask(get("/page"))
        assert got.x_cache == expected
        assert (got.headers["Cache-Tag"], got.headers["Server"]) == (None, None)
        assert got.headers["X-Served-By"] == "edge"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert got.headers["Strict-Transport-Security"] == (
            "max-age=31536000; includeSubDomains"
        )


def test_what_the_origin_says_stays_unless_the_policy_overrides_it(world):
    headers = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "x"}
    world.plone.replies["/page"] = Reply(200, "x", headers)
    got = world.ask(get("/page"))
    assert got.headers["X-Frame-Options"] == "DENY"
    assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_tags_of_the_template_invalidate_what_carries_them(make_world):
    world = make_world()
    world.ask(get("/page"))
    world.invalidate("#page-1")
    assert world.ask(get("/page")).x_cache == "Miss"
    without = make_world(Tags="no")
    without.ask(get("/page"))
    without.invalidate("#page-1")
    assert without.ask(get("/page")).x_cache == "Hit"


def test_an_invalidation_reaches_every_variant_but_not_other_query_strings(world):
    asked = [get("/page"), get("/page", Accept_Encoding="gzip"), get("/page?x=1")]
    for each in asked:
        world.ask(each)
    world.invalidate("/page")
    assert [world.ask(each).x_cache for each in asked] == ["Miss", "Miss", "Hit"]
    world.invalidate("/page*")
    assert [world.ask(each).x_cache for each in asked] == ["Miss", "Miss", "Miss"]


def test_parameters_outside_the_key_need_no_invalidation_of_their_own(world):
    world.ask(get("/page?utm_source=a"))
    world.invalidate("/page")
    assert world.ask(get("/page?utm_source=a")).x_cache == "Miss"


def test_the_cache_shows_its_variants(world):
    world.ask(get("/page", Accept_Encoding="gzip"))
    (shown,) = world.cloudfront.edge.cache_of(DISTRIBUTION).describe()
    assert (shown["url"], shown["tags"]) == ("/page", ["page-1", "site"])
    assert shown["variant"] == {"header authorization": "", "accept-encoding": "gzip"}


# Conditions, ranges, compression


def test_who_has_the_page_gets_no_body(world):
    etag = world.ask(get("/page")).headers["ETag"]
    got = world.ask(get("/page", If_None_Match=etag))
    assert (got.status, got.text, got.x_cache) == (304, "", "Hit")
    assert world.ask(get("/page", If_None_Match='"other"')).status == 200
    packed = get("/page", Accept_Encoding="gzip")
    weak = world.ask(packed).headers["ETag"]
    assert weak == f"W/{etag}"
    packed.headers["If-None-Match"] = weak
    assert world.ask(packed).status == 304


def test_who_has_it_since_then_gets_no_body(world):
    date = "Mon, 30 Nov 2026 10:00:00 GMT"
    headers = {"Last-Modified": date, "Cache-Control": "max-age=9"}
    world.plone.replies["/page"] = Reply(200, "x", headers)
    world.ask(get("/page"))
    assert world.ask(get("/page", If_Modified_Since=date)).status == 304
    later, earlier = date.replace("2026", "2027"), date.replace("2026", "2025")
    assert world.ask(get("/page", If_Modified_Since=later)).status == 304
    assert world.ask(get("/page", If_Modified_Since=earlier)).status == 200


RANGES = {
    "bytes=0-3": (206, "body", "bytes 0-3/7"),
    "bytes=5-": (206, "{}", "bytes 5-6/7"),
    "bytes=-2": (206, "{}", "bytes 5-6/7"),
    "bytes=5-99": (206, "{}", "bytes 5-6/7"),
    "bytes=-99": (206, "body {}", "bytes 0-6/7"),
    "bytes=7-9": (416, "", "bytes */7"),
    "bytes=-0": (416, "", "bytes */7"),
    "bytes=3-2": (416, "", "bytes */7"),
    "lines=1-2": (200, "body {}", None),
    "bytes=0-1,3-4": (200, "body {}", None),
}


@pytest.mark.parametrize("wanted", RANGES)
def test_a_range_is_answered_from_the_whole(wanted, world):
    for expected in ("Miss", "Hit"):
        got = world.ask(get("/++plone++a.css", Range=wanted))
        assert (got.status, got.text, got.headers["Content-Range"]) == RANGES[wanted]
        assert got.x_cache == expected
    assert world.ask(get("/++plone++a.css")).text == "body {}"


def test_a_range_of_something_older_is_answered_with_all(world):
    etag = world.ask(get("/page")).headers["ETag"]
    same = world.ask(get("/page", Range="bytes=0-1", If_Range=etag))
    other = world.ask(get("/page", Range="bytes=0-1", If_Range='"other"'))
    assert (same.status, other.status) == (206, 200)


def test_pages_are_compressed_for_who_can_unpack_them(world):
    plain = world.ask(get("/page"))
    packed = world.ask(get("/page", Accept_Encoding="gzip"))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.text == plain.text
    assert len(packed.raw) < len(plain.raw)
    assert plain.headers["Content-Encoding"] is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "x" * 999, {"Content-Type": "text/html", "Cache-Control": PUBLIC}),
        Reply(200, "x" * 2000, {"Content-Type": "image/png", "Cache-Control": PUBLIC}),
        Reply(
            200,
            "x" * 2000,
            {
                "Content-Type": "text/html",
                "Content-Encoding": "br",
                "Cache-Control": PUBLIC,
            },
        ),
    ],
    ids=["small", "a picture", "compressed already"],
)
def test_what_cloudfront_does_not_compress(reply, world):
    world.plone.replies["/page"] = reply
    got = world.ask(get("/page", Accept_Encoding="gzip"))
    assert got.headers["Content-Encoding"] == reply.headers.get("Content-Encoding")


def test_nothing_is_compressed_unless_the_key_says_so(make_world):
    def change(resources):
        key_of(resources)["EnableAcceptEncodingGzip"] = False
        key_of(resources)["EnableAcceptEncodingBrotli"] = False

    world = make_world(change)
    got = world.ask(get("/page", Accept_Encoding="gzip"))
    assert got.headers["Content-Encoding"] is None
    assert world.last.headers["Accept-Encoding"] is None


# What is refused

REFUSED = {
    "a method that is not allowed": (post("/++plone++x"), 403),
    "a host that is no alias": (get("/page", Host="elsewhere.example.com"), 403),
    "a GET with a body": (Ask("/page", body="x"), 403),
    "a long URL": (get("/" + "x" * 8200), 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_edge_refuses(name, world):
    wanted, status = REFUSED[name]
    got = world.ask(wanted)
    assert (got.status, got.x_cache) == (status, "Error")
    assert world.plone.asked == []


def test_a_disabled_distribution_answers_nobody(make_world):
    world = make_world(lambda all: config(all).update(Enabled=False))
    assert world.ask(get("/page")).status == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1", "localhost", "edemo1234567.localhost:80"]
)
def test_the_own_name_of_the_distribution_is_the_loopback(host, world):
    assert world.ask(get("/page", Host=host)).status == 200


def test_who_comes_over_http_is_sent_to_https_or_refused(world):
    world.cloudfront.edge.viewer_protocol = "http"
    got = world.ask(get("/page?a=1"))
    assert (got.status, got.headers["Location"]) == (301, f"https://{HOST}/page?a=1")
    assert world.ask(post("/page")).status == 307
    assert world.ask(get("/++api++/page")).status == 403
    assert world.plone.asked == []


# For how long


def ages(world, path, *seconds):
    """Ask, let time pass, and ask again; return what each answer was."""
    results = [world.ask(get(path)).x_cache]
    for each in seconds:
        world.clock.advance(each)
        results.append(world.ask(get(path)).x_cache)
    return results


def lives(least, usual, most):
    def change(resources):
        resources["Pages"]["CachePolicyConfig"].update(
            MinTTL=least, DefaultTTL=usual, MaxTTL=most
        )

    return change


def expires(seconds):
    return time.strftime(
        "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(Clock().now + seconds)
    )


LIFETIMES = [
    # MinTTL, DefaultTTL, MaxTTL, what the origin says, seconds
    ((0, 0, 1000), {"Cache-Control": "max-age=50"}, 50),
    ((0, 0, 1000), {"Cache-Control": "max-age=1, s-maxage=70"}, 70),
    ((0, 0, 20), {"Cache-Control": "max-age=50"}, 20),
    ((0, 0, 20), {"Cache-Control": "s-maxage=50"}, 20),
    ((0, 0, 1000), {"Expires": expires(40)}, 40),
    ((0, 0, 20), {"Expires": expires(40)}, 20),
    ((0, 0, 1000), {"Cache-Control": "max-age=50", "Expires": expires(90)}, 50),
    ((0, 0, 1000), {"Expires": "0"}, 0),
    ((0, 0, 1000), {}, 0),
    ((0, 30, 1000), {}, 30),
    ((0, 30, 1000), {"Cache-Control": "public"}, 30),
    ((0, 30, 1000), {"Cache-Control": "no-store"}, 0),
    ((0, 30, 1000), {"Cache-Control": "no-cache, max-age=9"}, 0),
    ((0, 30, 1000), {"Cache-Control": "private, max-age=9"}, 0),
    ((60, 60, 1000), {"Cache-Control": "max-age=50"}, 60),
    ((60, 60, 1000), {"Cache-Control": "max-age=500"}, 500),
    ((60, 60, 1000), {"Cache-Control": "max-age=5000"}, 1000),
    ((60, 90, 1000), {}, 90),
    ((60, 60, 1000), {"Cache-Control": "no-store"}, 60),
    ((60, 60, 1000), {"Cache-Control": "private"}, 60),
    ((60, 60, 1000), {"Expires": "0"}, 60),
]


@pytest.mark.parametrize(("ttls", "headers", "seconds"), LIFETIMES)
def test_a_page_lives_as_long_as_the_policy_and_the_origin_say(
    ttls, headers, seconds, make_world
):
    world = make_world(lives(*ttls))
    world.plone.replies["/page"] = Reply(200, "x", headers)
    if seconds:
        assert ages(world, "/page", seconds - 1, 1) == ["Miss", "Hit", "Miss"]
    else:
        assert ages(world, "/page", 0) == ["Miss", "Miss"]


def test_a_minimum_ttl_shows_an_editors_page_to_the_same_cookie_only(make_world):
    world = make_world(lives(60, 60, 1000))
    assert "an editor" in world.ask(get("/page", **EDITOR)).text
    assert world.ask(get("/page", **EDITOR)).x_cache == "Hit"
    assert "anybody" in world.ask(get("/page")).text


def test_without_the_cookie_in_the_key_editors_get_the_page_of_anybody(make_world):
    """One of the commonest mistakes."""
    world = make_world(
        lambda all: key_of(all).update(CookiesConfig={"CookieBehavior": "none"})
    )
    assert "anybody" in world.ask(get("/page", **EDITOR)).text


def test_an_expired_page_is_asked_for_again_with_its_etag(world):
    world.ask(get("/page"))
    world.clock.advance(86_400)
    assert world.ask(get("/page")).x_cache == "RefreshHit"
    assert world.last.headers["If-None-Match"] == '"1-anybody"'
    assert world.ask(get("/page")).x_cache == "Hit"
    world.clock.advance(86_400)
    world.plone.version = 2
    got = world.ask(get("/page"))
    assert got.x_cache == "Miss"
    assert got.text.startswith("/page 2")


ERRORS = [
    # status, what the origin says, seconds; of 404, 500 and 503 the template says something
    (404, {}, 30),
    (404, {"Cache-Control": "max-age=50"}, 50),
    (404, {"Cache-Control": "max-age=10"}, 30),
    (404, {"Cache-Control": "no-store"}, 0),
    (500, {}, 5),
    (500, {"Cache-Control": "no-store"}, 5),
    (502, {}, 5),
    (503, {}, 0),
    (504, {}, 10),
    (403, {}, 0),
    (403, {"Cache-Control": "max-age=2"}, 10),
    (400, {}, 0),
    (401, {"Cache-Control": "max-age=50"}, 0),
]


@pytest.mark.parametrize(("status", "headers", "seconds"), ERRORS)
def test_an_error_lives_as_long_as_cloudfront_says(status, headers, seconds, world):
    world.plone.replies["/page"] = Reply(status, "error", headers)
    assert ages(world, "/page", max(0, seconds - 1)) == ["Error", "Error"]
    assert len(world.plone.asked) == (1 if seconds else 2)
    world.clock.advance(1)
    del world.plone.replies["/page"]
    assert world.ask(get("/page")).status == 200


def test_a_page_that_was_missing_is_seen_after_the_invalidation(world):
    assert world.ask(get("/new")).status == 404
    world.plone.replies["/new"] = Reply(200, "here", {"Cache-Control": PUBLIC})
    assert world.ask(get("/new")).status == 404
    world.invalidate("/new")
    assert world.ask(get("/new")).text == "here"


def test_while_the_origin_errs_the_last_page_is_shown(world):
    world.ask(get("/page"))
    world.clock.advance(86_400)
    world.plone.replies["/page"] = Reply(500, "error")
    for _ in range(2):
        got = world.ask(get("/page"))
        assert (got.status, got.x_cache) == (200, "Hit")
    # For 5 seconds it was not asked again
    assert len(world.plone.asked) == 2
    world.clock.advance(5)
    world.ask(get("/page"))
    assert len(world.plone.asked) == 3


def test_stale_if_error_says_for_how_long(world):
    rule = "max-age=10, stale-if-error=60"
    world.plone.replies["/page"] = Reply(200, "old", {"Cache-Control": rule})
    world.ask(get("/page"))
    world.plone.replies["/page"] = Reply(500, "error")
    world.clock.advance(69)
    assert world.ask(get("/page")).text == "old"
    world.clock.advance(6)
    assert world.ask(get("/page")).status == 500


def test_an_invalidated_page_is_gone_even_if_the_origin_errs(world):
    world.ask(get("/page"))
    world.plone.replies["/page"] = Reply(500, "error")
    world.invalidate("/page")
    assert world.ask(get("/page")).status == 500


def test_an_origin_that_is_away_is_502_or_what_was_there_before(make_world):
    world = make_world()
    world.ask(get("/page"))
    world.clock.advance(86_400)
    world.cloudfront.edge.origin = "http://127.0.0.1:1"
    assert world.ask(get("/page")).status == 200
    got = world.ask(get("/other"))
    assert (got.status, got.x_cache) == (502, "Error")


def test_stale_while_revalidate_answers_at_once_and_asks_behind(world):
    rule = "max-age=10, stale-while-revalidate=60"
    world.plone.replies["/page"] = Reply(200, "old", {"Cache-Control": rule})
    world.ask(get("/page"))
    world.plone.replies["/page"] = Reply(200, "new", {"Cache-Control": rule})
    world.clock.advance(20)
    got = world.ask(get("/page"))
    assert (got.text, got.x_cache) == ("old", "Hit")
    while world.ask(get("/page")).text != "new":
        time.sleep(0.01)
    assert len(world.plone.asked) == 2
    world.clock.advance(70)
    assert world.ask(get("/page")).x_cache == "Miss"


# CORS

CORS = {
    "AccessControlAllowOrigins": {"Items": ["https://app.example.com"]},
    "AccessControlAllowMethods": {"Items": ["GET", "POST"]},
    "AccessControlAllowHeaders": {"Items": ["Authorization"]},
    "AccessControlAllowCredentials": True,
    "AccessControlMaxAgeSec": 600,
    "OriginOverride": True,
}


def test_cors_headers_are_for_who_may_have_them(make_world):
    def change(resources):
        resources["ForViewers"]["ResponseHeadersPolicyConfig"]["CorsConfig"] = CORS

    world = make_world(change)
    mine = world.ask(get("/++api++/page", Origin="https://app.example.com"))
    assert mine.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert mine.headers["Access-Control-Allow-Methods"] is None
    for other in (get("/++api++/page", Origin="https://x.org"), get("/++api++/page")):
        assert world.ask(other).headers["Access-Control-Allow-Origin"] is None
    preflight = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
    }
    got = world.ask(Ask("/++api++/page", "OPTIONS", preflight))
    assert got.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert got.headers["Access-Control-Max-Age"] == "600"


# Several, and what the API says


def test_a_local_address_with_a_path_replaces_the_one_of_the_template(world):
    world.ask(get("/page"))
    assert world.last.root == ORIGIN_PATH
    world.cloudfront.edge.origin += "/elsewhere"
    world.ask(get("/other"))
    assert (world.last.root, world.last.path) == ("", "/elsewhere/other")


def test_an_origin_may_have_an_address_of_its_own(world):
    world.cloudfront.edge.origins_by_id = {"plone": world.cloudfront.edge.origin}
    world.cloudfront.edge.origin = "http://127.0.0.1:1"
    assert world.ask(get("/page")).status == 200


def test_the_api_says_what_the_template_says(world):
    behaviors = world.cloudfront.control.options.all_behaviors
    assert [each.path_pattern for each in behaviors] == [
        "",
        "/++plone++*",
        "/++api++/*",
        "*login",
    ]
    assert behaviors[0].cookie_names == ("__ac", "auth_token")
    assert behaviors[0].removed_headers == ("cache-tag", "server")
    assert behaviors[3].cache_policy == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    made = world.cloudfront.control.get_distribution(DISTRIBUTION)
    assert made.aliases == ("www.example.com", "*.example.org")
    assert made.cache_tag_header == "Cache-Tag"


def test_options_that_the_template_makes_void_are_refused():
    for name in ("cache_everything", "forward_cookies"):
        with pytest.raises(ValueError, match=name):
            LocalCloudFront(options=Options(**{name: True}), template=parsed())


def test_every_distribution_of_a_template_has_an_id():
    def change(resources):
        resources["Bucket"] = None

    document = json.loads(template(change))
    document["Resources"]["Second"] = document["Resources"]["Distribution"]
    both = parse_template(json.dumps(document), {})
    with pytest.raises(ValueError, match="as many ids as .*: Distribution, Second"):
        LocalCloudFront(options=Options(distributions=["EA"]), template=both)
    assert list(LocalCloudFront(template=both).edge.configs) == [
        DISTRIBUTION,
        "ESECOND",
    ]
