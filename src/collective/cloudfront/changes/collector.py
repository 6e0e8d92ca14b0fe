"""What a transaction has changed in one site, and the items that this makes.

::

    event ──► noted (objects, once each)      ┐
                │ before the commit           │ or at once, for what leaves its place
                ▼                             ▼
             reach.by_path, reach.by_tag ──► what is stale
                                              │ languages, REST API, distributions
                                              ▼
                                            entries of the outbox, each once
"""

from Acquisition import aq_inner
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.changes.addresses import items_of
from collective.cloudfront.changes.causes import as_cause
from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.changes.causes import MOST_NAMED
from collective.cloudfront.changes.causes import SETTINGS
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.reach.adapted import adapted_paths
from collective.cloudfront.reach.by_path import by_path
from collective.cloudfront.reach.by_tag import by_tag
from collective.cloudfront.reach.change import Change
from collective.cloudfront.reach.change import ObjectChange
from collective.cloudfront.reach.change import Subtree
from collective.cloudfront.reach.change import UnknownChange
from collective.cloudfront.reach.languages import shared_folders
from collective.cloudfront.reach.reached import AT_ONCE
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.reached import URGENT
from collective.cloudfront.reach.urls import path_inside
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import Settings
from collective.cloudfront.tagging.vocabulary.fold import fold
from collective.cloudfront.tagging.vocabulary.of_change import label_tag
from dataclasses import dataclass
from dataclasses import replace
from itertools import islice
from transaction.interfaces import TransientError
from typing import Any

import logging


logger = logging.getLogger("collective.cloudfront")

_Physical = tuple[str, ...]


@dataclass(slots=True)
class _Item:
    """How the most pressing of those that are alike is purged.

    ``cause``: the path of what alone causes it. ``foldable``: it is a cache tag for
    which a broader one may stand.
    """

    urgent: bool
    every: float
    cause: str | None
    foldable: bool


