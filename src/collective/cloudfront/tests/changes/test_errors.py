"""Specification: no error of ours fails a save, whichever of our functions raises.

Each save is done once to see which functions are on its way, and then once for each of
them, with that one raising. Functions nested in others are part of these.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.changes import guard
from collective.cloudfront.changes import unannounced
from collective.cloudfront.changes.collector import SiteChanges
from collective.cloudfront.changes.transaction import PurgeManager
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.process import Process
from collective.cloudfront.purge import purge_path
from collective.cloudfront.purge import purge_tag
from contextlib import contextmanager
from inspect import isgeneratorfunction
from inspect import unwrap
from pkgutil import walk_packages
from plone import api
from plone.app.dexterity.behaviors.metadata import IDublinCore
from plone.app.discussion.interfaces import IConversation
from plone.registry.interfaces import IRegistry
from types import CodeType
from types import FunctionType
from typing import Any
from ZODB.POSException import ConflictError
from zope.component import createObject
from zope.component import getUtility
from zope.event import notify
from zope.globalrequest import getRequest
from zope.lifecycleevent import Attributes
from zope.lifecycleevent import ObjectModifiedEvent
from ZPublisher.pubevents import PubBeforeCommit

import collective.cloudfront
import importlib
import pytest
import sys
import transaction


#: Where a save goes through, up to the outbox.
ROOMS = (
    "changes",
    "outbox.intake",
    "outbox.values",
    "planning.items",
    "process",
    "reach",
    "settings",
    "tagging.places",
    "tagging.since",
    "tagging.vocabulary",
)
#: What there is nothing in that could raise: they return a constant, or nothing.
EMPTY = frozenset(
    {
        "PurgeManager.sortKey",
        "PurgeManager.savepoint",
        "PurgeManager.tpc_finish",
        "_NoSavepoint.rollback",
        "ScriptWatch.afterCompletion",
        "ScriptWatch.newTransaction",
    }
)


def raising(*arguments: Any, **options: Any) -> None:
    raise RuntimeError("on purpose")


def raising_when_asked(*arguments: Any, **options: Any) -> Iterator[None]:
    raise RuntimeError("on purpose")
    yield


def our_functions() -> dict[CodeType, FunctionType]:
    """Return the functions and methods of the rooms, by their code."""
    found = {}
    name = collective.cloudfront.__name__
    for module in walk_packages(collective.cloudfront.__path__, f"{name}."):
        if module.name.removeprefix(f"{name}.").startswith(ROOMS):
            for function in functions_in(importlib.import_module(module.name)):
                if function.__qualname__ not in EMPTY:
                    found[function.__code__] = function
    return found


def functions_in(module: Any) -> Iterator[FunctionType]:
    for each in vars(module).values():
        members = vars(each).values() if isinstance(each, type) else [each]
        for member in members:
            function = unwrap(getattr(member, "fget", None) or member)
            if isinstance(function, FunctionType) and is_ours(function, module):
                yield function


def is_ours(function: FunctionType, module: Any) -> bool:
    """Say whether a function is written in the module: others are imported, or made."""
    return function.__code__.co_filename == module.__file__


def functions_on_the_way(save: Callable[[], None]) -> list[FunctionType]:
    """Save, and return our functions that this called."""
    known, called = our_functions(), {}

    def follow(frame, event, argument):
        if event == "call" and frame.f_code in known:
            called[frame.f_code] = known[frame.f_code]

    sys.setprofile(follow)
    try:
        save()
    finally:
        sys.setprofile(None)
    return list(called.values())


@contextmanager
def failing(*functions: FunctionType) -> Iterator[None]:
    """Make functions raise, however others have got hold of them."""
    functions = tuple(map(unwrap, functions))
    codes = [function.__code__ for function in functions]
    for function in functions:
        # Python 3.13 warns where a generator becomes a plain function
        broken = raising_when_asked if isgeneratorfunction(function) else raising
        function.__code__ = broken.__code__
    try:
        yield
    finally:
        for function, code in zip(functions, codes):
            function.__code__ = code


@pytest.fixture
def site(functional_portal, process):
    """A site with a folder and a page, and nothing to deliver."""
    # Many saves are delivered, and none is to wait for a quota
    process.courier.limits = Limits(
        call_rate=1e6,
        call_burst=1e6,
        wildcard_rate=1e6,
        wildcard_burst=1e6,
        wildcards_in_progress=10**6,
    )
    folder = api.content.create(functional_portal, "Folder", "news", title="0")
    api.content.create(folder, "Document", "page", title="0")
    api.content.create(functional_portal, "Folder", "other")
    transaction.commit()
    transaction.manager.registerSynch(unannounced._watch)
    yield functional_portal
    transaction.manager.unregisterSynch(unannounced._watch)


def edit(site) -> None:
    page = site["news"]["page"]
    page.title += "1"
    notify(ObjectModifiedEvent(page, Attributes(IDublinCore, "IDublinCore.title")))


def edit_by_tags(site) -> None:
    edit(site)
    purge_tag("weather")


def change_unannounced(site) -> None:
    site["news"]["page"].title += "1"
    notify(PubBeforeCommit(getRequest()))


def comment(site) -> None:
    said = createObject("plone.Comment")
    said.text = "Well said"
    IConversation(site["news"]["page"]).addComment(said)


def come_and_go(site) -> None:
    api.content.create(site, "Document", "page")
    transaction.savepoint(optimistic=True)
    api.content.rename(site["page"], "renamed")
    api.content.delete(site["renamed"])
    purge_path("/news/page")


def setting(site) -> None:
    getUtility(IRegistry)["plone.site_title"] += "1"
    name = "collective.cloudfront.window"
    getUtility(IRegistry)[name] = 0.1 - getUtility(IRegistry)[name]


SAVES = (edit, edit_by_tags, change_unannounced, comment, come_and_go, setting)


@pytest.mark.parametrize("save", SAVES)
def test_a_save_succeeds_whichever_function_raises(site, process, caplog, save):
    def once() -> None:
        caplog.clear()
        process.gateway.batches.clear()
        save(site)
        transaction.commit()

    if save is edit_by_tags:
        registry = getUtility(IRegistry)
        registry["collective.cloudfront.cache_tags"] = "invalidate"
        registry["collective.cloudfront.cache_tags_since"] = "2020-01-01T00:00:00+00:00"
        transaction.commit()
    first = functions_on_the_way(once)
    assert len(first) > 20
    for function in first:
        process.deliver()
        with failing(function):
            once()
        process.intake.retry()  # brings what was kept in memory into the outbox
        items = process.deliver() + [each.item for each in process.outbox.scheduled(99)]
        purged = any(reaches(item, "/news/page") for item in items)
        # With tags only, a page is no path
        purged = purged or any(item.startswith("#") for item in items)
        lost = "Use “Purge all” in the control panel" in caplog.text
        errors = [each for each in caplog.records if each.levelname == "ERROR"]
        if not errors:
            # Some are on the way of the first time only
            assert function not in functions_on_the_way(once), function.__qualname__
            continue
        assert purged or lost, function.__qualname__


def test_the_last_resort_may_fail_too(site, process, caplog):
    for broken in (
        (SiteChanges.take, guard.purge_all_after_commit),
        (SiteChanges.take, guard._purge_all),
        (SiteChanges.take, Process.targets),
        (SiteChanges.note, PurgeManager.changes_of, guard._replace),
    ):
        caplog.clear()
        with failing(*broken):
            edit(site)
            transaction.commit()
        assert any(each.levelname == "ERROR" for each in caplog.records)


def test_a_conflict_repeats_the_request_and_nothing_of_ours_survives(
    site, process, monkeypatch
):
    def conflict(*arguments: Any) -> None:
        raise ConflictError("read")

    process.deliver()
    process.gateway.batches.clear()
    with monkeypatch.context() as patched:
        patched.setattr(SiteChanges, "_compute", conflict)
        edit(site)
        with pytest.raises(ConflictError):
            transaction.commit()
        transaction.abort()
    assert process.outbox.status().prepared == 0
    assert process.deliver() == []
    edit(site)
    transaction.commit()
    assert "/news/page*" in process.deliver() or "/*" in process.gateway.items
