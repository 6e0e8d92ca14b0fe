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
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.changes.causes import as_cause
from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.changes.causes import MOST_NAMED
from collective.cloudfront.changes.causes import SETTINGS
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox.contract import Entry
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.process import targets_of
from collective.cloudfront.process import this_process
from collective.cloudfront.reach.by_tag import tags_of_chrome
from collective.cloudfront.reach.by_tag import tags_of_everything
from collective.cloudfront.reach.languages import shared_folders
from collective.cloudfront.reach.objects import add_object
from collective.cloudfront.reach.urls import ClassicPath
from collective.cloudfront.reach.urls import FeedPath
from collective.cloudfront.reach.urls import path_inside
from collective.cloudfront.reach.urls import subtree_cover
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import read_settings
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import Settings
from collective.cloudfront.tagging.vocabulary.fold import fold
from collective.cloudfront.tagging.vocabulary.levels import Navigation
from collective.cloudfront.tagging.vocabulary.of_change import Change
from collective.cloudfront.tagging.vocabulary.of_change import label_tag
from collective.cloudfront.tagging.vocabulary.of_change import tags_of_change
from collective.cloudfront.tagging.vocabulary.spelling import foreign_tag
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from itertools import islice
from transaction.interfaces import IDataManager
from transaction.interfaces import TransientError
from typing import Any
from zope.interface import implementer

import logging
import threading
import transaction
import uuid


logger = logging.getLogger("collective.cloudfront")

#: Below it the REST API answers, for Volto.
API = "/++api++"

# Identifies our data among a transaction's; any object with an identity serves.
_KEY = object()


def public_item(prefix: str, path: str) -> str:
    """Return the item for a path inside the site, behind the public prefix."""
    if path == "/*":
        return subtree(prefix or "/")
    return normalise(prefix + path)


def _twins(path: str) -> tuple[str, ...]:
    """Return the paths of the REST API for a path inside the site."""
    if isinstance(path, FeedPath):
        return ()
    if path in ("/", "/?*"):
        # The site's own answer, with and without a slash
        return (f"{API}{path[1:]}", f"{API}{path}")
    return (f"{API}{path}",)


@dataclass(slots=True)
class ObjectChange:
    """What happened to an object in this transaction.

    ``own``: its own pages changed; ``told``: somebody says so, perhaps only because of
    what it holds. ``edited``: so did its date of change. ``shown``: other pages show
    what changed; ``titled``: tabs, too. ``below``: what is below it changed, too.
    ``created``: there was nothing in its place. ``listed``: it came, went, or changed
    its state. ``moved``: with what is below, it is at a new place. ``even_excluded``:
    its exclusion from navigation may have changed. ``reordered``: what it holds may
    have another order, unless ``child_changed``. ``regranted``: others may see it, with
    what is below.
    ``was_public``: visitors could see it before; None if that did not change.
    """

    obj: Any
    own: bool = False
    told: bool = False
    edited: bool = False
    shown: bool = False
    titled: bool = False
    below: bool = False
    created: bool = False
    listed: bool = False
    moved: bool = False
    even_excluded: bool = False
    reordered: bool = False
    child_changed: bool = False
    regranted: bool = False
    was_public: bool | None = None

    @property
    def within(self) -> bool:
        """Whether something it holds came, went or moved."""
        return self.child_changed or self.reordered

    @property
    def has_new_order(self) -> bool:
        """Whether what it holds has another order."""
        return self.reordered and not self.child_changed

    @property
    def about_itself(self) -> bool:
        """Whether its own pages changed, and not only what it holds: those who came or
        went know who lists them.
        """
        return self.own or (self.told and not self.within)


def inside_root(path: str, root: str) -> str | None:
    """Return a path inside the site as it is below ``root``, or None if elsewhere.

    For distributions whose front page is a folder of the site. ``path`` may be a
    wildcard, which also reaches a root that begins like it.
    """
    if not root:
        return path
    if path.startswith(f"{API}/"):
        below = inside_root(path[len(API) :], root)
        return None if below is None else f"{API}{'' if below == '/' else below}"
    if path.endswith("*") and root.startswith(path[:-1]):
        return "/*"
    if not path.startswith(root):
        return None
    rest = path[len(root) :]
    if rest[:1] == "?":
        return f"/{rest}"
    return (rest or "/") if rest[:1] in ("", "/") else "/*" if rest == "*" else None


