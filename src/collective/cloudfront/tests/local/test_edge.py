"""The edge over HTTP: what viewers get, and what the origin is asked."""

from .helpers import DISTRIBUTION
from .helpers import Page
from .helpers import TAG_HEADER
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options

import pytest
import random
import requests
import socket
import threading
import time


@pytest.fixture
def invalidate(cloudfront, clock):
    """Invalidate items and let the effect come."""

    def invalidate(*items, distribution=DISTRIBUTION):
        reference = f"r{len(cloudfront.control.invalidations())}"
        cloudfront.control.create_invalidation(distribution, reference, items)
        clock.advance(0.2)

    return invalidate


def x_cache(response):
    """Return Hit, Miss, RefreshHit or Error."""
    word, rest = response.headers["X-Cache"].split(" ", 1)
    assert rest == "from cloudfront"
    return word


def test_the_first_answer_is_a_miss_and_the_second_a_hit(origin, viewer, clock):
    origin.cached("/a", "old", ETag='"1"')
    first = viewer("/a")
    assert (first.text, x_cache(first)) == ("old", "Miss")
    assert "Age" not in first.headers
    origin.cached("/a", "new")
    clock.advance(7)
    second = viewer("/a")
    assert (second.text, x_cache(second)) == ("old", "Hit")
    assert second.headers["Age"] == "7"
    assert second.headers["ETag"] == '"1"'
    assert len(origin.asked) == 1


def test_after_an_invalidation_the_viewer_sees_the_new_text(origin, viewer, invalidate):
    origin.cached("/a", "old")
    viewer("/a")
    origin.cached("/a", "new")
    invalidate("/a")
    response = viewer("/a")
    assert (response.text, x_cache(response)) == ("new", "Miss")
    assert x_cache(viewer("/a")) == "Hit"


def test_query_strings_are_pages_of_their_own(origin, viewer, invalidate):
    origin.cached("/a")
    origin.cached("/a?x=1")
    viewer("/a")
    viewer("/a?x=1")
    invalidate("/a")
    assert x_cache(viewer("/a?x=1")) == "Hit"
    assert x_cache(viewer("/a")) == "Miss"


def test_the_origin_gets_the_path_as_raw_as_the_viewer_sent_it(origin, cloudfront):
    for path in ("//a", "/%C3%BC%2f", "/a?", "/a?x=%20+y&&", "/a;b=c|d", "/?"):
        address = cloudfront.edge_url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), 5) as raw:
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            raw.sendall(request.encode())
            raw.makefile("rb").read()
        assert origin.asked[-1].requestline == f"GET {path} HTTP/1.1"


def test_the_origin_template_takes_the_viewers_host(origin):
    template = origin.url + "/VirtualHostBase/http/{host}/Plone/VirtualHostRoot"
    with LocalCloudFront(template) as cloudfront:
        headers = {"Host": "www.example.com:80"}
        requests.get(cloudfront.edge_url + "/a?b=c", headers=headers, timeout=60)
    assert origin.asked[-1].requestline.split()[1] == (
        "/VirtualHostBase/http/www.example.com:80/Plone/VirtualHostRoot/a?b=c"
    )


@pytest.mark.parametrize("host", ["", "a/b", "a b", "a@b"])
def test_a_host_that_is_none_never_reaches_the_origin(origin, viewer, host):
    assert viewer("/a", headers={"Host": host}).status_code == 400
    assert origin.asked == []


def test_the_origin_sees_that_cloudfront_asks(origin, viewer):
    viewer("/a", headers={"User-Agent": "Firefox", "Accept": "text/html"})
    headers = origin.asked[-1].headers
    assert headers["User-Agent"] == "Amazon CloudFront"
    assert headers["Via"] == "1.1 local (CloudFront)"
    assert headers["X-Amz-Cf-Id"]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["Host"] == origin.url.removeprefix("http://")
    assert headers["Accept"] == "text/html"


