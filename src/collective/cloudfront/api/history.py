"""``GET @cloudfront/history``: what was purged, by filter and page by page."""

from collections.abc import Mapping
from collective.cloudfront.api.action import Action
from collective.cloudfront.api.action import Refusal
from collective.cloudfront.api.times import iso
from collective.cloudfront.controlpanel.history_filter import FIELDS
from collective.cloudfront.controlpanel.history_filter import Query
from collective.cloudfront.controlpanel.history_filter import read_query
from collective.cloudfront.controlpanel.overview import distributions_in_force
from collective.cloudfront.controlpanel.overview import with_former
from collective.cloudfront.controlpanel.sentences import cause_sentence
from collective.cloudfront.controlpanel.sentences import sentence
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox.finding import Position
from collective.cloudfront.outbox.shown import Shown
from collective.cloudfront.process import this_process
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility

import time


#: Entries on a page: if nothing is said, and at most.
LIMIT, MOST = 50, 100


class History(Action):
    """Lists entries, newest first."""

    def act(self) -> dict[str, Any]:
        """Return a page of them as JSON."""
        form: Mapping[str, Any] = self.request.form
        process = this_process()
        ours = distributions_in_force(getUtility(IRegistry))
        query = read_query(form, with_former(process, ours))
        limit = _limit(form, query)
        _refuse_unknown(form, query)
        if query.errors:
            raise self._wrong(query)
        found = process.outbox.find(query.wanted, limit, query.before, query.after)
        now, shown = time.time(), self._shown()
        where = {"before": query.before, "after": query.after}
        return {
            "@id": self._url(query, limit, **where),
            "items": [shown.entry(each, now) for each in found.entries],
            "newer": found.newer and self._url(query, limit, after=found.newer),
            "older": found.older and self._url(query, limit, before=found.older),
            "searched_to": iso(found.searched_to),
        }

    def _shown(self) -> Shown:
        return Shown(
            lambda message: self.text(sentence(message)),
            lambda cause: self.text(cause_sentence(cause)),
        )

    def _wrong(self, query: Query) -> Refusal:
        return Refusal(
            _("history_wrong", default="Some of the parameters are wrong."),
            [
                {"parameter": name, "message": self.text(text)}
                for name, text in query.errors.items()
            ],
        )

    def _url(self, query: Query, limit: int, **where: Position | None) -> str:
        parts = [query.as_query(**where)]
        if limit != LIMIT:
            parts.append(f"limit={limit}")
        parameters = "&".join(filter(None, parts))
        url = f"{self.context.absolute_url()}/@cloudfront/history"
        return f"{url}?{parameters}" if parameters else url


def _limit(form: Mapping[str, Any], query: Query) -> int:
    given = form.get("limit", "")
    if given == "":
        return LIMIT
    is_number = isinstance(given, str) and given.isdecimal() and len(given) < 9
    if is_number and 1 <= int(given) <= MOST:
        return int(given)
    query.errors["limit"] = _(
        "history_limit",
        default="Enter a number from 1 to ${count}.",
        mapping={"count": MOST},
    )
    return LIMIT


def _refuse_unknown(form: Mapping[str, Any], query: Query) -> None:
    """A parameter that is misspelt would find too much."""
    for name in form.keys() - {*FIELDS, "before", "after", "limit"}:
        query.errors[name] = _(
            "history_no_parameter", default="There is no such parameter."
        )