class SiteChanges:
    """What a transaction has changed in one site.

    An object is noted at its first event, which costs a look-up, and its items are
    computed once, before the commit. Only what is about to leave its place is
    computed at once. Below a collected subtree nothing is computed.
    """

    def __init__(self, site: Any, settings: Settings | None):
        self.site = site
        self.site_path = site.getPhysicalPath()
        self.settings = settings
        self.objects: dict[tuple[str, ...], ObjectChange] = {}
        self._entries: dict[tuple[str, str, str, float], Entry] = {}
        # Whether each is urgent
        self._subtrees: dict[tuple[str, ...], bool] = {}
        # Who is logged in may have changed when the transaction ends
        self._user = current_user()
        self._named: dict[str, None] = {}
        self._changed: dict[tuple[str, ...], None] = {}
        self._shared_folders: tuple[str, ...] | None = None
        # Where things are, as UIDs, whose cache tags were added
        self._places: dict[str, set[tuple[str, ...]]] = {}
        # Tags whose meaning only somebody else knows
        self._foreign: set[str] = set()

    @property
    def active(self) -> bool:
        """Whether anything is to be collected at all."""
        settings = self.settings
        return bool(settings and settings.enabled and settings.distributions)

    # --- items ----------------------------------------------------------------

    def add(self, paths: Iterable[str], **how: Any) -> None:
        """Add paths inside the site; ``how`` as in ``Entry``."""
        for path in paths:
            for shared in self._in_all_languages(path):
                for inside in self._with_twin(shared):
                    for distribution in self.settings.distributions:
                        below = inside_root(inside, distribution.root)
                        if below is not None:
                            self._add_below(distribution, below, how)

    def add_at_front_pages(self, paths: Iterable[str], **how: Any) -> None:
        """Add paths of Classic UI that answer at every distribution's front page,
        whatever it is.
        """
        if self.settings.classic:
            for path in paths:
                for distribution in self.settings.distributions:
                    self._add_below(distribution, path, how)

    def _add_below(
        self, distribution: Distribution, path: str, how: dict[str, Any]
    ) -> None:
        item = public_item(distribution.prefix, path)
        self.put(Entry(distribution.id, item, **how))

    def _in_all_languages(self, path: str) -> tuple[str, ...]:
        """Return ``path`` and where else the same content is."""
        if self._shared_folders is None:
            self._shared_folders = shared_folders(self.site)
        for folder in self._shared_folders:
            rest = path[len(folder) :]
            if path.startswith(folder) and rest[:1] in ("", "/", "?", "*"):
                return tuple(type(path)(each + rest) for each in self._shared_folders)
        return (path,)

    def add_items(self, items: Iterable[str], **how: Any) -> None:
        """Add items as they are, for every distribution."""
        for item in items:
            for distribution in self.settings.distribution_ids:
                self.put(Entry(distribution, item, **how))

    def add_tags(self, tags: Iterable[str], **how: Any) -> None:
        """Add cache tags. To be called only where purging goes by them."""
        self.add_items((f"#{tag}" for tag in tags), **how)

    def add_change(self, change: Change, navigation: Navigation, **how: Any) -> None:
        """Add the cache tags of a change of an object."""
        self.add_tags(tags_of_change(change, navigation), **how)
        if change.place and "key" not in how:
            self._places.setdefault(change.uid, set()).add(change.place)

    def put(self, entry: Entry) -> None:
        """Add an entry; of those that are alike the most pressing one counts."""
        key = (entry.distribution, entry.item, entry.key, entry.due)
        known = self._entries.get(key)
        if known is None or entry.urgent or not entry.every:
            if known is not None and known.urgent and not entry.urgent:
                entry = replace(entry, urgent=True)
            self._entries[key] = entry

    def add_api(self, paths: Iterable[str], **how: Any) -> None:
        """Add the twins of paths inside the site only."""
        for path in paths:
            self.add(_twins(path), **how)

    def _with_twin(self, path: str) -> tuple[str, ...]:
        if not self.settings.api or path == "/*" or path.startswith(API):
            return (path,)
        if isinstance(path, ClassicPath) and not self.settings.classic:
            return ()
        return (path, *_twins(path))

    def add_everything(self, urgent: bool = False) -> None:
        """Add every page at once, for nobody knows which have changed."""
        if self.settings.by_tags:
            self.add_tags(tags_of_everything(self.site), urgent=urgent)
        if self.settings.by_paths:
            self.add(["/*"], urgent=urgent)

    def add_site(self, **how: Any) -> None:
        """Add every page: scope *site*."""
        self.add_coalesced(["/*"], **how)

    def add_foreign(self, name: str) -> None:
        """Add every page that was told to depend on ``name``."""
        if self.settings.by_tags:
            tag = foreign_tag(name)
            self._foreign.add(tag)
            self.add_tags([tag])
        if self.settings.by_paths:
            # What is cached without tags may depend on it
            self.add_site()

    def add_chrome(self) -> None:
        """Add every page, because of what all show around their content."""
        if self.settings.by_tags:
            # Not coalesced: navigation, which editors change all day, is told otherwise
            self.add_tags(tags_of_chrome(self.site))
        if self.settings.by_paths:
            self.add_site()

    def add_coalesced(self, paths: Iterable[str], **how: Any) -> None:
        """Add paths at most once per interval, unless ``how`` says when."""
        self.add(paths, **(how or {"every": self.settings.site_purge_interval}))

    # --- objects --------------------------------------------------------------

    def note(self, obj: Any) -> ObjectChange:
        """Return what is known of ``obj`` in this transaction, to be added to."""
        physical = obj.getPhysicalPath()
        change = self.objects.get(physical)
        if change is None:
            change = self.objects[physical] = ObjectChange(obj)
        else:
            change.obj = obj
        return change

    def add_subtree(
        self,
        physical: tuple[str, ...],
        container: Any,
        by_tags_too: bool = False,
        **how: Any,
    ) -> None:
        """Add the object at ``physical``, if in the site, and all below it.

        Where purging goes by tags it is only noted, unless ``by_tags_too``: what
        answers there carries none that anybody knows.
        """
        inside = path_inside(physical, self.site_path)
        urgent = how.get("urgent", False)
        if inside is not None and not self.is_below_subtree(physical, urgent):
            self._subtrees[physical] = urgent
            self._changed[physical] = None
            if self.settings.by_paths or by_tags_too:
                self.add(subtree_cover(inside, container, physical[-1]), **how)

    def is_below_subtree(self, physical: tuple[str, ...], urgent: bool = False) -> bool:
        """Say whether a subtree that was added reaches ``physical``, as urgently."""
        if not self._subtrees:
            return False
        found = (
            self._subtrees.get(physical[:length]) for length in range(len(physical) + 1)
        )
        return any(each is not None and each >= urgent for each in found)

    def take(self) -> list[Entry]:
        """Return what was collected so far, once, with its cause."""
        noted: dict[tuple[str, ...], None] = {}
        while self.objects:
            changes, self.objects = self.objects, {}
            for physical, change in changes.items():
                (self._changed if change.own else noted)[physical] = None
                self._compute(physical, change)
        self._fold_tags()
        cause = self._cause(self._changed or noted)
        entries = [
            _caused(entry, cause)
            for entry in self._entries.values()
            if not self._is_superfluous(entry)
        ]
        self._entries = {}
        self._subtrees.clear()
        self._places.clear()
        self._foreign.clear()
        self._named.clear()
        self._changed.clear()
        return entries

    def _fold_tags(self) -> None:
        """Put a few broad cache tags in the place of many, or everything."""
        folded = fold(self._places)
        if folded is None:
            self.add_everything(urgent=self._drop_tags(lambda tag: True))
        elif folded.tags:
            self.add_tags(folded.tags, urgent=self._drop_tags(folded.replaces))

    def _drop_tags(self, is_dropped: Callable[[str], bool]) -> bool:
        """Forget cache tags; return whether any of them was urgent."""
        dropped = {
            key: entry
            for key, entry in self._entries.items()
            if entry.item.startswith("#")
            and not entry.key
            and entry.item[1:] not in self._foreign
            and is_dropped(entry.item[1:])
        }
        for key in dropped:
            del self._entries[key]
        return any(entry.urgent for entry in dropped.values())

    def _is_superfluous(self, entry: Entry) -> bool:
        """Say whether another tag purges all that the tag of ``entry`` does."""
        if not entry.item.startswith("#"):
            return False
        broader = label_tag(entry.item)
        other = broader and self._entries.get(
            (entry.distribution, broader, entry.key, entry.due)
        )
        return bool(
            other and other.urgent >= entry.urgent and other.every <= entry.every
        )

    # --- causes ---------------------------------------------------------------

    def name_cause(self, name: str) -> None:
        """Name what caused this, where it is not an object that changed."""
        self._named[name] = None

    def cause_of(self, physical: tuple[str, ...]) -> str:
        """Return the cause of what only one object, in the site, causes."""
        return as_cause(self._user, [self._path(physical)])

    def _cause(self, changed: Collection[tuple[str, ...]]) -> str:
        # There may be thousands, and few are named
        paths = map(self._path, islice(changed, MOST_NAMED))
        names = [*self._named, *paths] or [SETTINGS]
        return as_cause(self._user, names, len(self._named) + len(changed))

    def _path(self, physical: tuple[str, ...]) -> str:
        return path_inside(physical, self.site_path) or "/"

    # --- computing ------------------------------------------------------------

    def _compute(self, physical: tuple[str, ...], change: ObjectChange) -> None:
        try:
            add_object(self, physical, change)
        except TransientError:
            raise
        except Exception:
            # No save may fail because of a CDN, and no change may be lost.
            logger.exception(
                "What the change of %s reaches cannot be computed; the whole site is "
                "purged.",
                "/".join(physical),
            )
            self.add(["/*"])