def test_what_is_personal_is_not_asked_for(origin, viewer):
    personal = {
        "Cookie": "__ac=secret",
        "Authorization": "Basic secret",
        "If-None-Match": '"1"',
        "Range": "bytes=0-1",
        "Accept-Encoding": "br",
    }
    origin.cached("/a", "text", Set_Cookie="a=b")
    response = viewer("/a", headers=personal)
    assert (response.status_code, response.text) == (200, "text")
    assert "Set-Cookie" not in response.headers
    asked = origin.asked[-1].headers
    assert {name for name in personal if name in asked} == {"Accept-Encoding"}
    assert asked["Accept-Encoding"] == "identity"
    assert x_cache(viewer("/a", headers=personal)) == "Hit"


def test_cookies_are_passed_on_and_nothing_cached_if_so_chosen(
    origin, viewer, cloudfront
):
    cloudfront.control.change_options(forward_cookies=True)
    origin.cached("/a", Set_Cookie="a=b")
    origin.cached("/b")
    for _ in range(2):
        response = viewer("/b", headers={"Cookie": "__ac=1"})
        assert x_cache(response) == "Miss"
        assert origin.asked[-1].headers["Cookie"] == "__ac=1"
    for _ in range(2):  # without a cookie, but it gets one
        response = viewer("/a")
        assert (x_cache(response), response.headers["Set-Cookie"]) == ("Miss", "a=b")
    viewer("/b")
    assert x_cache(viewer("/b")) == "Hit"


def test_other_methods_are_passed_through(origin, viewer):
    origin.cached("/a", Set_Cookie="a=b")
    for method in ("POST", "PUT"):
        headers = {"Cookie": "__ac=1", "Authorization": "Basic x"}
        response = viewer("/a", method, headers=headers, data=b"body")
        assert (response.text, x_cache(response)) == ("text", "Miss")
        assert response.headers["Set-Cookie"] == "a=b"
        asked = origin.asked[-1]
        assert (asked.command, asked.received) == (method, b"body")
        assert asked.headers["Cookie"] == "__ac=1"
        assert asked.headers["Authorization"] == "Basic x"
    assert x_cache(viewer("/a")) == "Miss"


def test_head_and_get_share_an_entry(origin, viewer):
    origin.cached("/a", "text")
    head = viewer("/a", "HEAD")
    assert (head.text, head.headers["Content-Length"]) == ("", "4")
    response = viewer("/a")
    assert (response.text, x_cache(response)) == ("text", "Hit")


def test_a_private_page_is_not_cached(origin, viewer):
    origin.cached("/a", Cache_Control="private, max-age=60")
    viewer("/a")
    assert x_cache(viewer("/a")) == "Miss"


def test_everything_is_cached_for_a_day_if_so_chosen(
    origin, viewer, cloudfront, clock, invalidate
):
    cloudfront.control.change_options(cache_everything=True)
    origin.cached("/a", Cache_Control="private, no-store")
    origin.pages["/moved"] = Page("", 302, {"Location": "/a"})
    for path, status in (("/a", 200), ("/moved", 302), ("/missing", 404)):
        assert viewer(path).status_code == status
        clock.advance(20_000)
        response = viewer(path)
        assert (response.status_code, x_cache(response)) == (status, "Hit")
    assert response.text == "nothing"
    invalidate("/moved", "/missing")
    assert x_cache(viewer("/moved")) == "Miss"
    assert x_cache(viewer("/missing")) == "Miss"


def test_an_error_is_cached_for_ten_seconds(origin, viewer, clock):
    assert viewer("/a").status_code == 404
    origin.cached("/a")
    assert viewer("/a").status_code == 404
    clock.advance(10)
    assert viewer("/a").status_code == 200


def test_an_expired_page_that_did_not_change_is_a_refresh_hit(origin, viewer, clock):
    origin.cached("/a", ETag='"1"', X_Old="yes")
    viewer("/a")
    clock.advance(61)
    origin.cached("/a", ETag='"1"')
    response = viewer("/a")
    assert (response.status_code, response.text) == (200, "text")
    assert x_cache(response) == "RefreshHit"
    assert response.headers["X-Old"] == "yes"
    assert origin.asked[-1].headers["If-None-Match"] == '"1"'
    clock.advance(30)
    response = viewer("/a")
    assert (x_cache(response), response.headers["Age"]) == ("Hit", "30")


