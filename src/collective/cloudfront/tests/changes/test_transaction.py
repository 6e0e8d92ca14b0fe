"""Specification: what is collected follows its transaction."""

from collective.cloudfront.purge import purge_path
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from zope.lifecycleevent import modified

import pytest
import sqlite3
import transaction


@pytest.fixture
def site(functional_portal, process):
    process.deliver()
    process.gateway.batches.clear()
    return functional_portal


def test_a_commit_delivers_each_item_once(site, process):
    for _ in range(3):
        purge_path("/a")
    purge_path("/b")
    transaction.commit()
    assert process.deliver() == ["/a", "/b"]
    assert process.gateway.batches == [(DISTRIBUTION, ("/a", "/b"))]


def test_an_aborted_transaction_delivers_nothing(site, process):
    purge_path("/a")
    transaction.abort()
    transaction.commit()
    assert process.deliver() == []


def test_a_failed_commit_delivers_nothing_and_leaves_nothing_prepared(site, process):
    purge_path("/a")
    transaction.get().join(_Failing())
    with pytest.raises(OSError, match="on purpose"):
        transaction.commit()
    transaction.abort()
    assert process.outbox.status().prepared == 0
    assert process.deliver() == []


def test_items_are_durable_before_the_commit(site, process):
    seen = []
    purge_path("/a")
    transaction.get().join(
        _Looking(lambda: seen.append(process.outbox.status().prepared))
    )
    transaction.commit()
    assert seen == [1]
    assert process.outbox.status().prepared == 0


def test_no_commit_is_final_before_its_items_are_on_the_disk(
    site, process, monkeypatch
):
    steps = []
    prepare = process.intake.prepare

    def note_the_wait(token, entries):
        wait = prepare(token, entries)
        return lambda: (wait(), steps.append("on disk"))

    monkeypatch.setattr(process.intake, "prepare", note_the_wait)
    resource = _Resource()
    resource.tpc_vote = lambda current: steps.append("voted")
    resource.tpc_finish = lambda current: steps.append("final")
    transaction.get().join(resource)
    purge_path("/a")
    transaction.commit()
    assert steps == ["voted", "on disk", "final"]


def test_events_in_later_before_commit_hooks_are_delivered(site, process):
    purge_path("/a")
    transaction.get().addBeforeCommitHook(purge_path, ("/b",))
    transaction.commit()
    assert process.deliver() == ["/a", "/b"]


def test_a_further_event_after_a_change_of_the_object_adds_its_new_paths(site, process):
    folder = api.content.create(site, "Folder", id="folder")
    page = api.content.create(folder, "Document", id="page")
    transaction.commit()
    process.deliver()
    process.gateway.batches.clear()
    modified(page)
    folder.setDefaultPage("page")
    modified(page)
    transaction.commit()
    assert "/folder" in process.deliver()


def test_settings_changed_in_the_same_transaction_count(site, process):
    api.portal.set_registry_record("collective.cloudfront.public_prefix", "/new")
    purge_path("/a")
    transaction.commit()
    assert process.deliver() == ["/new/a"]


def test_a_broken_outbox_costs_no_save_and_loses_nothing(site, process):
    path = process.outbox.path
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        purge_path("/a")
        transaction.commit()
        assert process.intake.kept == 1
        assert "locked" in process.intake.trouble
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    process.courier.round()
    assert process.deliver() == ["/a"]
    assert process.intake.kept == 0


class _Resource:
    transaction_manager = transaction.manager

    def sortKey(self) -> str:
        return "~last"

    def _nothing(self, current) -> None:
        """The other phases do nothing."""

    abort = tpc_begin = commit = tpc_vote = tpc_finish = tpc_abort = _nothing


class _Failing(_Resource):
    def tpc_vote(self, current) -> None:
        raise OSError("on purpose")


class _Looking(_Resource):
    def __init__(self, look):
        self._look = look

    def tpc_vote(self, current) -> None:
        self._look()
