"""Views that make happen on request what otherwise happens by chance."""

from itertools import count
from pathlib import Path
from plone import api
from plone.protect.interfaces import IDisableCSRFProtection
from Products.Five.browser import BrowserView
from ZODB.POSException import ConflictError
from zope.event import notify
from zope.interface import alsoProvides
from zope.lifecycleevent import ObjectModifiedEvent

import time
import transaction


_attempts = count(1)


class Writing(BrowserView):
    """A view that may write although a test calls it with GET."""

    def __call__(self) -> str:
        alsoProvides(self.request, IDisableCSRFProtection)
        return self.write()


class EditThenFail(Writing):
    """Edit the page, and fail after everything was done."""

    def write(self) -> str:
        _edit(self.context, "Never committed")
        raise RuntimeError("This request fails on purpose.")


class EditWithConflicts(Writing):
    """Edit the page; the first two attempts end in a conflict during the commit."""

    def write(self) -> str:
        attempt = next(_attempts)
        _edit(self.context, f"Attempt {attempt}")
        if attempt % 3:
            transaction.get().join(_Conflicting())
        return str(attempt)


class EditWithFailingCommit(Writing):
    """Edit the page; the commit fails in its last phase, as with a full disk."""

    def write(self) -> str:
        _edit(self.context, "Never committed either")
        transaction.get().join(_Failing())
        return ""


class Slow(BrowserView):
    """Show the title as it was when the request began: after as many seconds as asked,
    or as soon as there is a file ``until``; one beside it tells that the request began.
    """

    def __call__(self) -> str:
        title = self.context.title
        time.sleep(float(self.request.get("seconds", 0)))
        if until := self.request.get("until"):
            Path(f"{until}.began").touch()
            while not Path(until).exists():
                time.sleep(0.02)
        return f"<html><body><h1>{title}</h1></body></html>"


class PublishAll(Writing):
    """Publish everything in this folder in one transaction."""

    def write(self) -> str:
        for content in self.context.objectValues():
            if api.content.get_state(content) != "published":
                api.content.transition(content, "publish")
        return ""


def _edit(page, title: str) -> None:
    page.title = title
    notify(ObjectModifiedEvent(page))


class _Resource:
    """A data manager that takes part in the commit, after ZODB's."""

    transaction_manager = transaction.manager

    def sortKey(self) -> str:
        return "~after everybody"

    def _nothing(self, current) -> None:
        """The other phases do nothing."""

    abort = tpc_begin = commit = tpc_vote = tpc_finish = tpc_abort = _nothing


class _Conflicting(_Resource):
    def tpc_vote(self, current) -> None:
        raise ConflictError("on purpose")


class _Failing(_Resource):
    def tpc_vote(self, current) -> None:
        raise OSError("no space left, on purpose")
