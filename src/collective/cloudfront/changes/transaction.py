"""The changes of the current transaction, and their way into the outbox: one data
manager.

::

    event ──► SiteChanges (kept by the transaction, not by the request)
                │ before-commit hook: compute what is stale, and join
                │ tpc_begin: prepare. Whatever other hooks changed is in it
                │ commit: prepare what other data managers changed meanwhile
                │         Plone writes, the disk is synchronised beside it
                │ tpc_vote: wait until all is on the disk
                ▼
             COMMITTED ──► after-commit hook: release
             FAILED ─────► abort, tpc_abort: discard

It votes last (``sortKey``). So what fails before has stored nothing, and what was
prepared is discarded. What fails after its vote, in another's last phase, may have stored
something: that is released, for to purge too much is harmless.

Savepoints pass it by: what was collected stays collected when one is rolled back. A
rollback to a savepoint from before it joined makes it leave; it joins again.
"""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.changes import guard
from collective.cloudfront.changes.causes import SETTINGS
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.process import Process
from collective.cloudfront.process import this_process
from collective.cloudfront.reach.change import NamedChange
from collective.cloudfront.reach.change import UnknownChange
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.reach.reached import pages
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import settings_of
from collective.cloudfront.tagging.snapshot import last_transaction
from contextlib import contextmanager
from dataclasses import dataclass
from Products.CMFCore.interfaces import ISiteRoot
from transaction.interfaces import IDataManagerSavepoint
from transaction.interfaces import ISavepointDataManager
from typing import Any
from zope.component.hooks import getSite
from zope.interface import implementer

import threading
import transaction
import uuid


_guarded = guard.never_failing(guard.purge_all_after_commit)
_guarded_at_end = guard.never_failing(guard.purge_all_after_commit, even_conflicts=True)


@dataclass(slots=True)
class _Prepared:
    """What was prepared under one token; ``wait`` returns when that is on the disk."""

    token: str
    entries: list[Entry]
    wait: Callable[[], None] | None = None


@implementer(IDataManagerSavepoint)
class _NoSavepoint:
    def rollback(self) -> None:
        """Forget nothing."""


@implementer(ISavepointDataManager)
class PurgeManager:
    """What one transaction has changed, by site, and what becomes of it."""

    transaction_manager = transaction.manager

    def __init__(self, current: transaction.Transaction):
        self.sites: dict[tuple[str, ...], SiteChanges] = {}
        self._current = current
        # Something was noted since the last look, and a hook will look
        self._noted = False
        self._joined = False
        self._voted = False
        self._entries: list[Entry] = []
        self._prepared: list[_Prepared] = []
        self._process: Process | None = None
        current.addAfterCommitHook(self.after_commit)

    def changes_of(self, site: Any) -> SiteChanges:
        """Return the changes of ``site``, to be added to.

        The settings are read once in a transaction, or again after they were changed.
        """
        key = site.getPhysicalPath()
        changes = self.sites.get(key)
        if changes is None:
            settings = settings_of(site)
            changes = self.sites[key] = SiteChanges(site, settings)
        if not self._noted:
            # An event in a later hook registers us again
            self._noted = True
            self._current.addBeforeCommitHook(self.compute)
        return changes

    @_guarded
    def compute(self) -> None:
        """Compute what is stale, and join if there is something to prepare."""
        self._take()
        if self._entries and not self._joined:
            self._current.join(self)
            self._joined = True

    def _take(self) -> None:
        self._noted = False
        for changes in list(self.sites.values()):
            self._entries += changes.take()

    # --- as a data manager --------------------------------------------------------

    def sortKey(self) -> str:
        """Return what sorts behind the keys of other data managers."""
        return "~~collective.cloudfront"

    def savepoint(self) -> _NoSavepoint:
        """Return a savepoint that keeps what is collected later, too."""
        return _NoSavepoint()

    @_guarded
    def tpc_begin(self, current: transaction.Transaction) -> None:
        """Prepare; all before-commit hooks are over."""
        self._prepare()

    @_guarded
    def commit(self, current: transaction.Transaction) -> None:
        """Prepare what other data managers have changed while they committed."""
        self._prepare()

    def _prepare(self) -> None:
        if self._noted:
            self._take()
        if self._entries:
            prepared = _Prepared(uuid.uuid4().hex, self._entries)
            self._entries = []
            self._prepared.append(prepared)
            process = self._process = this_process()
            prepared.wait = process.intake.prepare(prepared.token, prepared.entries)

    @_guarded
    def tpc_vote(self, current: transaction.Transaction) -> None:
        """Wait until all is on the disk; the intake says what is wrong."""
        self._voted = True
        for prepared in self._prepared:
            if prepared.wait is not None:
                prepared.wait()

    def tpc_finish(self, current: transaction.Transaction) -> None:
        """The after-commit hook does it, when all others have finished."""

    @_guarded_at_end
    def tpc_abort(self, current: transaction.Transaction) -> None:
        """Discard what was prepared, unless others may have finished."""
        self._discard()

    def _discard(self) -> None:
        prepared, self._prepared = self._prepared, []
        for each in prepared:
            if self._voted:
                this_process().intake.release(each.token, each.entries)
            else:
                this_process().intake.discard(each.token)

    @_guarded_at_end
    def abort(self, current: transaction.Transaction) -> None:
        """Discard what was prepared. Also called for a rollback to a savepoint from
        before the join, which makes us leave.
        """
        self._joined = False
        if not self._noted:
            self._noted = True
            current.addBeforeCommitHook(self.compute)
        self._discard()

    @_guarded_at_end
    def after_commit(self, succeeded: bool) -> None:
        """Release all, also what was noted too late to be prepared."""
        if not succeeded:
            self._discard()
            return
        if not (self._prepared or self._entries or self._noted):
            return
        process = self._process or this_process()
        self._teach(process)
        number = last_transaction([each.site for each in self.sites.values()])
        while self._prepared:
            prepared = self._prepared.pop(0)
            process.intake.release(prepared.token, prepared.entries, number)
        if self._noted:
            self._take()
        if self._entries:
            process.intake.release(uuid.uuid4().hex, self._entries, number)

    def _teach(self, process: Process) -> None:
        """Tell the process of the sites and their settings, for its courier."""
        for changes in self.sites.values():
            if changes.ended:
                process.site_ended(changes.settings)
            elif changes.active:
                process.learn_site(changes.site, changes.settings)


