"""``@@cloudfront-metrics``: for whom, and what a Zope process counts.

``tests/metrics`` tests the figures themselves.
"""

from collective.cloudfront.changes import timed
from collective.cloudfront.changes import transaction as transaction_module
from collective.cloudfront.metrics import counts
from collective.cloudfront.monitoring import metrics
from collective.cloudfront.monitoring.addresses import is_from
from collective.cloudfront.monitoring.counting import count_if_wanted
from collective.cloudfront.tests.metrics.conftest import Figure
from plone import api

import logging
import pytest
import sys
import transaction


METRICS = "@@cloudfront-metrics"
TOKEN = {"Authorization": "Bearer s3cret"}


@pytest.fixture
def watched(process, monkeypatch):
    """A process whose figures somebody with a token may read."""
    monkeypatch.setenv("CLOUDFRONT_METRICS_TOKEN", "s3cret")
    monkeypatch.setattr(process, "environ", {"CLOUDFRONT_METRICS_TOKEN": "s3cret"})
    count_if_wanted(process)
    yield
    counts.switch_off()
    timed.switch_off()
    metrics._figures.cache_clear()


@pytest.fixture
def figures(machine, watched):
    def read():
        answer = machine(METRICS, **TOKEN)
        assert answer.status_int == 200
        return Figure(answer.body)

    return read


# --- for whom -------------------------------------------------------------------------


def test_it_is_off_unless_somebody_may_read_it(machine):
    assert machine(METRICS, **TOKEN).status_int == 404


def test_a_process_that_nobody_watches_counts_nothing(process, monkeypatch):
    monkeypatch.setattr(process, "environ", {})
    count_if_wanted(process)
    assert counts.current is None


def test_with_a_token_it_shows_the_figures(machine, watched):
    answer = machine(METRICS, **TOKEN)
    assert answer.content_type == "text/plain"
    assert "cloudfront_outbox_up 1.0" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cache-Tag" not in answer.headers


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer other"}])
def test_without_it_nobody_sees_them(machine, watched, sent):
    answer = machine(METRICS, **sent)
    assert (answer.status_int, answer.text) == (403, "Forbidden\n")


def test_no_role_sees_them_without_it(machine, watched):
    from collective.cloudfront.tests.monitoring.test_health import OWNER

    assert machine(METRICS, **OWNER).status_int == 403


def test_without_the_package_it_says_how_to_install_it(machine, monkeypatch):
    monkeypatch.setenv("CLOUDFRONT_METRICS_TOKEN", "s3cret")
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    answer = machine(METRICS, **TOKEN)
    assert answer.status_int == 501
    assert "Install collective.cloudfront[metrics]." in answer.text


def test_without_the_package_the_log_says_so_once(process, monkeypatch, caplog):
    monkeypatch.setattr(process, "environ", {"CLOUDFRONT_METRICS_TOKEN": "s3cret"})
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with caplog.at_level(logging.WARNING):
        count_if_wanted(process)
    assert "collective.cloudfront[metrics]" in caplog.text
    assert counts.current is None


# --- addresses ------------------------------------------------------------------------


class Request:
    """A request of a peer, as Zope sees it."""

    def __init__(self, address):
        self.address = address

    def getClientAddr(self):
        return self.address


@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("192.0.2.1, 10.0.0.0/8", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "10.1.2.3", False),
        ("10.0.0.7/8", "10.1.2.3", True),
        ("nonsense 10.0.0.0/8", "10.1.2.3", True),
        ("nonsense", "10.1.2.3", False),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "unix", False),
        ("", "10.1.2.3", False),
    ],
)
def test_networks_may_read_it(allowed, address, may):
    assert is_from(Request(address), "NAME", {"NAME": allowed}) is may


def test_what_is_no_network_is_logged(caplog):
    with caplog.at_level(logging.ERROR):
        is_from(Request("10.1.2.3"), "NAME", {"NAME": "10.0.0.0/99"})
    assert "10.0.0.0/99" in caplog.text


