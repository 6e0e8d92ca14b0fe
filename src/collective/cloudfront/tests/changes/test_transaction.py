"""Specification: what is collected follows its transaction."""

from collective.cloudfront.purge import purge_path
from collective.cloudfront.testing import DISTRIBUTION
from plone import api
from ZODB.POSException import ConflictError
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
    # With all that the edge holds at the new place
    assert process.deliver() == ["/new*"]


def test_a_broken_outbox_costs_no_save_and_loses_nothing(site, process):
    path = process.outbox.path
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        purge_path("/a")
        transaction.commit()
        assert process.intake.kept == 1
        assert "locked" in str(process.intake.trouble)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    process.courier.round()
    assert process.deliver() == ["/a"]
    assert process.intake.kept == 0


# --- savepoints ---------------------------------------------------------------------


@pytest.mark.parametrize("optimistic", [True, False])
@pytest.mark.parametrize("rolled_back", [True, False])
def test_a_later_hook_may_take_a_savepoint(site, process, optimistic, rolled_back):
    def hook():
        savepoint = transaction.savepoint(optimistic=optimistic)
        if rolled_back:
            savepoint.rollback()

    purge_path("/a")
    transaction.get().addBeforeCommitHook(hook)
    transaction.commit()
    assert process.deliver() == ["/a"]


def test_a_hook_may_roll_back_to_a_savepoint_from_before_we_joined(site, process):
    taken = []
    current = transaction.get()
    current.addBeforeCommitHook(lambda: taken.append(transaction.savepoint(True)))
    purge_path("/a")
    current.addBeforeCommitHook(lambda: taken[0].rollback())
    transaction.commit()
    assert process.deliver() == ["/a"]
    assert _prepared(process) == 0


def test_what_is_collected_stays_collected_when_a_savepoint_is_rolled_back(
    site, process
):
    savepoint = transaction.savepoint(optimistic=True)
    purge_path("/a")
    savepoint.rollback()
    transaction.commit()
    assert process.deliver() == ["/a"]


# --- commits that fail --------------------------------------------------------------


def _prepared(process) -> int:
    return process.outbox.status().prepared


def test_a_later_hook_that_fails_leaves_nothing_prepared(site, process):
    seen = []

    def conflict():
        seen.append(_prepared(process))
        raise ConflictError("while indexing")

    purge_path("/a")
    transaction.get().addBeforeCommitHook(conflict)
    with pytest.raises(ConflictError):
        transaction.commit()
    transaction.abort()
    assert (seen, _prepared(process)) == ([0], 0)
    assert process.deliver() == []


@pytest.mark.parametrize("phase", ["tpc_begin", "commit", "tpc_vote"])
def test_what_was_prepared_is_discarded_once_whoever_fails(
    site, process, phase, monkeypatch
):
    discarded = []
    discard = process.intake.discard
    monkeypatch.setattr(
        process.intake,
        "discard",
        lambda token: (discarded.append(token), discard(token)),
    )
    resource = _Resource()
    setattr(resource, phase, _raising)
    purge_path("/a")
    transaction.get().join(resource)
    with pytest.raises(OSError, match="on purpose"):
        transaction.commit()
    transaction.abort()
    assert len(discarded) == (0 if phase == "tpc_begin" else 1)
    assert _prepared(process) == 0
    assert process.deliver() == []


def test_what_fails_after_our_vote_may_have_stored_something(site, process):
    resource = _Resource()
    resource.tpc_finish = _raising
    purge_path("/a")
    transaction.get().join(resource)
    with pytest.raises(OSError, match="on purpose"):
        transaction.commit()
    transaction.abort()
    assert _prepared(process) == 0
    assert process.deliver() == ["/a"]


# --- events that come late ----------------------------------------------------------


@pytest.mark.parametrize("earlier", [True, False])
def test_events_while_another_data_manager_commits_are_delivered(
    site, process, earlier
):
    if earlier:
        purge_path("/a")
    resource = _Resource()
    resource.commit = lambda current: purge_path("/b")
    transaction.get().join(resource)
    transaction.commit()
    assert process.deliver() == ["/a", "/b"][not earlier :]
    assert _prepared(process) == 0


# --- helpers ------------------------------------------------------------------------


def _raising(current) -> None:
    raise OSError("on purpose")


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