#: Makes the manager of a transaction. ``changes.timed`` puts one here that is measured.
make_manager: Callable[[transaction.Transaction], PurgeManager] = PurgeManager


# --- the current transaction ------------------------------------------------------------

# Identifies our data among a transaction's; any object with an identity serves.
_KEY = object()


def known_manager(current: transaction.Transaction) -> PurgeManager | None:
    """Return what manages the changes of a transaction, or None if there are none."""
    try:
        return current.data(_KEY)
    except KeyError:
        return None


def changes_of(site: Any) -> SiteChanges:
    """Return the changes of ``site`` in the current transaction."""
    current = transaction.get()
    manager = known_manager(current)
    if manager is None:
        manager = make_manager(current)
        current.set_data(_KEY, manager)
    return manager.changes_of(site)


def current_site() -> Any:
    """Return the Plone site that is current, or None."""
    site = getSite()
    while site is not None and not ISiteRoot.providedBy(site):
        site = aq_parent(aq_inner(site))
    return site


def changes_here() -> SiteChanges | None:
    """Return the current transaction's changes of the current site, if it purges."""
    site = current_site()
    return None if site is None else active_changes_of(site)


def active_changes_of(site: Any) -> SiteChanges | None:
    """Return the current transaction's changes of ``site``, if it purges now."""
    if suspended():
        return None
    changes = changes_of(site)
    return changes if changes.active else None


def purge_site_instead() -> None:
    """Purge every page of the current site: nobody knows what changed."""
    changes = changes_here()
    if changes is not None:
        changes.lost = True


#: For handlers of events.
never_failing = guard.never_failing(purge_site_instead)


_suspension = threading.local()


def suspended() -> bool:
    """Say whether purging is suspended in this thread."""
    return getattr(_suspension, "depth", 0) > 0


@contextmanager
def suspending() -> Iterator[None]:
    """Collect nothing meanwhile, in this thread."""
    _suspension.depth = getattr(_suspension, "depth", 0) + 1
    try:
        yield
    finally:
        _suspension.depth -= 1


def forget_settings(site: Any) -> None:
    """Read the settings of ``site`` again in this transaction: they changed."""
    manager = known_manager(transaction.get())
    known = None if manager is None else manager.sites.get(site.getPhysicalPath())
    if known is not None:
        known.settings = settings_of(site)


@never_failing
def collect(site: Any, paths: Iterable[str], cause: str = "", code: str = "") -> None:
    """Add paths inside ``site`` to what the current transaction will purge.

    ``cause`` says what caused it, in a few words, or ``code`` does, see
    ``outbox.values.CAUSES``; otherwise the paths do.
    """
    changes = active_changes_of(site)
    if changes is not None:
        paths = list(paths)
        changes.add(pages(paths))
        for name in [cause] if cause or code else paths:
            changes.name_cause(name, code)


@never_failing
def collect_shares(site: Any, shares: Iterable[Distribution]) -> None:
    """Add all that distributions of ``site`` hold of it, because of its settings."""
    changes = active_changes_of(site)
    if changes is not None:
        changes.add([every_page()], shares)
        changes.name_cause(code=SETTINGS)


@never_failing
def collect_unknown(site: Any, code: str, urgent: bool = False) -> None:
    """Add every page of ``site`` to what the current transaction will purge."""
    changes = active_changes_of(site)
    if changes is not None:
        changes.read(UnknownChange(urgent))
        changes.name_cause(code=code)


@never_failing
def collect_tag(site: Any, name: str) -> None:
    """Add what was told to depend on ``name`` to what the transaction will purge."""
    changes = active_changes_of(site)
    if changes is not None:
        changes.read(NamedChange(name))
        changes.name_cause(name)
