"""People who get alerts: an address, a webhook; and a clock."""

from collective.cloudfront.alerts.look import Look
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.process import this_process
from collective.cloudfront.tests.alerts.receivers import MailServer
from collective.cloudfront.tests.alerts.receivers import make_certificate
from collective.cloudfront.tests.alerts.receivers import serving
from collective.cloudfront.tests.alerts.receivers import Webhook
from collective.cloudfront.tests.api.conftest import client
from collective.cloudfront.tests.api.conftest import site
from plone import api
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest

import pytest
import time
import transaction


__all__ = ["client", "site"]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def webhook(certificate, monkeypatch):
    """A webhook that Python trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Webhook(certificate)) as server:
        yield server


@pytest.fixture
def mail_server():
    with serving(MailServer()) as server:
        yield server
        server.answers.set()


def store(**settings):
    """Store settings, and send what is purged because of them."""
    for name, value in settings.items():
        api.portal.set_registry_record(f"collective.cloudfront.{name}", value)
    transaction.commit()
    this_process().deliver()
    this_process().gateway.batches.clear()


@pytest.fixture
def alerted(site, mail_server, webhook):
    """A site with a mail server; alerts go to an address and to the webhook."""
    api.portal.set_registry_record("plone.smtp_host", "127.0.0.1")
    api.portal.set_registry_record("plone.smtp_port", mail_server.port)
    site.title = "Town of Æbelø"
    api.portal.set_registry_record("plone.email_from_address", "plone@example.com")
    api.portal.set_registry_record("plone.email_from_name", "Plone")
    store(
        alert_emails="ops@example.com web@example.com",
        alert_webhook=webhook.url,
        alert_url="https://edit.example.com",
    )
    return site


class Watcher:
    """Looks at the sites of a process, as its thread does, by a clock of its own."""

    def __init__(self, process, database, deadline=30.0):
        self.now = time.time()
        self.database = database
        self._look = Look(
            process.outbox,
            process.sites.known_below,
            lambda seconds: None,
            lambda: self.now,
            self._complain,
            InThreads(deadline),
        )

    def _complain(self):
        raise

    def look(self, after=30.0):
        """Look once. As in a thread of its own, without the test's request."""
        self.now += after
        request = getRequest()
        clearRequest()
        try:
            self._look(self.database)
        finally:
            setRequest(request)

    def look_for(self, seconds):
        """Look as often as the thread does in so many seconds."""
        end = self.now + seconds
        while self.now < end:
            self.look()


@pytest.fixture
def watcher(alerted, process):
    return Watcher(process, alerted._p_jar.db())