def ask_from(functional, site, address, **headers):
    from plone.testing.zope import Browser

    return Browser(functional["app"]).testapp.get(
        f"{site.absolute_url()}/{METRICS}",
        headers=headers,
        extra_environ={"REMOTE_ADDR": address},
        expect_errors=True,
    )


def test_it_is_the_peers_own_address_that_counts(
    functional, site, watched, monkeypatch
):
    monkeypatch.setenv("CLOUDFRONT_METRICS_FROM", "10.0.0.0/8")
    assert ask_from(functional, site, "10.1.2.3").status_int == 200
    forged = {"X-Forwarded-For": "10.1.2.3"}
    assert ask_from(functional, site, "192.0.2.9", **forged).status_int == 403


def test_a_trusted_proxy_says_for_whom_it_asks(functional, site, watched, monkeypatch):
    from ZPublisher import HTTPRequest

    monkeypatch.setenv("CLOUDFRONT_METRICS_FROM", "10.0.0.0/8")
    monkeypatch.setattr(HTTPRequest, "trusted_proxies", ["192.0.2.9"])
    named = {"X-Forwarded-For": "10.1.2.3"}
    assert ask_from(functional, site, "192.0.2.9", **named).status_int == 200
    other = {"X-Forwarded-For": "198.51.100.7"}
    assert ask_from(functional, site, "192.0.2.9", **other).status_int == 403


# --- a Zope that leaves the delivery to workers ---------------------------------------


def test_where_workers_deliver_saves_are_counted(tmp_path, monkeypatch):
    from collective.cloudfront.process import Process

    process = Process(
        {
            "CLOUDFRONT_OUTBOX": f"sqlite:///{tmp_path}/outbox.sqlite",
            "CLOUDFRONT_COURIER": "off",
            "CLOUDFRONT_METRICS_TOKEN": "s3cret",
        }
    )
    try:
        count_if_wanted(process)
        assert transaction_module.make_manager is timed.TimedManager
        assert counts.current.read_in_memory() == 0
    finally:
        counts.switch_off()
        timed.switch_off()


def test_a_bug_here_keeps_no_courier_from_working(process, monkeypatch, caplog):
    def fail():
        raise ZeroDivisionError()

    monkeypatch.setattr(process, "environ", {"CLOUDFRONT_METRICS_TOKEN": "s3cret"})
    monkeypatch.setattr(counts, "switch_on", fail)
    count_if_wanted(process)
    assert "There are no metrics." in caplog.text


# --- what is counted ------------------------------------------------------------------


def test_a_save_is_counted_with_the_time_that_the_add_on_took(figures, site, process):
    before = figures()("cloudfront_save_seconds_count")
    api.content.create(site, "Document", "page")
    transaction.commit()
    assert process.deliver()
    figure = figures()
    assert figure("cloudfront_save_seconds_count") == before + 1
    assert figure("cloudfront_save_seconds_sum") > 0
    assert figure("cloudfront_calls_total", outcome="accepted") >= 1


def test_what_purges_nothing_is_not_counted(figures, site):
    before = figures()("cloudfront_save_seconds_count")
    site._p_changed = True
    transaction.commit()
    api.content.create(site, "Document", "aborted")
    transaction.abort()
    assert figures()("cloudfront_save_seconds_count") == before


def test_counting_that_fails_fails_no_save(figures, site, process, monkeypatch):
    def fail(seconds):
        raise OSError("disk full")

    monkeypatch.setattr(counts.current.save_seconds, "observe", fail)
    api.content.create(site, "Document", "page")
    transaction.commit()
    assert process.deliver()


def test_the_size_of_the_tags_is_counted(figures, site, machine):
    assert machine("").headers["Cache-Tag"]
    figure = figures()
    assert figure("cloudfront_tag_header_bytes_count") >= 1
    assert figure("cloudfront_tag_header_bytes_sum") > 0


def test_what_is_private_because_of_tags_is_counted(figures, machine, monkeypatch):
    from collective.cloudfront.tagging import header

    monkeypatch.setattr(header, "tags_for", lambda *each: None)
    assert machine("").headers["Cache-Control"] == header.PRIVATE
    assert figures()("cloudfront_private_responses_total", reason="tags") == 1
