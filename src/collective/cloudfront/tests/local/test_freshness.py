"""How long a response is kept, by its status and headers."""

from collective.cloudfront.local.freshness import lifetime
from collective.cloudfront.local.options import Options

import pytest


NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
IN_A_MINUTE = "Fri, 15 Jan 2027 08:01:00 GMT"


def seconds(status=200, control=None, expires=None, **options):
    headers = []
    if control is not None:
        headers.append(("cache-control", control))
    if expires is not None:
        headers.append(("Expires", expires))
    return lifetime(status, tuple(headers), Options(**options), NOW)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("max-age=60", 60),
        ("Max-Age=60, must-revalidate, public", 60),
        ("s-maxage=30, max-age=60", 30),
        ("max-age=60, s-maxage=0", 0),
        ("max-age=soon", 0),
        ("max-age=-1", 0),
        ("no-store", None),
        ("no-cache, max-age=60", None),
        ("private, max-age=60", None),
        ('no-cache="Set-Cookie", max-age=60', None),
        ("public", None),
        ("", None),
    ],
)
def test_cache_control_is_obeyed(control, expected):
    assert seconds(control=control) == expected


def test_expires_counts_only_without_max_age():
    assert seconds(expires=IN_A_MINUTE) == 60
    assert seconds(control="max-age=5", expires=IN_A_MINUTE) == 5
    assert seconds(control="private", expires=IN_A_MINUTE) is None


@pytest.mark.parametrize("expires", ["0", "-1", "Sat, 10 Jan 1970 00:00:00 GMT"])
def test_expires_in_the_past_means_to_ask_the_origin_each_time(expires):
    assert seconds(expires=expires) == 0


def test_what_says_nothing_is_cached_for_the_default_ttl():
    assert seconds() is None
    assert seconds(default_ttl=86400) == 86400
    assert seconds(default_ttl=86400, control="private") is None


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_errors_are_cached_for_ten_seconds(status):
    assert seconds(status) == 10
    assert seconds(status, control="max-age=0") == 10
    assert seconds(status, control="max-age=60") == 60
    assert seconds(status, control="no-store") is None
    assert seconds(status, error_ttl=0, control="private") is None


@pytest.mark.parametrize("control", [None, "private", "no-store", "max-age=0"])
@pytest.mark.parametrize("status", [200, 301, 302, 404])
def test_everything_is_cached_for_a_day_if_so_chosen(status, control):
    assert seconds(status, control, cache_everything=True) == 86400


@pytest.mark.parametrize("status", [206, 500, 502, 503])
def test_failures_of_the_origin_and_parts_are_never_cached(status):
    assert seconds(status, control="max-age=60", cache_everything=True) is None
