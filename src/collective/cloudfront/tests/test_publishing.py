"""Specification: a Zope publishes its sites in the outbox, but never a key pair."""

from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.published import Place
from collective.cloudfront.delivery.published import published
from collective.cloudfront.process import Process
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from plone.uuid.interfaces import IUUID
from zope.globalrequest import clearRequest
from zope.globalrequest import getRequest
from zope.globalrequest import setRequest

import pytest
import time
import transaction


PREFIX = "collective.cloudfront"


@pytest.fixture
def own(tmp_path, functional_portal):
    """A process whose threads are not started."""

    def nothing(*_arguments):
        """Start no thread."""

    process = Process({"CLOUDFRONT_OUTBOX": f"sqlite:///{tmp_path}/outbox.sqlite"})
    process.thread.wake = process.dates.start = process.reading.start = nothing
    process.start(functional_portal._p_jar.db())
    yield process
    process.outbox.end()


def store(**values):
    for name, value in values.items():
        api.portal.set_registry_record(f"{PREFIX}.{name}", value)
    transaction.commit()


def run_errands(process):
    """Do what the courier does first in each round, as it does: without a request, for
    which plone.registry remembers values.
    """
    request = getRequest()
    clearRequest()
    try:
        process.run_errands()
    finally:
        setRequest(request)


def found(process):
    return published(process.outbox, time.time())


def test_a_site_is_published_when_zope_starts(own, functional_portal):
    assert found(own).sites == ()
    run_errands(own)
    (site,) = found(own).sites
    assert (site.key, site.path) == (IUUID(functional_portal), "/plone")
    assert site.places == (Place(DISTRIBUTION, tag_header="Cache-Tag"),)
    assert list(site.targets) == [DISTRIBUTION]
    assert site.with_keys == frozenset()
    assert (site.has_api, site.is_classic) == (False, True)


def test_changed_settings_are_published_at_once(own):
    run_errands(own)
    store(window=7.5, monthly_budget=12, aws_profile="purge")
    own.settings_changed()
    run_errands(own)
    (target,) = found(own).targets.values()
    assert (target.window, target.budget) == (7.5, 12)
    assert target.credentials[0].profile == "purge"


def test_a_site_that_does_not_purge_any_more_is_withdrawn(own):
    run_errands(own)
    store(enabled=False)
    own.settings_changed()
    run_errands(own)
    assert found(own).sites == ()


def test_hosts_of_visitors_are_published(own):
    api.portal.set_registry_record(
        "plone.cachepurging.interfaces.ICachePurgingSettings.domains",
        ("https://www.example.com:443", "http://example.com"),
    )
    store(window=1.0)
    run_errands(own)
    (site,) = found(own).sites
    assert site.hosts == ("example.com", "www.example.com")


def test_a_key_pair_stays_in_zope(own, tmp_path):
    store(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="s3cret/key")
    run_errands(own)
    assert found(own).only_with_keys == [DISTRIBUTION]
    files = b"".join(each.read_bytes() for each in tmp_path.glob("outbox.sqlite*"))
    assert DISTRIBUTION.encode() in files
    assert b"AKIAIOSFODNN7EXAMPLE" not in files
    assert b"s3cret/key" not in files


def test_others_see_the_process(own):
    run_errands(own)
    assert [each.kind for each in present(own.outbox, time.time())] == [Kind.ZOPE]
    own.stop()
    assert present(own.outbox, time.time()) == []


def test_an_outbox_that_fails_keeps_nobody_from_bringing_in(own, tmp_path):
    (tmp_path / "file").write_text("")
    broken = Process({"CLOUDFRONT_OUTBOX": f"sqlite:///{tmp_path}/file/outbox.sqlite"})
    broken.database = own.database
    broken.run_errands()
