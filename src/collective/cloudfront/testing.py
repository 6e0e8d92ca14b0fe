"""Test layers: a Plone site with the add-on, and nothing that reaches AWS.

In every test the Zope process has a fresh outbox in a temporary folder, a gateway
that accepts everything, and no thread: ``this_process().deliver()`` delivers.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.changes.transaction import suspending
from collective.cloudfront.delivery.aws.port import Answer
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import Outcome
from collective.cloudfront.delivery.calls import InPlace
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.process import Process
from collective.cloudfront.process import replace_process
from collective.cloudfront.process import targets_of
from collective.cloudfront.settings import PURGING_ENABLED
from collective.cloudfront.settings import read_settings
from contextlib import contextmanager
from pathlib import Path
from plone.app.testing import applyProfile
from plone.app.testing import FunctionalTesting
from plone.app.testing import IntegrationTesting
from plone.app.testing import PLONE_FIXTURE
from plone.app.testing import PloneSandboxLayer
from plone.registry.interfaces import IRegistry
from plone.testing.zope import WSGI_SERVER_FIXTURE
from tempfile import mkdtemp
from tempfile import TemporaryDirectory
from typing import Any
from zope.component import getUtility
from zope.component import queryUtility
from zope.configuration import xmlconfig
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest
from zope.i18n import config

import time


#: An id such as AWS gives; nobody's, because the gateway here knows no AWS.
DISTRIBUTION = "E2TESTTESTTEST"


class AcceptingGateway:
    """A gateway to nowhere: remembers what it is asked, answers what it is told.

    ``answers`` are given first; when they are used up, everything is accepted. What was
    accepted is accepted again under its reference, as CloudFront does.
    """

    def __init__(self) -> None:
        self._accepted: dict[str, Answer] = {}
        self.batches: list[tuple[str, tuple[str, ...]]] = []
        self.answers: list[Answer] = []

    @property
    def items(self) -> list[str]:
        """All items asked for so far, sorted."""
        return sorted(item for _, items in self.batches for item in items)

    def warm_up(self, credentials: Sequence[Credentials]) -> None:
        """See ``Gateway``."""

    def create(
        self,
        distribution: str,
        credentials: Sequence[Credentials],
        reference: str,
        items: Sequence[str],
    ) -> Answer:
        """See ``Gateway``."""
        if reference in self._accepted:
            return self._accepted[reference]
        self.batches.append((distribution, tuple(items)))
        accepted = Answer(Outcome.ACCEPTED, f"I{len(self.batches)}", "InProgress")
        answer = self.answers.pop(0) if self.answers else accepted
        if answer.outcome is Outcome.ACCEPTED:
            self._accepted[reference] = answer
        return answer

    def look_up(
        self, distribution: str, credentials: Sequence[Credentials], invalidation: str
    ) -> Answer:
        """See ``Gateway``."""
        return Answer(Outcome.ACCEPTED, invalidation, "Completed")


class QuietProcess(Process):
    """A process without a thread: it delivers when ``deliver`` is called.

    Until it is started with a database, it knows the current site only, uncommitted
    settings included.
    """

    def __init__(self, folder: Path):
        super().__init__({"CLOUDFRONT_OUTBOX": f"sqlite:///{folder}/outbox.sqlite"})
        self.gateway = self.courier.gateway = AcceptingGateway()
        self.courier.calls = self.courier.follow_up.calls = InPlace()

    def wake(self) -> None:
        """Bring in what was handed over, and leave the courier alone."""
        self.intake.retry()

    def hurry(self) -> None:
        """Do the same."""
        self.intake.retry()

    def settings_changed(self, replaced: Iterable[tuple[str, str]] = ()) -> None:
        """See ``Process``; what the courier does next is done at once."""
        super().settings_changed(replaced)
        self.run_errands()

    def start(self, database: Any) -> None:
        """Know the sites, and leave the courier alone."""
        self.database = database

    def schedule_dates(
        self, rest: Callable[[float], None] = lambda seconds: None
    ) -> int:
        """Schedule the dates that are missing; return of how many objects. As in a thread
        of its own, without the test's request.
        """
        request = getRequest()
        clearRequest()
        try:
            return self.dates.look(self.database, rest)
        finally:
            if request is not None:
                setRequest(request)

    def targets(self) -> Mapping[str, Target]:
        """See ``Process``."""
        if self.database is not None:
            return super().targets()
        registry = queryUtility(IRegistry)
        settings = registry is not None and read_settings(registry)
        return targets_of([settings]) if settings else {}

    def deliver(self, timeout: float = 120.0) -> list[str]:
        """Work until nothing is left to send; return all items asked for so far."""
        deadline = time.monotonic() + timeout
        while any(work.ready or work.frozen for work in self.outbox.work()):
            if time.monotonic() > deadline:
                raise AssertionError(f"Not delivered: {self.outbox.work()}")
            time.sleep(min(self.courier.round(), 0.05))
        return self.gateway.items


@contextmanager
def _compiled_catalogues() -> Iterator[None]:
    """Let Zope compile message catalogues, as ``zope_i18n_compile_mo_files`` does."""
    before, config.COMPILE_MO_FILES = config.COMPILE_MO_FILES, True
    try:
        yield
    finally:
        config.COMPILE_MO_FILES = before


def use_distributions(text: str = DISTRIBUTION) -> None:
    """Enter distributions in the current site, and purge nothing because of that."""
    with suspending():
        getUtility(IRegistry)["collective.cloudfront.distribution_id"] = text


class CloudFrontFixture(PloneSandboxLayer):
    """A Plone site with the add-on installed and purging enabled."""

    defaultBases = (PLONE_FIXTURE,)

    def setUpZope(self, app: Any, configurationContext: Any) -> None:
        """Load our ZCML; from then on a commit may ask for the process."""
        import collective.cloudfront
        import plone.restapi

        self._folder = TemporaryDirectory(prefix="cloudfront-")
        self._replace_process()
        self.loadZCML(package=plone.restapi)
        with _compiled_catalogues():
            self.loadZCML(package=collective.cloudfront)

    def setUpPloneSite(self, portal: Any) -> None:
        """Install the add-on; only the distribution id is still missing."""
        applyProfile(portal, "collective.cloudfront:default")
        getUtility(IRegistry)[PURGING_ENABLED] = True

    def tearDownZope(self, app: Any) -> None:
        """Forget the process."""
        replace_process()
        self._folder.cleanup()

    def testSetUp(self) -> None:
        """Start with an empty outbox."""
        self._replace_process()

    def _replace_process(self) -> None:
        folder = mkdtemp(dir=self._folder.name)
        replace_process(lambda: QuietProcess(Path(folder)))


FIXTURE = CloudFrontFixture()


class MultilingualFixture(PloneSandboxLayer):
    """The same with plone.app.multilingual: English below ``/en``, German ``/de``."""

    defaultBases = (FIXTURE,)

    def setUpZope(self, app: Any, configurationContext: Any) -> None:
        """Load plone.app.multilingual, and what it says about UUIDs below assets."""
        import plone.app.multilingual

        self.loadZCML(package=plone.app.multilingual)
        xmlconfig.includeOverrides(
            configurationContext, "overrides.zcml", plone.app.multilingual
        )
        configurationContext.execute_actions()

    def setUpPloneSite(self, portal: Any) -> None:
        """Have the folders of both languages made."""
        getUtility(IRegistry)["plone.available_languages"] = ["en", "de"]
        applyProfile(portal, "plone.app.multilingual:default")


MULTILINGUAL_FIXTURE = MultilingualFixture()

INTEGRATION_TESTING = IntegrationTesting(
    bases=(FIXTURE,), name="CloudFront:IntegrationTesting"
)

FUNCTIONAL_TESTING = FunctionalTesting(
    bases=(FIXTURE,), name="CloudFront:FunctionalTesting"
)

#: With a real HTTP server, in another thread.
SERVER_TESTING = FunctionalTesting(
    bases=(FIXTURE, WSGI_SERVER_FIXTURE), name="CloudFront:ServerTesting"
)

MULTILINGUAL_TESTING = FunctionalTesting(
    bases=(MULTILINGUAL_FIXTURE,), name="CloudFront:MultilingualTesting"
)
