"""The set of items of one transaction, and its way into the outbox.

::

    event ──► items (a set with the transaction, not with the request)
                │ before-commit hook: prepare
                │ Plone commits: writes, votes ─ now it must be durable ─ finishes
                ▼ after-commit hook
             release if the commit succeeded, discard if it failed

Hooks are not called when a transaction is aborted; then nothing was prepared. The
after-commit hook *is* called for a commit that failed, with a false status. Events
that later before-commit hooks raise are prepared by a further hook.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.changes.paths import path_inside
from collective.cloudfront.delivery.courier import Target
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import Settings
from transaction.interfaces import IDataManager
from transaction.interfaces import TransientError
from typing import Any
from zope.interface import implementer

import logging
import transaction
import uuid


logger = logging.getLogger("collective.cloudfront")

# Identifies our data among a transaction's; any object with an identity serves.
_KEY = object()


def public_item(prefix: str, path: str) -> str:
    """Return the item for a path inside the site, behind the public prefix."""
    if path == "/*":
        return subtree(prefix or "/")
    return normalise(prefix + path)


class SiteChanges:
    """What a transaction has changed in one site.

    Collecting an object twice costs a look-up: its paths are computed at the first
    event, when an old path may still exist, and once more before the commit if
    there were further events. Below a collected subtree nothing is computed.
    """

    def __init__(self, site_path: tuple[str, ...], settings: Settings | None):
        self.site_path = site_path
        self.settings = settings
        self.entries: dict[Entry, None] = {}
        self._seen: dict[tuple[str, ...], Callable[[], Iterable[str]] | None] = {}
        self._subtrees: set[tuple[str, ...]] = set()

    @property
    def active(self) -> bool:
        """Whether anything is to be collected at all."""
        settings = self.settings
        return bool(settings and settings.enabled and settings.distributions)

    def add(self, paths: Iterable[str]) -> None:
        """Add paths inside the site."""
        self.add_items(public_item(self.settings.public_prefix, p) for p in paths)

    def add_items(self, items: Iterable[str]) -> None:
        """Add items as they are."""
        for item in items:
            for distribution in self.settings.distributions:
                self.entries[Entry(distribution, item)] = None

    def add_object(
        self, physical: tuple[str, ...], compute: Callable[[], Iterable[str]]
    ) -> None:
        """Add the items that ``compute`` returns for the object at ``physical``."""
        if self._is_below_subtree(physical):
            return
        if physical in self._seen:
            self._seen[physical] = compute
            return
        self._seen[physical] = None
        self._compute(physical, compute)

    def _compute(
        self, physical: tuple[str, ...], compute: Callable[[], Iterable[str]]
    ) -> None:
        try:
            self.add_items(compute())
        except TransientError:
            raise
        except Exception:
            # No save may fail because of a CDN, and no change may be lost.
            logger.exception(
                "The paths of %s cannot be computed; all below it is purged.",
                "/".join(physical),
            )
            self.add_subtree(physical)

    def add_subtree(self, physical: tuple[str, ...]) -> None:
        """Add the object at ``physical``, if in the site, and all below it."""
        inside = path_inside(physical, self.site_path)
        if inside is not None and not self._is_below_subtree(physical):
            self._subtrees.add(physical)
            self.add_items([subtree(self.settings.public_prefix + inside)])

    def _is_below_subtree(self, physical: tuple[str, ...]) -> bool:
        if not self._subtrees:
            return False
        return any(
            physical[:length] in self._subtrees for length in range(len(physical) + 1)
        )

    def take(self) -> list[Entry]:
        """Return what was collected so far, once."""
        for physical, compute in self._seen.items():
            if compute is not None:
                self._seen[physical] = None
                self._compute(physical, compute)
        entries, self.entries = list(self.entries), {}
        return entries


class _Changes:
    """What a transaction has changed, by site, and whether a hook is waiting."""

    def __init__(self) -> None:
        self.sites: dict[tuple[str, ...], SiteChanges] = {}
        self.hooked = False


def changes_of(site: Any) -> SiteChanges:
    """Return the changes of ``site`` in the current transaction.

    The settings are read once in a transaction, or again after they were changed.
    """
    current = transaction.get()
    try:
        changes = current.data(_KEY)
    except KeyError:
        changes = _Changes()
        current.set_data(_KEY, changes)
    key = site.getPhysicalPath()
    if key not in changes.sites:
        changes.sites[key] = SiteChanges(key, read_settings(registry_of(site)))
        this_process().use_database_of(site)
    if not changes.hooked:
        changes.hooked = True
        current.addBeforeCommitHook(_before_commit, (current, changes))
    return changes.sites[key]


def forget_settings(site: Any) -> None:
    """Read the settings of ``site`` again in this transaction: they changed."""
    try:
        changes = transaction.get().data(_KEY)
    except KeyError:
        return
    known = changes.sites.get(site.getPhysicalPath())
    if known is not None:
        known.settings = read_settings(registry_of(site))


def collect(site: Any, paths: Iterable[str]) -> None:
    """Add paths inside ``site`` to what the current transaction will purge."""
    changes = changes_of(site)
    if changes.active:
        changes.add(paths)


def _before_commit(current: transaction.Transaction, changes: _Changes) -> None:
    changes.hooked = False  # an event in a later hook registers us again
    entries = [entry for site in changes.sites.values() for entry in site.take()]
    if not entries:
        return
    token = uuid.uuid4().hex
    targets: dict[str, Target] = {}
    for site in changes.sites.values():
        if site.active:
            targets.update(site.settings.targets())
    current.join(_Durable(this_process().intake.prepare(token, entries)))
    current.addAfterCommitHook(_after_commit, (token, entries, targets))


@implementer(IDataManager)
class _Durable:
    """Waits in a commit's last phase that may fail, after all others have voted.

    What was prepared comes to the disk while Plone writes its own data; waiting
    earlier would cost every save a synchronisation of the disk.
    """

    transaction_manager = transaction.manager

    def __init__(self, wait: Callable[[], None]):
        self._wait = wait

    def sortKey(self) -> str:
        """Return what sorts behind the keys of other data managers."""
        return "~~collective.cloudfront"

    def tpc_vote(self, current: transaction.Transaction) -> None:
        """Wait. Never fails: the intake says what is wrong."""
        self._wait()

    def _nothing(self, current: transaction.Transaction) -> None:
        """The hooks do the rest."""

    abort = tpc_begin = commit = tpc_finish = tpc_abort = _nothing


def _after_commit(
    succeeded: bool, token: str, entries: list[Entry], targets: dict[str, Target]
) -> None:
    process = this_process()
    if succeeded:
        process.learn(targets)
        process.intake.release(token, entries)
    else:
        process.intake.discard(token)
