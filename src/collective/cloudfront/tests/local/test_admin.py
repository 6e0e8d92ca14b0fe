"""What the API port offers beyond CloudFront, in JSON."""

from .helpers import batch
from .helpers import DISTRIBUTION
from .helpers import refused

import pytest
import requests


@pytest.fixture
def admin(cloudfront):
    """Ask below /_local/; JSON is sent if there is any."""

    def ask(method, name, json=None, **kwargs):
        url = f"{cloudfront.api_url}/_local/{name}"
        return requests.request(method, url, json=json, timeout=60, **kwargs)

    return ask


@pytest.fixture
def create(client):
    def create(*items, reference="r"):
        return client.create_invalidation(
            DistributionId=DISTRIBUTION,
            InvalidationBatch=batch(*items, reference=reference),
        )["Invalidation"]

    return create


def test_it_shows_the_log(admin, create):
    made = create("/a", "/b")
    with refused("InvalidArgument", 400):
        create("bad", reference="r2")
    first, second = admin("GET", "log").json()["log"]
    assert first["operation"] == "CreateInvalidation"
    assert first["distribution"] == DISTRIBUTION
    assert first["caller_reference"] == "r"
    assert first["items"] == ["/a", "/b"]
    assert (first["outcome"], first["invalidation"]) == ("accepted", made["Id"])
    assert second["outcome"] == "InvalidArgument"
    since = admin("GET", f"log?since={first['number']}").json()["log"]
    assert since == [second]


def test_it_shows_the_invalidations(admin, create, clock):
    made = create("/a")
    clock.advance(5)
    (shown,) = admin("GET", "invalidations").json()["invalidations"]
    assert (shown["id"], shown["status"]) == (made["Id"], "Completed")
    assert shown["items"] == ["/a"]


def test_it_shows_the_cache(admin, origin, viewer):
    origin.cached("/a?x=1")
    viewer("/a?x=1")
    (entry,) = admin("GET", "cache").json()["cache"][DISTRIBUTION]
    assert (entry["url"], entry["status"], entry["fresh_for"]) == ("/a?x=1", 200, 60)


def test_it_shows_counters(admin, origin, viewer, create):
    origin.cached("/a")
    viewer("/a")
    viewer("/a")
    create("/a", "/b")
    state = admin("GET", "state").json()
    assert state["billed"] == 2
    assert state["edge"] == {"Miss": 1, "Hit": 1}


def test_options_can_be_changed_while_it_runs(admin, create):
    answer = admin("POST", "options", {"accepted_access_keys": ["AKIDOTHER"]})
    assert answer.json()["accepted_access_keys"] == ["AKIDOTHER"]
    with refused("InvalidClientTokenId", 403):
        create("/a")
    assert admin("GET", "options").json() == answer.json()
    admin("POST", "options", {"accepted_access_keys": None})
    create("/a")


def test_faults_can_be_injected_and_cleared(admin, create):
    answer = admin("POST", "inject", {"kind": "error", "code": "Throttling"})
    assert answer.json()["times"] == 1
    with refused("Throttling", 400):
        create("/a")
    admin("POST", "inject", {"kind": "garbage", "times": None})
    assert admin("DELETE", "inject").status_code == 200
    create("/a")


def test_a_reset_forgets_everything(admin, origin, viewer, create):
    origin.cached("/a")
    viewer("/a")
    create("/a")
    admin("POST", "options", {"distributions": ["EELSE"]})
    assert admin("POST", "reset", {}).status_code == 200
    assert admin("GET", "invalidations").json() == {"invalidations": []}
    assert admin("GET", "cache").json()["cache"][DISTRIBUTION] == []
    state = admin("GET", "state").json()
    assert (state["billed"], state["edge"]) == (0, {})


@pytest.mark.parametrize(
    ("name", "json", "said"),
    [
        ("options", {"colour": "red"}, "no option colour"),
        ("options", {"quota_model": "some"}, "quota_model is one of"),
        ("options", {"distributions": None}, "iterable"),
        ("options", {"aliases": "www.example.com"}, "aliases is a list"),
        ("options", {"query_strings": "some"}, "query_strings is one of"),
        ("options", {"behaviors": "/en/*"}, "is a list"),
        ("options", {"behaviors": [{"min_ttl": 1}]}, "have a path_pattern"),
        ("options", {"behaviors": [{"path_pattern": "/ä"}]}, "not a path pattern"),
        ("options", {"default_behavior": {"ttl": 1}}, "has no ttl"),
        ("options", {"default_behavior": {"methods": ["GET"]}}, "does not allow"),
        ("inject", {"kind": "fire"}, "kind of a fault"),
        ("inject", {"kind": "error", "colour": "red"}, "colour"),
        ("inject", ["error"], "JSON object"),
    ],
)
def test_what_makes_no_sense_is_refused(admin, name, json, said):
    answer = admin("POST", name, json)
    assert answer.status_code == 400
    assert said in answer.text


def test_web_pages_cannot_post_here(admin):
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = admin("POST", "reset", data="{}", headers={"Content-Type": kind})
        assert answer.status_code == 415


def test_what_is_not_there_is_said(admin):
    answer = admin("GET", "nothing")
    assert answer.status_code == 404
    assert "GET state" in answer.text