def _caused(entry: Entry, cause: str) -> Entry:
    # Not replace(), which takes twice as long: a save waits for this
    return Entry(
        entry.distribution,
        entry.item,
        entry.urgent,
        entry.every,
        entry.due,
        entry.key,
        entry.cause or cause,
    )


class _Changes:
    """What a transaction has changed, by site, and whether a hook is waiting."""

    def __init__(self) -> None:
        self.sites: dict[tuple[str, ...], SiteChanges] = {}
        self.hooked = False

    def targets(self) -> dict[str, Target]:
        """Return what a courier may deliver to for these sites, by id."""
        return targets_of(site.settings for site in self.sites.values() if site.active)


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
        changes.sites[key] = SiteChanges(site, read_settings(registry_of(site)))
        this_process().use_database_of(site)
    if not changes.hooked:
        changes.hooked = True
        current.addBeforeCommitHook(_before_commit, (current, changes))
    return changes.sites[key]


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
    try:
        changes = transaction.get().data(_KEY)
    except KeyError:
        return
    known = changes.sites.get(site.getPhysicalPath())
    if known is not None:
        known.settings = read_settings(registry_of(site))


def collect(site: Any, paths: Iterable[str], cause: str = "") -> None:
    """Add paths inside ``site`` to what the current transaction will purge.

    ``cause`` says what caused it, in a few words; otherwise the paths do.
    """
    changes = changes_of(site)
    if changes.active and not suspended():
        paths = list(paths)
        changes.add(paths)
        for name in [cause] if cause else paths:
            changes.name_cause(name)


