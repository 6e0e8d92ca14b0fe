"""Specification: from an installed add-on to purging by cache tag, without a person."""

from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.tests.http.conftest import new_zope
from collective.cloudfront.tests.http.conftest import ONCE
from collective.cloudfront.tests.http.conftest import options
from collective.cloudfront.tests.http.conftest import QUICK
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer

import json
import pytest


READS_TAGS = {"cache_tag_header": "Cache-Tag"}


@pytest.fixture(scope="module")
def zope(site_template, tmp_path_factory):
    """A Zope that is not started: CloudFront comes first."""
    zope = new_zope(tmp_path_factory.mktemp("auto"), site_template, {**QUICK, **ONCE})
    zope.api_port = free_port()
    zope.environ.update(
        {
            "AWS_ENDPOINT_URL_CLOUDFRONT": f"http://127.0.0.1:{zope.api_port}",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
    )
    yield zope
    zope.stop()


@pytest.fixture
def start(zope):
    """Start CloudFront and then Zope, with an outbox that knows nothing."""
    started = []

    def start(denied=(), **changes):
        local = LocalCloudFront(
            origin=virtual_host_root(zope.url),
            options=options(**changes),
            api_port=zope.api_port,
        )
        started.append(local)
        local.__enter__()
        for operation in denied:
            local.control.inject(
                "error", code="AccessDenied", times=None, operation=operation
            )
        for file in zope.outbox.parent.glob(f"{zope.outbox.name}*"):
            file.unlink()
        zope.start()
        zope.wait_until_ready()
        return local

    yield start
    zope.stop()
    for local in started:
        local.__exit__(None, None, None)


def ways(zope):
    return json.loads(Editor(zope.site_url).state())["purged_by"]


def check(zope):
    found = Editor(zope.site_url).checks()
    return next(each["text"] for each in found if each["name"] == "tags")


def items(cloudfront):
    return {item for each in cloudfront.control.invalidations() for item in each.items}


def test_a_distribution_that_reads_tags_is_purged_by_them_until_it_does_not(
    zope, start
):
    cloudfront = start(**READS_TAGS)
    eventually(lambda: ways(zope) == ["tags", "paths"])
    assert "Until" in check(zope)
    editor, viewer = Editor(zope.site_url), Viewer(cloudfront.edge_url)
    page = editor.create("", "Document", title="Old")
    editor.transition(page, "publish")
    editor.wait_until_sent()
    assert "Old" in viewer.get(page).text
    assert "Cache-Tag" in viewer.get(page).headers
    editor.edit(page, title="New")
    editor.wait_until_sent()
    assert any(each.startswith("#") for each in items(cloudfront))
    eventually(lambda: "New" in viewer.get(page).text)

    # Longer ago than anything at the edge
    editor.set(cache_tags_since="2020-01-01T00:00:00+00:00")
    assert ways(zope) == ["tags", "paths"]

    cloudfront.control.change_options(cache_tag_header="")
    # Whoever saves settings need not wait ten minutes.
    editor.set(history_days=100)
    eventually(lambda: ways(zope) == ["paths"])
    eventually(lambda: "cache tags are no longer read" in editor.state())
    assert "does not read cache tags" in check(zope)
    assert "no longer reads cache tags from cache-tag" in zope.log.read_text()


def test_a_distribution_that_does_not_read_tags_is_purged_by_path_until_it_does(
    zope, start
):
    cloudfront = start()
    eventually(lambda: "does not read cache tags" in check(zope))
    assert ways(zope) == ["paths"]
    editor = Editor(zope.site_url)
    editor.edit("", title="Another title")
    editor.wait_until_sent()
    assert not any(each.startswith("#") for each in items(cloudfront))
    cloudfront.control.change_options(**READS_TAGS)
    editor.set(history_days=101)
    eventually(lambda: ways(zope) == ["tags", "paths"])


def test_a_distribution_that_may_not_be_looked_at_is_purged_by_path(zope, start):
    start(denied=("GetDistribution", "GetDistributionConfig"), **READS_TAGS)
    eventually(lambda: "AccessDenied" in check(zope))
    assert ways(zope) == ["paths"]
