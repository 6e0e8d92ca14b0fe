"""Fixtures with a Plone site, for the rooms that know Plone.

``portal`` is rolled back after each test and never commits; ``functional_portal``
may commit, and ``browser`` sees it as people do. The rooms that know no Zope
(``local``, ``planning``, ``outbox``, ``delivery``) use none of these, and nothing of
Plone is set up for them.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.process import this_process
from collective.cloudfront.testing import FIXTURE
from collective.cloudfront.testing import FUNCTIONAL_TESTING
from collective.cloudfront.testing import INTEGRATION_TESTING
from collective.cloudfront.testing import MULTILINGUAL_FIXTURE
from collective.cloudfront.testing import MULTILINGUAL_TESTING
from collective.cloudfront.testing import QuietProcess
from collective.cloudfront.testing import SERVER_TESTING
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.profile import LONG
from collective.cloudfront.tests.profile import repetitions
from hypothesis import HealthCheck
from hypothesis import settings
from plone.app.testing import setRoles
from plone.app.testing import SITE_OWNER_NAME
from plone.app.testing import SITE_OWNER_PASSWORD
from plone.app.testing import TEST_USER_ID
from plone.registry.interfaces import IRegistry
from plone.testing.zope import Browser
from tempfile import TemporaryDirectory
from typing import Any
from zope.component import getUtility
from zope.pytestlayer.fixture import create

import gc
import os
import pytest
import transaction


# Modules that assert as tests do, and that some tests import before others.
pytest.register_assert_rewrite(
    "collective.cloudfront.tests.outbox.contract",
    "collective.cloudfront.tests.outbox.machine",
)

# Property tests take the time they need. In CI they look at the same examples every
# time, so that a change is judged by what it changes; elsewhere they explore.
settings.register_profile(
    "unhurried",
    deadline=None,
    max_examples=repetitions(100),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Before workers start, do what only one of them may do."""
    # Plone makes a great many objects that stay: looking through them takes long
    gc.set_threshold(50_000, 10, 10)
    if not hasattr(config, "workerinput"):
        config.add_cleanup(share_compiled_templates())
    if getattr(config.option, "numprocesses", None):
        from collective.cloudfront.tests.parallel import compile_catalogues

        compile_catalogues()


def share_compiled_templates() -> Callable[[], None]:
    """Have workers, and the Zopes that tests start, compile each page template once for
    all of them; return what forgets them again.
    """
    folder = TemporaryDirectory(prefix="cloudfront-templates-")
    os.environ.setdefault("CHAMELEON_CACHE", folder.name)
    return folder.cleanup


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Decide which worker gets which test."""
    from collective.cloudfront.tests.parallel import Groups

    return Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark property tests; leave out what is only for ``make test-long``; let workers
    start with what takes longest.
    """
    if not LONG:
        left_out = {item for item in items if item.get_closest_marker("only_long")}
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("long")
    if hasattr(config, "workerinput"):
        from collective.cloudfront.tests.parallel import rank

        items.sort(key=lambda item: rank(item.nodeid))


def _layer(layer: Any, name: str) -> dict[str, Any]:
    return create(
        layer,
        session_fixture_name=f"{name}_session",
        class_fixture_name=f"{name}_class",
        function_fixture_name=name,
    )


globals().update(_layer(FIXTURE, "fixture"))
globals().update(_layer(INTEGRATION_TESTING, "integration"))
globals().update(_layer(FUNCTIONAL_TESTING, "functional"))
globals().update(_layer(SERVER_TESTING, "server"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have settings of their own in the environment."""
    for name in list(os.environ):
        if name.startswith("CLOUDFRONT_"):
            monkeypatch.delenv(name)


# The session fixtures keep a layer set up for all tests that use it.


@pytest.fixture
def portal(integration_session: Any, integration: Any) -> Any:
    """The site; the test user is a Manager. Nothing is ever committed."""
    setRoles(integration["portal"], TEST_USER_ID, ["Manager"])
    return integration["portal"]


@pytest.fixture
def http_request(integration_session: Any, integration: Any) -> Any:
    """The request that belongs to ``portal``."""
    return integration["request"]


@pytest.fixture
def functional_portal(functional_session: Any, functional: Any) -> Any:
    """The site, to commit changes in and look at with ``browser``.

    The test user is a Manager, and our distribution is configured.
    """
    site = functional["portal"]
    setRoles(site, TEST_USER_ID, ["Manager"])
    registry = getUtility(IRegistry)
    use_distributions()
    registry["collective.cloudfront.window"] = 0.0
    transaction.commit()
    this_process().start(site._p_jar.db())
    return site


@pytest.fixture(scope="module")
def multilingual(fixture_session: Any) -> Iterator[Any]:
    """The layer of sites in several languages, for the tests of one module: others are
    to run without its ZCML.
    """
    layers = (MULTILINGUAL_FIXTURE, MULTILINGUAL_TESTING)
    for layer in layers:
        layer.setUp()
    yield MULTILINGUAL_TESTING
    for layer in reversed(layers):
        layer.tearDown()


@pytest.fixture
def process(fixture_session: Any, fixture: Any) -> QuietProcess:
    """What the Zope process of this test has: outbox, intake, courier, gateway."""
    return this_process()


@pytest.fixture
def browser(functional: Any) -> Callable[..., Browser]:
    """Make browsers: ``browser()`` is logged in as the owner of the site,
    ``browser(None)`` not at all, ``browser(name, password)`` as somebody else.
    """

    def make(
        name: str | None = SITE_OWNER_NAME, password: str = SITE_OWNER_PASSWORD
    ) -> Browser:
        made = Browser(functional["app"])
        made.handleErrors = False
        if name:
            made.addHeader("Authorization", f"Basic {name}:{password}")
        return made

    return make