def test_an_expired_page_that_changed_is_a_miss(origin, viewer, clock):
    origin.cached("/a", "old", ETag='"1"')
    viewer("/a")
    clock.advance(61)
    origin.cached("/a", "new", ETag='"2"')
    response = viewer("/a")
    assert (response.text, x_cache(response)) == ("new", "Miss")


def test_max_age_zero_asks_the_origin_each_time(origin, viewer):
    origin.cached("/a", ETag='"1"', Cache_Control="max-age=0")
    origin.cached("/b", Cache_Control="max-age=0")
    viewer("/a")
    viewer("/b")
    assert x_cache(viewer("/a")) == "RefreshHit"
    assert x_cache(viewer("/b")) == "Miss"


def test_an_invalidated_page_is_fetched_without_condition(origin, viewer, invalidate):
    origin.cached("/a", ETag='"1"')
    viewer("/a")
    invalidate("/a")
    assert x_cache(viewer("/a")) == "Miss"
    assert "If-None-Match" not in origin.asked[-1].headers


def test_a_viewer_who_has_the_page_gets_304(origin, viewer):
    origin.cached("/a", ETag='W/"1"')
    for expected in ("Miss", "Hit"):
        response = viewer("/a", headers={"If-None-Match": '"0", "1"'})
        assert (response.status_code, response.content) == (304, b"")
        assert x_cache(response) == expected
    assert viewer("/a", headers={"If-None-Match": '"2"'}).status_code == 200


def test_an_origin_out_of_reach_is_an_error_that_is_not_cached(origin):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with LocalCloudFront(f"http://127.0.0.1:{port}") as cloudfront:
        response = requests.get(cloudfront.edge_url + "/a", timeout=60)
        assert (response.status_code, x_cache(response)) == (502, "Error")
        cloudfront.edge.origin = origin.url
        origin.cached("/a")
        assert x_cache(requests.get(cloudfront.edge_url + "/a", timeout=60)) == "Miss"


def test_response_headers_over_twenty_kilobytes_are_an_error(origin, viewer):
    origin.cached("/a", X_Long="x" * 20_480)
    response = viewer("/a")
    assert (response.status_code, x_cache(response)) == (502, "Error")


@pytest.mark.parametrize(
    ("stores_late", "after"), [(False, ("new", "Miss")), (True, ("old", "Hit"))]
)
@pytest.mark.parametrize("item", ["/a", "/*", "#one"])
def test_a_fetch_under_way_when_an_invalidation_takes_effect_is_stored_if_so_asked(
    origin, viewer, cloudfront, invalidate, item, stores_late, after
):
    cloudfront.control.change_options(
        cache_tag_header=TAG_HEADER, stores_late=stores_late
    )
    asked, go_on = threading.Event(), threading.Event()

    def dawdle():
        asked.set()
        assert go_on.wait(120)

    page = origin.cached("/a", "old", Cache_Tag="one")
    page.before_answer = dawdle
    answers = []
    thread = threading.Thread(target=lambda: answers.append(viewer("/a")))
    thread.start()
    assert asked.wait(120)
    origin.cached("/a", "new", Cache_Tag="one")
    invalidate(item)
    go_on.set()
    thread.join()
    assert answers[0].text == "old"
    response = viewer("/a")
    assert (response.text, x_cache(response)) == after


def test_once_an_invalidation_took_effect_nobody_sees_the_old_text(origin):
    """With a clock that runs, a slow origin, and many viewers."""
    options = Options(
        quota_model="none", api_rate=None, effect_delay=0.002, stores_late=False
    )
    ended, old = threading.Event(), []

    def publish(number):
        page = origin.cached("/a", str(number))
        page.before_answer = lambda: time.sleep(random.random() / 100)

    def look(url):
        with requests.Session() as session:
            while not ended.is_set():
                session.get(url, timeout=60)

    publish(0)
    with LocalCloudFront(origin.url, options) as cloudfront:
        url = cloudfront.edge_url + "/a"
        crowd = [threading.Thread(target=look, args=(url,)) for _ in range(4)]
        for thread in crowd:
            thread.start()
        for number in range(1, 31):
            publish(number)
            cloudfront.control.create_invalidation(DISTRIBUTION, str(number), ["/a"])
            time.sleep(0.01)
            seen = requests.get(url, timeout=60).text
            if seen != str(number):
                old.append((number, seen))
        ended.set()
        for thread in crowd:
            thread.join()
    assert old == []