def collect_everything(site: Any, cause: str) -> None:
    """Add every page of ``site`` to what the current transaction will purge."""
    changes = changes_of(site)
    if changes.active and not suspended():
        changes.add_everything()
        changes.name_cause(cause)


def collect_tag(site: Any, name: str) -> None:
    """Add what was told to depend on ``name`` to what the transaction will purge."""
    changes = changes_of(site)
    if changes.active and not suspended():
        changes.add_foreign(name)
        changes.name_cause(name)


def _before_commit(current: transaction.Transaction, changes: _Changes) -> None:
    changes.hooked = False  # an event in a later hook registers us again
    entries = [entry for site in changes.sites.values() for entry in site.take()]
    if entries:
        token = uuid.uuid4().hex
        current.join(_Durable(this_process().intake.prepare(token, entries)))
        current.addAfterCommitHook(_after_commit, (token, entries, changes.targets()))


def collect_late(current: transaction.Transaction) -> None:
    """Have prepared what was noted since ``current`` called its before-commit hooks.

    If ``current`` is being aborted instead, nothing is prepared.
    """
    try:
        changes = current.data(_KEY)
    except KeyError:
        return
    entries = [entry for site in changes.sites.values() for entry in site.take()]
    if entries:
        token = uuid.uuid4().hex
        current.join(_Late(token, entries))
        current.addAfterCommitHook(_after_commit, (token, entries, changes.targets()))


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


class _Late(_Durable):
    """Prepares in the commit itself: the hooks before it are over."""

    def __init__(self, token: str, entries: list[Entry]):
        self._token = token
        self._entries = entries

    def commit(self, current: transaction.Transaction) -> None:
        """Prepare. Never fails: the intake says what is wrong."""
        self._wait = this_process().intake.prepare(self._token, self._entries)


def _after_commit(
    succeeded: bool, token: str, entries: list[Entry], targets: dict[str, Target]
) -> None:
    process = this_process()
    if succeeded:
        process.learn(targets)
        process.intake.release(token, entries)
    else:
        process.intake.discard(token)