class SiteChanges:
    """What a transaction has changed in one site.

    An object is noted at its first event, which costs a look-up, and its items are
    computed once, before the commit. Only what is about to leave its place is
    computed at once. Below a collected subtree nothing is computed.
    """

    def __init__(self, site: Any, settings: Settings | None):
        self.site = site
        self.site_path: _Physical = site.getPhysicalPath()
        self.settings = settings
        #: Something failed, and nobody knows any more what changed
        self.lost = False
        #: The site is deleted with this transaction
        self.ended = False
        self.objects: dict[_Physical, ObjectChange] = {}
        # By distribution, item, key and date
        self._items: dict[tuple[str, str, str, float], _Item] = {}
        # Entries that somebody else has made
        self._entries: list[Entry] = []
        # Whether each is urgent
        self._subtrees: dict[_Physical, bool] = {}
        # Who is logged in may have changed when the transaction ends
        self._user = current_user()
        self._code = ""
        self._named: dict[str, None] = {}
        self._changed: dict[_Physical, None] = {}
        self._shared: tuple[str, ...] | None = None
        # Where things are, as UIDs, whose cache tags were added
        self._places: dict[str, set[tuple[str, ...]]] = {}

    @property
    def active(self) -> bool:
        """Whether anything is to be collected at all."""
        settings = self.settings
        found = settings and settings.enabled and settings.distributions
        return bool(found) and not self.ended

    # --- what happened ----------------------------------------------------------

    def note_own(self, obj: Any, **flags: bool | None) -> None:
        """Note that the own pages of ``obj`` changed, with flags of ``ObjectChange``.

        What is ``shown`` is ``titled`` unless somebody knows that it is not.
        """
        shown = flags.get("shown", False)
        if shown or not self._subtrees or self.covered(obj.getPhysicalPath()) is None:
            # Now, while an old path may still exist
            adapted = adapted_paths(obj, self.site, skip_plones=True)
            if adapted:
                self.add(adapted)
            flags.setdefault("titled", shown)
            self.note(obj, own=True, **flags)

    def note(self, obj: Any, **flags: bool | None) -> None:
        """Note what happened to ``obj``, with flags of ``ObjectChange``."""
        obj = aq_inner(obj)
        physical = obj.getPhysicalPath()
        known = self.objects.get(physical)
        self.objects[physical] = (
            ObjectChange(obj, **flags) if known is None else known.added_to(obj, flags)
        )

    def end(self, deleted: bool) -> None:
        """Add everything, urgently: the site leaves its place, or is ``deleted``.

        From now on nothing is computed: there may be no catalog any more.
        """
        self.add([replace(every_page(URGENT), below=self.site_path)])
        self.objects = {}
        self.ended = deleted

    def forget(self, obj: Any) -> None:
        """Forget what was noted of ``obj``, which leaves its place."""
        self.objects.pop(obj.getPhysicalPath(), None)

    def read(self, change: Change) -> None:
        """Add all that ``change`` makes stale, by path and by cache tag as set."""
        if self.settings.by_tags:
            self.add(by_tag(change, self.site, self.settings))
        if self.settings.by_paths:
            self.add(by_path(change, self.site, self.settings))

    def read_subtree(self, subtree: Subtree) -> None:
        """Add all at a place in the site and below it, unless a subtree above it was
        added. From now on nothing below it is computed.
        """
        covered = self.covered(subtree.place)
        if self._is_inside(subtree.place) and (
            covered is None or covered < subtree.urgent
        ):
            self._subtrees[subtree.place] = subtree.urgent
            self._changed[subtree.place] = None
            self.read(subtree)

    def covered(self, physical: _Physical) -> bool | None:
        """Say whether a subtree that was added and reaches ``physical`` is urgent; None:
        there is none.
        """
        above = (physical[:length] for length in range(len(physical) + 1))
        found = [self._subtrees[each] for each in above if each in self._subtrees]
        return max(found, default=None)

    # --- what is stale ----------------------------------------------------------

    def add(
        self,
        reached: Iterable[Reached],
        distributions: Iterable[Distribution] | None = None,
    ) -> None:
        """Add what is stale, as ``reach`` returns it, wherever it answers, or only at
        some ``distributions``.

        Of those that are alike the most pressing one counts.
        """
        if self._shared is None:
            self._shared = shared_folders(self.site)
        settings = self.settings
        if distributions is not None:
            settings = replace(settings, distributions=tuple(distributions))
        interval = settings.site_purge_interval
        for each, distribution, item in items_of(reached, settings, self._shared):
            how = each.how
            if each.below is not None:
                self._subtrees[each.below] = how.urgent
                self._changed[each.below] = None
            if each.place is not None:
                uid, above = each.place
                self._places.setdefault(uid, set()).add(above)
            every = interval if how.coalesced else 0.0
            name = (distribution, item, how.key, how.due)
            known = self._items.get(name)
            if known is None:
                foldable = each.kind is Kind.TAG and not how.key
                self._items[name] = _Item(how.urgent, every, how.cause, foldable)
            elif how.urgent or not every:
                known.urgent = known.urgent or how.urgent
                known.every, known.cause = every, how.cause

    def add_entries(self, entries: Iterable[Entry]) -> None:
        """Add entries of the outbox as they are, with their causes."""
        self._entries += entries

    # --- entries ----------------------------------------------------------------

    def take(self) -> list[Entry]:
        """Return what was collected so far, once, with its cause."""
        noted = self._compute()
        if self._places:
            self._fold_tags()
        cause = self._cause(self._changed or noted)
        entries = self._entries
        for name, item in self._items.items():
            distribution, text, key, due = name
            if text[:1] != "#" or not self._is_superfluous(name, item):
                own = cause if item.cause is None else self.cause_of(item.cause)
                entries.append(
                    Entry(distribution, text, item.urgent, item.every, due, key, own)
                )
        if self.lost and self.settings is not None:
            ids = self.settings.distribution_ids
            entries += [Entry(each, EVERYTHING, cause=cause) for each in ids]
        self._clear()
        return entries

    def _clear(self) -> None:
        self.lost = False
        self._entries, self._items, self._code = [], {}, ""
        for collected in (self._subtrees, self._places, self._named, self._changed):
            collected.clear()

    def _compute(self) -> dict[_Physical, None]:
        """Add what the noted objects reach; return those that only somebody named."""
        noted: dict[_Physical, None] = {}
        while self.objects:
            changes, self.objects = self.objects, {}
            for physical, change in changes.items():
                (self._changed if change.own else noted)[physical] = None
                if self._is_inside(physical):
                    self._compute_one(physical, change)
        return noted

    def _compute_one(self, physical: _Physical, change: ObjectChange) -> None:
        try:
            if self._subtrees:
                change = replace(change, covered=self.covered(physical))
            self.read(change)
        except TransientError:
            raise
        except Exception:
            # No save may fail because of a CDN, and no change may be lost.
            logger.exception(
                "The pages affected by the change of %s could not be determined, "
                "so the whole site is purged.",
                "/".join(physical),
            )
            self.lost = True

    def _fold_tags(self) -> None:
        """Put a few broad cache tags in the place of many, or everything."""
        folded = fold(self._places)
        if folded is None:
            self.read(UnknownChange(self._drop_tags(lambda tag: True)))
        elif folded.tags:
            how = URGENT if self._drop_tags(folded.replaces) else AT_ONCE
            self.add([Reached(f"#{tag}", Kind.TAG, how) for tag in folded.tags])

    def _drop_tags(self, is_dropped: Callable[[str], bool]) -> bool:
        """Forget cache tags; return whether any of them was urgent."""
        dropped = [
            name
            for name, item in self._items.items()
            if item.foldable and is_dropped(name[1][1:])
        ]
        urgent = [self._items.pop(name).urgent for name in dropped]
        return any(urgent)

    def _is_superfluous(self, name: tuple[str, str, str, float], item: _Item) -> bool:
        """Say whether another tag purges all that this one does."""
        distribution, text, key, due = name
        broader = label_tag(text)
        other = broader and self._items.get((distribution, broader, key, due))
        return bool(other and other.urgent >= item.urgent and other.every <= item.every)

    # --- causes -----------------------------------------------------------------

    def name_cause(self, name: str = "", code: str = "") -> None:
        """Name what caused this, where it is not an object that changed: in words, or as
        a code of ``outbox.values.CAUSES``.
        """
        if name:
            self._named[name] = None
        self._code = self._code or code

    def cause_of(self, name: str) -> Cause:
        """Return the cause of what only one thing causes."""
        return as_cause(self._user, (name,))

    def _cause(self, changed: Collection[_Physical]) -> Cause:
        # There may be thousands, and few are named
        paths = [
            path_inside(physical, self.site_path) or "/"
            for physical in islice(changed, MOST_NAMED)
        ]
        names = [*self._named, *paths]
        code = self._code if names else self._code or SETTINGS
        return as_cause(self._user, names, len(self._named) + len(changed), code)

    def _is_inside(self, physical: _Physical) -> bool:
        return physical[: len(self.site_path)] == self.site_path
