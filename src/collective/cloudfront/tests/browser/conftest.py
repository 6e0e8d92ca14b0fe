"""Fixtures: one Zope with two sites, the local CloudFront, and people at Chromium.

Whatever a page writes to the browser's console, and every request of it that fails, is
collected; a test that does not expect it fails.
"""

from axe_playwright_python.sync_playwright import Axe
from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.demo.instance import free_port
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.tests.browser.camera import Camera
from collective.cloudfront.tests.browser.complaints import Complaints
from collective.cloudfront.tests.browser.make_sites import PLAIN
from collective.cloudfront.tests.browser.sts import local_sts
from collective.cloudfront.tests.http.people import Editor
from collective.cloudfront.tests.http.people import eventually
from collective.cloudfront.tests.http.people import Viewer
from pathlib import Path
from playwright.sync_api import Browser
from playwright.sync_api import BrowserContext
from playwright.sync_api import expect
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright

import os
import pytest
import shutil


DISTRIBUTION = "E2QWRUHAPOMQZL"
#: Of the site where the add-on is not installed at first.
PLAIN_DISTRIBUTION = "E1PLAINPLAINP"
#: Names under which Chromium is installed; the variable CHROMIUM names another one.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

OPTIONS = {
    "accepted_access_keys": None,
    "aliases": ("www.example.com",),
    "api_rate": 20.0,
    "cache_everything": True,
    "completion_delay": 1.0,
    "distributions": (DISTRIBUTION, PLAIN_DISTRIBUTION),
    "effect_delay": 0.05,
}

#: Milliseconds. The first page of a Zope process that has just started takes some
#: seconds on a quiet machine.
PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark what is in this folder. Leave out what needs Volto, unless it is asked for."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("http")
            item.add_marker("browser")
    if "volto" not in config.option.markexpr:
        of_volto = [item for item in items if item.get_closest_marker("volto")]
        items[:] = [item for item in items if item not in of_volto]
        config.hook.pytest_deselected(items=of_volto)


@pytest.fixture(scope="package")
def sts() -> Iterator[str]:
    """Where Amazon STS is: not at Amazon."""
    with local_sts() as url:
        yield url


@pytest.fixture(scope="package")
def zope(sts, tmp_path_factory) -> Iterator[Instance]:
    """A running Zope with two sites; ``api_port`` is where its boto3 goes."""
    api_port = free_port()
    instance = Instance(
        tmp_path_factory.mktemp("browser"),
        environ={
            "AWS_ENDPOINT_URL_CLOUDFRONT": f"http://127.0.0.1:{api_port}",
            "AWS_ENDPOINT_URL_STS": sts,
            "AWS_ACCESS_KEY_ID": "AKIALOCALLOCALLOCAL0",
            "AWS_SECRET_ACCESS_KEY": "local",
            # Otherwise the tests would wait for AWS's API rate more than for us.
            "CLOUDFRONT_CALL_RATE": "20",
            # Otherwise what is urgent is purged again in the midst of a later test.
            "CLOUDFRONT_AGAIN_AFTER": "0",
        },
    )
    instance.api_port = api_port
    instance.configure()
    instance.run("collective.cloudfront.tests.browser.make_sites", DISTRIBUTION)
    instance.start()
    instance.wait_until_ready()
    yield instance
    instance.stop()


@pytest.fixture(scope="package")
def local_cloudfront(zope) -> Iterator[LocalCloudFront]:
    """The local CloudFront before ``zope``; viewers see the site as its root."""
    local = LocalCloudFront(
        origin=virtual_host_root(zope.url),
        options=Options(**OPTIONS),
        api_port=zope.api_port,
    )
    with local:
        yield local


@pytest.fixture
def cloudfront(local_cloudfront, editor) -> Iterator[LocalCloudFront]:
    """The local CloudFront, after the test as it was before.

    What an earlier test has changed is purged: otherwise, it may be purged in the midst
    of this one.
    """
    eventually(lambda: editor.is_paused() or editor.has_sent_everything())
    yield local_cloudfront
    local_cloudfront.control.clear_faults()
    local_cloudfront.control.change_options(**OPTIONS)


@pytest.fixture
def editor(zope) -> Editor:
    """An editor who works by the REST API."""
    return Editor(zope.site_url)


@pytest.fixture
def viewer(cloudfront) -> Viewer:
    """A visitor at the edge."""
    return Viewer(cloudfront.edge_url)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    named = os.environ.get("CHROMIUM", "")
    path = named or next(filter(None, map(shutil.which, CHROMIUM)), "")
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        if not path and not Path(own).exists():
            pytest.fail(
                "These tests need Chromium, and there is none on the PATH. On Debian: "
                "apt-get install chromium. Elsewhere: playwright install chromium, or "
                "name one: CHROMIUM=/path/to/chrome. To leave them out: "
                "pytest -m 'not browser'.",
                pytrace=False,
            )
        browser = playwright.chromium.launch(
            executable_path=path or own,
            # In containers people are root, and /dev/shm is small.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the browser complains of; nothing, where a test does not expect it."""
    collected = Complaints()
    yield collected
    assert not collected.unexpected, "\n".join(collected.unexpected)


@pytest.fixture(scope="package")
def _sessions() -> dict[tuple[str, str], dict]:
    """Cookies of people who have logged in."""
    return {}


@pytest.fixture
def person(
    chromium, zope, complaints, _sessions
) -> Iterator[Callable[..., BrowserContext]]:
    """Somebody who is logged in; a function that returns an empty page of theirs.

    Paths are relative to the site, as in ``person().goto("about")``.
    """
    contexts: list[BrowserContext] = []

    def make(
        user: str = USER,
        site: str = SITE_ID,
        javascript: bool = True,
        width: int = 1280,
    ) -> Page:
        # At 127.0.0.1 Plone shows pages without their theme, on purpose.
        url = f"{zope.url.replace('127.0.0.1', 'localhost')}/{site}/"
        if (user, site) not in _sessions:
            _sessions[user, site] = log_in(chromium, url, user)
        context = chromium.new_context(
            base_url=url,
            java_script_enabled=javascript,
            locale="en-GB",
            storage_state=_sessions[user, site],
            viewport={"width": width, "height": 900},
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        complaints.listen(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def log_in(chromium: Browser, url: str, user: str) -> dict:
    """Log in through Plone's form; return the cookies."""
    with chromium.new_context() as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{url}login")
        page.get_by_label("Login Name").fill(user)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#personaltools-menulink")).to_contain_text(user)
        return context.storage_state()


@pytest.fixture
def page(person) -> Page:
    """A page of an administrator's."""
    return person()


@pytest.fixture
def plain_site(person) -> Page:
    """A page of an administrator's of the site without the add-on."""
    return person(site=PLAIN)


@pytest.fixture(scope="session")
def axe() -> Axe:
    """What finds violations of accessibility rules."""
    return Axe()


@pytest.fixture
def look(axe) -> Camera:
    """Looks at a page: accessible, and not too wide; takes a picture if wanted."""
    return Camera(axe, os.environ.get("SCREENSHOTS", ""))