def test_tags_remove_every_variant(origin, viewer, cloudfront, invalidate):
    cloudfront.control.change_options(cache_tag_header=TAG_HEADER)
    for path in ("/a", "/a?x=1", "/b"):
        origin.cached(path, Cache_Tag="News, other" if "a" in path else "other")
        viewer(path)
    invalidate("#news")
    assert [x_cache(viewer(path)) for path in ("/a", "/a?x=1", "/b")] == [
        "Miss",
        "Miss",
        "Hit",
    ]


def test_tags_do_nothing_without_cache_tag_config(origin, viewer, invalidate):
    origin.cached("/a", Cache_Tag="news")
    viewer("/a")
    invalidate("#news")
    assert x_cache(viewer("/a")) == "Hit"


def test_only_fifty_tags_of_a_response_are_stored(
    origin, viewer, cloudfront, invalidate
):
    cloudfront.control.change_options(cache_tag_header=TAG_HEADER)
    origin.cached("/a", Cache_Tag=",".join(f"t{number}" for number in range(51)))
    viewer("/a")
    invalidate("#t50")
    assert x_cache(viewer("/a")) == "Hit"
    invalidate("#t49")
    assert x_cache(viewer("/a")) == "Miss"


def test_each_distribution_has_a_cache_of_its_own(origin, viewer, invalidate):
    other = {"Host": "eother.localhost:8090"}
    origin.cached("/a")
    viewer("/a")
    assert x_cache(viewer("/a", headers=other)) == "Miss"
    invalidate("/*", distribution="EOTHER")
    assert x_cache(viewer("/a")) == "Hit"
    assert x_cache(viewer("/a", headers=other)) == "Miss"


def test_a_distribution_may_have_an_origin_of_its_own(origin, viewer, cloudfront):
    origin.cached("/a", "the site's")
    origin.cached("/en/a", "the folder's")
    cloudfront.edge.origins["EOTHER"] = f"{origin.url}/en"
    try:
        assert viewer("/a").text == "the site's"
        other = viewer("/a", headers={"Host": "eother.localhost:8090"})
        assert other.text == "the folder's"
    finally:
        cloudfront.edge.origins.clear()


def test_otherwise_the_host_makes_no_difference(origin, viewer):
    origin.cached("/a")
    viewer("/a", headers={"Host": "www.example.com"})
    assert x_cache(viewer("/a", headers={"Host": "example.com"})) == "Hit"


def test_the_number_and_size_of_what_is_cached_is_bounded(origin, viewer, cloudfront):
    cloudfront.control.change_options(max_entries=2, max_entry_size=10)
    for path in ("/a", "/b", "/c"):
        origin.cached(path)
        viewer(path)
    origin.cached("/big", "x" * 11)
    assert viewer("/big").text == "x" * 11
    cached = cloudfront.edge.cache_of(DISTRIBUTION).describe()
    assert [row["url"] for row in cached] == ["/b", "/c"]


def test_many_viewers_at_once_get_whole_answers(origin, viewer):
    texts = {f"/{number}": str(number) * 5000 for number in range(20)}
    for path, text in texts.items():
        origin.cached(path, text)
    failures = []

    def look():
        for path, text in texts.items():
            if viewer(path).text != text:
                failures.append(path)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_edge_does_not_speak_the_administration(origin, viewer):
    origin.cached("/_local/state", "the origin's")
    assert viewer("/_local/state").text == "the origin's"


def test_an_origin_must_be_configured():
    with LocalCloudFront(options=Options()) as cloudfront:
        response = requests.get(cloudfront.edge_url + "/a", timeout=60)
    assert response.status_code == 502
    assert "no origin" in response.text
