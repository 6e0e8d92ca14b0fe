"""Fixtures: a site made once, Zope processes, the local CloudFront, people."""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.http.once import made_once
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import Viewer
from pathlib import Path

import pytest


DISTRIBUTION = "E2TESTTESTTEST"
VIEWS = "collective.cloudfront.tests.http"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("http")


@pytest.fixture(scope="session")
def site_template(tmp_path_factory) -> Instance:
    """An instance with a site in it, never started; its database is copied."""
    return Instance(made_once(tmp_path_factory, "template", make_site))


def make_site(folder: Path) -> None:
    """Make an instance with a site in it."""
    instance = Instance(folder)
    instance.configure()
    instance.run("collective.cloudfront.demo.make_site", DISTRIBUTION)


def options(**changes) -> Options:
    """A CloudFront that caches everything and has a quick effect."""
    return Options(
        cache_everything=True,
        effect_delay=0.05,
        completion_delay=1.0,
        **{"distributions": (DISTRIBUTION,), "api_rate": 20.0, **changes},
    )


#: The environment of a Zope that delivers at once.
QUICK = {
    "CLOUDFRONT_WINDOW": "0.3",
    # Otherwise a purge of every page would arrive in the midst of a later test.
    "CLOUDFRONT_SITE_PURGE_INTERVAL": "0",
    # Otherwise the tests would wait for AWS's API rate more than for us.
    "CLOUDFRONT_CALL_RATE": "20",
}
#: The environment of a Zope that machines watch, and what they send.
WATCHED = dict.fromkeys(
    ("CLOUDFRONT_HEALTH_TOKEN", "CLOUDFRONT_METRICS_TOKEN"), "s3cret"
)
TOKEN = {"Authorization": "Bearer s3cret"}
#: What a visitor got just before an edit is not purged twice.
ONCE = {"CLOUDFRONT_AGAIN_AFTER": "0"}


def new_zope(
    home: Path, template: Instance, environ: dict[str, str], zcml: str = ""
) -> Instance:
    """Return a Zope in ``home``, not started, with a copy of the site in ``template``."""
    instance = Instance(home, environ=environ, zcml=zcml)
    instance.configure()
    instance.copy_database(template)
    return instance


@pytest.fixture(scope="module")
def zope(site_template, tmp_path_factory) -> Iterator[Instance]:
    """A running Zope; ``cloudfront`` is where its boto3 goes."""
    api_port = free_port()
    environ = {
        "AWS_ENDPOINT_URL_CLOUDFRONT": f"http://127.0.0.1:{api_port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        **QUICK,
        **WATCHED,
    }
    home = tmp_path_factory.mktemp("zope")
    instance = new_zope(home, site_template, environ, VIEWS)
    instance.api_port = api_port
    instance.start()
    instance.wait_until_ready()
    # Otherwise what a visitor got just before an edit is purged twice.
    Editor(instance.site_url).set(again_after=0.0)
    yield instance
    instance.stop()


@pytest.fixture
def cloudfront(zope) -> Iterator[LocalCloudFront]:
    """A fresh local CloudFront before ``zope``; viewers see the site as its root."""
    local = LocalCloudFront(
        origin=virtual_host_root(zope.url), options=options(), api_port=zope.api_port
    )
    with local:
        yield local


@pytest.fixture
def editor(zope) -> Editor:
    """An editor on the backend's own host, without virtual hosting."""
    return Editor(zope.site_url)


@pytest.fixture
def viewer(cloudfront) -> Viewer:
    """A visitor at the edge."""
    return Viewer(cloudfront.edge_url)
