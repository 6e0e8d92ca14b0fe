"""Specification: sites are found wherever they are, and are purged when they go."""

from Acquisition import aq_base
from collective.cloudfront import sites as module
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.process import Process
from collective.cloudfront.process import read_targets
from collective.cloudfront.process import targets_of
from collective.cloudfront.settings import settings_of
from collective.cloudfront.sites import sites_below
from collective.cloudfront.testing import DISTRIBUTION
from dataclasses import replace
from OFS.Folder import Folder
from plone import api
from Products.CMFCore.interfaces import ISiteRoot
from zope.component.hooks import setSite
from zope.interface import alsoProvides

import pytest
import transaction


def put(folder, name, obj=None):
    """Put ``obj``, or a folder, into ``folder`` without events."""
    obj = Folder(name) if obj is None else obj
    folder._setObject(name, obj, suppress_events=True)
    return folder[name]


@pytest.fixture
def deep_site(functional_portal):
    """A site in five folders, with the settings of the site that the tests have."""
    folder = functional_portal.aq_parent
    for name in ("w", "x", "y", "z", "deeper"):
        folder = put(folder, name)
    site = put(folder, "site")
    for tool in ("portal_registry", "portal_catalog"):
        site._setOb(tool, aq_base(functional_portal[tool]))
        site._objects += ({"id": tool, "meta_type": ""},)
    alsoProvides(site, ISiteRoot)
    transaction.commit()
    return site


def paths(sites):
    return {"/".join(each.getPhysicalPath()) for each in sites}


DEEP = "/w/x/y/z/deeper/site"


@pytest.fixture
def another(tmp_path):
    """Return a function that starts a process with an outbox that all of them share."""
    made = []

    def nothing(*_arguments):
        """Start no thread."""

    def make(database):
        url = f"sqlite:///{tmp_path}/shared.sqlite"
        process = Process({"CLOUDFRONT_OUTBOX": url})
        process.thread.wake = process.dates.start = process.reading.start = nothing
        process.start(database)
        made.append(process)
        return process

    yield make
    for each in made:
        each.outbox.close()


def test_a_site_is_found_at_any_depth(deep_site):
    assert DEEP in paths(sites_below(deep_site.getPhysicalRoot()))


def test_what_a_site_at_any_depth_purges_is_delivered(functional_portal, deep_site):
    app = deep_site.getPhysicalRoot()
    app._delOb(functional_portal.getId())
    app._objects = tuple(
        each for each in app._objects if each["id"] != functional_portal.getId()
    )
    transaction.commit()
    assert DISTRIBUTION in read_targets(app._p_jar.db())


def test_the_walk_is_bounded_in_number_and_shallow_sites_come_first(
    functional_portal, deep_site, monkeypatch
):
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 30)
    app = deep_site.getPhysicalRoot()
    for number in range(30):
        put(app["w"], f"f{number}")
    found = paths(sites_below(app))
    assert found == {"/".join(functional_portal.getPhysicalPath())}


def test_a_site_that_the_walk_does_not_reach_is_known_when_it_commits(
    functional_portal, deep_site, another, monkeypatch
):
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 0)
    database = deep_site._p_jar.db()
    process = another(database)
    assert not process.targets()
    process.learn_site(deep_site, settings_of(deep_site))
    process.settings_changed()
    assert DISTRIBUTION in process.targets()


def test_a_site_that_committed_once_is_known_after_a_restart(
    functional_portal, deep_site, another, monkeypatch
):
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 0)
    database = deep_site._p_jar.db()
    first = another(database)
    first.learn_site(deep_site, settings_of(deep_site))
    first.run_errands()
    second = another(database)
    assert DISTRIBUTION in second.targets()
    assert DEEP in paths(second.sites.below(deep_site.getPhysicalRoot()))


def test_a_remembered_site_that_is_no_more_is_passed_over(
    functional_portal, deep_site, another
):
    database = deep_site._p_jar.db()
    process = another(database)
    process.learn_site(deep_site, settings_of(deep_site))
    process.run_errands()
    app = deep_site.getPhysicalRoot()
    app["w"]["x"]._delObject("y", suppress_events=True)
    # Acquisition is no site
    put(app["w"]["x"], "y")
    assert DEEP not in paths(process.sites.below(app))


def test_to_learn_of_a_site_does_not_touch_the_outbox(
    functional_portal, deep_site, another, monkeypatch
):
    process = another(deep_site._p_jar.db())
    for name in ("run", "claim_run", "keep_run"):
        monkeypatch.setattr(process.outbox, name, None)
    process.learn_site(deep_site, settings_of(deep_site))


# --- the end of a site --------------------------------------------------------------------


@pytest.fixture(params=["paths", "tags"])
def doomed(functional_portal, request):
    """A site with a page, purged by paths or by tags, which is about to be deleted."""
    api.content.create(functional_portal, "Document", "page")
    if request.param == "tags":
        api.portal.set_registry_record("collective.cloudfront.cache_tags", "invalidate")
    transaction.commit()
    return functional_portal


@pytest.mark.parametrize("current", [False, True])
def test_a_site_that_is_deleted_is_purged_once_and_whole(doomed, process, current):
    process.deliver()
    process.gateway.batches.clear()
    process.start(doomed._p_jar.db())
    app = doomed.getPhysicalRoot()
    setSite(doomed if current else None)
    app.manage_delObjects([doomed.getId()])
    transaction.commit()
    process.settings_changed()
    items = process.deliver()
    assert items.count("/*") == 1
    assert {each for each, _items in process.gateway.batches} == {DISTRIBUTION}


def test_a_site_whose_deletion_is_aborted_is_not_purged(doomed, process):
    process.deliver()
    process.gateway.batches.clear()
    doomed.getPhysicalRoot().manage_delObjects([doomed.getId()])
    transaction.abort()
    assert process.deliver() == []


def test_a_site_that_goes_with_its_folder_is_purged(deep_site, process):
    setSite(None)
    deep_site.getPhysicalRoot().manage_delObjects(["w"])
    transaction.commit()
    assert "/*" in process.deliver()


def test_after_a_restart_what_a_deleted_site_left_is_still_delivered(
    functional_portal, deep_site, another
):
    app = deep_site.getPhysicalRoot()
    database = app._p_jar.db()
    first = another(database)
    settings = replace(settings_of(deep_site), aws_secret_access_key="never stored")
    target = targets_of([settings])[DISTRIBUTION]
    for name in ("w", functional_portal.getId()):
        app._delOb(name)
    app._objects = tuple(
        each
        for each in app._objects
        if each["id"] not in ("w", functional_portal.getId())
    )
    transaction.commit()
    first.site_ended(settings)
    assert first.targets()[DISTRIBUTION] == target
    first.run_errands()
    (kept,) = another(database).targets()[DISTRIBUTION].credentials
    assert kept == Credentials()
    assert "never stored" not in str(first.outbox.run("sites"))
