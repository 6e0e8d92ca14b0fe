"""What a person has purged: looked at first, then sent, now or later, and recorded.

For the control panel, the toolbar and the REST API. They check the permission.

>>> purge = ManualPurge(site)
>>> purge.add_content(folder, below=True)
>>> purge.preview().items
('/news', '/news*')
>>> purge.send("admin", "new logo")
"""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collections.abc import Iterable
from collective.cloudfront.changes.causes import PERSON
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.changes.guard import never_failing
from collective.cloudfront.changes.transaction import changes_of
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.values import as_line
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.process import this_process
from collective.cloudfront.reach.change import Subtree
from collective.cloudfront.reach.reached import every_page
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import pages
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.reach.urls import default_pages
from collective.cloudfront.settings import Settings
from collective.cloudfront.settings import settings_of
from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from datetime import timezone
from plone import api
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import IFolderish
from Products.CMFCore.interfaces import ISiteRoot
from typing import Any

import logging
import time
import transaction
import uuid


logger = logging.getLogger("collective.cloudfront")

#: Later than this, in seconds, nothing is scheduled: a year.
LATEST = 366 * 86400
#: Characters; a reason is a line in a table.
LONGEST_REASON = 200


class NotPurging(Exception):
    """The site does not purge; the control panel says why."""


class NothingToPurge(Exception):
    """No distribution serves what is to be purged: nothing would be sent."""


class ImpossibleMoment(ValueError):
    """Something cannot be scheduled for then: it is over, or too far away."""


def require_possible(at: float | None, now: float | None = None) -> None:
    """Raise ``ImpossibleMoment`` unless something can be scheduled for ``at`` (Unix
    seconds); None is at once.
    """
    now = time.time() if now is None else now
    if at is not None and not now < at <= now + LATEST:
        raise ImpossibleMoment()


def content_at(site: Any, path: str) -> tuple[Any | None, Any]:
    """Return the content at ``path`` inside ``site``, or None; and the last that there
    is on the way.

    Only what really is there: nothing acquired, no views, nothing above the site.
    """
    nearest = site
    for name in filter(None, path.split("/")):
        found = nearest._getOb(name, None) if _may_hold_content(nearest) else None
        if not IContentish.providedBy(found):
            return None, nearest
        nearest = found
    return nearest, nearest


def _may_hold_content(obj: Any) -> bool:
    return IFolderish.providedBy(obj) or ISiteRoot.providedBy(obj)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent: ``items``, each to all ``distributions``.

    ``billed`` is how many items AWS would bill, if no broader one takes their place.
    """

    items: tuple[str, ...]
    distributions: tuple[str, ...]
    billed: int


class ManualPurge:
    """Collects what a person asks for, without doing anything before ``send``.

    Raises ``NotPurging`` where the add-on is not installed or switched off.
    """

    def __init__(self, site: Any):
        self._site = site
        self._changes = SiteChanges(site, _by_paths(settings_of(site)))
        if not self._changes.active:
            raise NotPurging()
        self._entries: dict[tuple[str, str], Entry] = {}

    def add_everything(self) -> None:
        """Add every page of the site."""
        self._changes.add([every_page()])

    def add_items(self, items: Iterable[str]) -> None:
        """Add items as visitors see them, from the root of their host."""
        self._changes.add(Reached(item, Kind.ITEM) for item in items)

    def add_paths(self, paths: Iterable[str]) -> None:
        """Add pages by their paths inside the site."""
        self._changes.add(pages(paths))

    def add_content(self, obj: Any, below: bool = False) -> None:
        """Add the URLs of ``obj``, and with ``below`` all below it, but not the pages
        that show it elsewhere.
        """
        obj = aq_inner(obj)
        if below:
            self._changes.read_subtree(Subtree(obj.getPhysicalPath(), aq_parent(obj)))
            self._changes.add(default_pages(obj, self._site))
        else:
            self._changes.note(obj, own=True)

    def preview(self) -> Preview:
        """Return what would be sent."""
        entries = self._collected()
        items = {entry.item for entry in entries}
        # A path is not sent where its own wildcard is
        sent = tuple(sorted(item for item in items if f"{item}*" not in items))
        distributions = tuple(dict.fromkeys(entry.distribution for entry in entries))
        return Preview(
            items=sent,
            distributions=distributions,
            billed=sum(entry.item in sent for entry in entries),
        )

    def by_distribution(self) -> dict[str, list[str]]:
        """Return the items that would be sent, by distribution."""
        sent = set(self.preview().items)
        found: dict[str, list[str]] = {}
        for entry in self._collected():
            if entry.item in sent:
                found.setdefault(entry.distribution, []).append(entry.item)
        return found

    def send(
        self,
        user: str,
        reason: str = "",
        at: float | None = None,
        identifier: str = "",
    ) -> PurgeRequest:
        """Have it sent when the transaction is committed, or at ``at`` (Unix seconds),
        and recorded. Returns what is recorded.

        ``reason`` becomes one line of ``LONGEST_REASON`` characters at most;
        ``identifier`` is the id of the request, if it has one already. Raises
        ``ImpossibleMoment`` for one that is over or more than a year away, and
        ``NothingToPurge`` where no distribution serves it.
        """
        now = time.time()
        require_possible(at, now)
        reason = as_line(reason, LONGEST_REASON)
        preview = self.preview()
        if not preview.items:
            raise NothingToPurge()
        request = PurgeRequest(
            id=identifier or uuid.uuid4().hex,
            time=now,
            user=user,
            reason=reason,
            items=preview.items,
            distributions=preview.distributions,
            due=at,
        )
        how = {"due": at, "key": request.key} if at is not None else {"urgent": True}
        cause = _cause(request)
        changes_of(self._site).add_entries(
            replace(entry, cause=cause, **how) for entry in self._collected()
        )
        transaction.get().addAfterCommitHook(_record, (request,))
        return request

    def _collected(self) -> list[Entry]:
        for entry in self._changes.take():
            if entry.item:  # the others only cancel
                self._entries[entry.distribution, entry.item] = entry
        return list(self._entries.values())


def _by_paths(settings: Settings | None) -> Settings | None:
    """Return the settings without cache tags: people name URLs."""
    return settings and replace(settings, by_tags=False, by_paths=True)


def preview_of_content(obj: Any) -> Preview | None:
    """Return what would be sent for an object alone; None where nothing is purged."""
    try:
        purge = ManualPurge(api.portal.get())
    except NotPurging:
        return None
    purge.add_content(obj)
    return purge.preview()


def _cause(request: PurgeRequest) -> Cause:
    names = (request.reason,) if request.reason else ()
    return Cause(request.user, names, len(names), PERSON)


def _moment(due: float) -> str:
    return datetime.fromtimestamp(due, timezone.utc).isoformat(timespec="seconds")


def _not_recorded() -> None:
    logger.error("The purge could not be recorded in the history.")


@never_failing(_not_recorded, even_conflicts=True)
def _record(succeeded: bool, request: PurgeRequest) -> None:
    if not succeeded:
        return
    logger.info(
        "User %r %s %s%s%s: %s",
        request.user,
        "purges" if request.due is None else "schedules a purge of",
        " ".join(request.items[:5]),
        " …" if len(request.items) > 5 else "",
        "" if request.due is None else f" for {_moment(request.due)}",
        request.reason or "no reason given",
    )
    try:
        this_process().outbox.record_request(request)
    except OutboxUnavailable as error:
        # It is purged all the same: the intake keeps what the outbox cannot take
        logger.error("The purge could not be recorded in the history: %s.", error)
