"""Specification: Plone's own ways to purge proxies reach CloudFront as well, once."""

from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.alerts.receivers import serving
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from plone import api
from plone.app.testing import SITE_OWNER_NAME
from plone.base.utils import get_installer
from plone.cachepurging.interfaces import IPurger
from plone.cachepurging.purger import DEFAULT_PURGER
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest

import pytest
import time
import transaction


PROXIES = "plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"
ENABLED = "plone.cachepurging.interfaces.ICachePurgingSettings.enabled"
DOMAINS = "plone.cachepurging.interfaces.ICachePurgingSettings.domains"
TYPES = "plone.app.caching.interfaces.IPloneCacheSettings.purgedContentTypes"
TAB = "@@caching-controlpanel-purge"
VIEW = "@@plone.cachepurging.purge"


class Proxy(ThreadingHTTPServer):
    """A caching proxy: it hears what is purged."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Purge)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.purged = []


class _Purge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PURGE(self):
        self.server.purged.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def site(functional_portal, process):
    """A site with a page, and no proxy but CloudFront."""
    api.content.create(functional_portal, "News Item", "page", title="A page")
    registry = getUtility(IRegistry)
    registry[f"{PREFIX}.again_after"] = 0.0
    registry[PROXIES] = ()
    commit(process)
    return functional_portal


@pytest.fixture
def proxy(site, process):
    """A real proxy of the site."""
    with serving(Proxy()) as server:
        getUtility(IRegistry)[PROXIES] = (server.url,)
        commit(process)
        yield server


def commit(process):
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    forget(process)


def forget(process):
    process.outbox.tidy(0, -1.0)


@pytest.fixture
def tab(site, browser):
    """Enter URLs in the tab; returns what the page says."""

    def enter(*lines, synchronous=True):
        person = browser()
        person.open(f"{site.absolute_url()}/{TAB}")
        person.getControl(name="urls:lines").value = "\n".join(lines)
        person.getControl(name="synchronous:boolean").value = synchronous
        person.getControl(name="form.button.Purge").click()
        return person.contents

    return enter


@pytest.fixture
def script():
    """Code that runs without a request."""
    request = getRequest()
    clearRequest()
    yield
    setRequest(request)


def requests_of(process) -> list[PurgeRequest]:
    return process.outbox.requests(10)


# --- the tab --------------------------------------------------------------------------


@pytest.mark.parametrize("synchronous", [True, False])
def test_without_a_proxy_a_path_is_purged_from_cloudfront(tab, process, synchronous):
    said = tab("/page", "/folder/*", synchronous=synchronous)
    assert "cloudfront:/page" in said
    assert "WARNING" not in said
    (request,) = requests_of(process)
    assert request.user == SITE_OWNER_NAME
    assert request.reason == "Purge caching proxy"
    assert process.deliver() == ["/folder/*", "/page"]


def test_with_a_proxy_both_are_purged(tab, proxy, process):
    tab("/page")
    assert proxy.purged == ["/page"]
    assert process.deliver() == ["/page"]
    assert len(requests_of(process)) == 1


def test_the_url_of_an_object_purges_its_pages_as_visitors_see_them(
    tab, site, proxy, process
):
    tab(f"{site.absolute_url()}/page")
    # Plone knows no virtual host here, and the proxy is asked as Plone is
    assert "/plone/page" in proxy.purged
    items = process.deliver()
    assert "/page" in items
    assert not any(item.startswith("/plone") for item in items)


def test_a_url_of_the_site_for_which_there_is_no_object_is_no_proxys(
    tab, site, process
):
    getUtility(IRegistry)[DOMAINS] = ("https://www.example.com",)
    commit(process)
    said = tab("https://www.example.com/++theme++ours/logo.png")
    assert "WARNING" not in said
    assert process.deliver() == ["/++theme++ours/logo.png"]


def test_what_leads_elsewhere_is_plones(tab, site, process):
    with serving(Proxy()) as other:
        tab(f"{other.url}/page")
        assert other.purged == ["/page"]
    assert process.deliver() == []


def test_virtual_hosts_of_a_proxy_are_the_site(proxy, process, script):
    path = "/VirtualHostBase/http/www.example.com:80/plone/VirtualHostRoot/_vh_x/page"
    getUtility(IPurger).purgeSync(f"{proxy.url}{path}")
    transaction.commit()
    assert proxy.purged == [path]
    assert process.deliver() == ["/page"]


def test_with_volto_the_rest_api_is_purged_as_well(tab, process):
    getUtility(IRegistry)[f"{PREFIX}.api_paths"] = "on"
    commit(process)
    tab("/page")
    assert process.deliver() == ["/++api++/page", "/page"]


def test_a_site_that_purges_nothing_from_cloudfront_asks_the_proxies(
    tab, proxy, process
):
    use_distributions("")
    commit(process)
    tab("/page")
    assert proxy.purged == ["/page"]
    assert process.deliver() == []


# --- the view -------------------------------------------------------------------------


@pytest.fixture
def program(browser):
    """Something that sends a header, as no link does."""
    made = browser()
    made.addHeader("X-Requested-With", "deployment")
    return made


def test_the_view_purges_an_object(site, program, process):
    program.open(f"{site.absolute_url()}/page/{VIEW}")
    assert "CloudFront purges the same paths." in program.contents
    assert "/page" in process.deliver()


def test_a_link_purges_nothing_and_leads_to_a_form(site, browser, process):
    person = browser()
    person.open(f"{site.absolute_url()}/page/{VIEW}")
    assert "Nothing was purged from CloudFront." in person.contents
    assert f"{site.absolute_url()}/page/@@cloudfront-purge-content" in person.contents
    assert process.deliver() == []


def test_the_view_asks_the_proxies_too(site, proxy, program, process):
    program.open(f"{site.absolute_url()}/page/{VIEW}")
    assert "/plone/page" in proxy.purged
    assert "/page" in process.deliver()


def test_where_purging_is_off_the_view_says_so(site, browser, process):
    getUtility(IRegistry)[ENABLED] = False
    commit(process)
    person = browser()
    person.open(f"{site.absolute_url()}/page/{VIEW}")
    assert "not enabled" in person.contents
    assert process.deliver() == []


# --- events ---------------------------------------------------------------------------


def test_an_edit_is_purged_and_billed_once(site, proxy, browser, process):
    getUtility(IRegistry)[TYPES] = ("News Item",)
    commit(process)
    person = browser()
    person.open(f"{site.absolute_url()}/page/edit")
    person.getControl(name="form.widgets.IDublinCore.title").value = "Another"
    person.getControl("Save").click()
    # Plone's own queue works in a thread
    while "/plone/page" not in proxy.purged:
        time.sleep(0.01)
    assert process.deliver() == ["/page*"]
    assert len(process.gateway.batches) == 1
    assert requests_of(process) == []


def test_plones_queue_raises_an_event_and_is_purged_once(site, browser, process):
    person = browser()
    person.open(f"{site.absolute_url()}/page/@@plone.cachepurging.queue")
    assert process.deliver() == ["/page*"]


# --- the utility ----------------------------------------------------------------------


def test_an_aborted_transaction_purges_nothing(site, process, script):
    getUtility(IPurger).purgeSync("cloudfront:/page")
    transaction.abort()
    transaction.commit()
    assert process.deliver() == []
    getUtility(IPurger).purgeSync("cloudfront:/page")
    transaction.commit()
    assert process.deliver() == ["/page"]


def test_an_error_of_ours_keeps_no_proxy_from_purging(
    proxy, script, monkeypatch, caplog
):
    monkeypatch.setattr(
        "collective.cloudfront.manual.proxies.current_site", lambda: 1 / 0
    )
    assert getUtility(IPurger).purgeSync(f"{proxy.url}/page")[0] == 200
    assert proxy.purged == ["/page"]
    assert "ZeroDivisionError" in caplog.text


def test_sites_without_the_add_on_have_plones_purger(portal):
    assert getUtility(IPurger) is not DEFAULT_PURGER
    get_installer(portal).uninstall_product("collective.cloudfront")
    assert getUtility(IPurger) is DEFAULT_PURGER
