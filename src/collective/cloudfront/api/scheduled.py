"""``@cloudfront/scheduled``: the purges that people have scheduled."""

from collective.cloudfront.api.action import Action
from collective.cloudfront.api.action import Refusal
from collective.cloudfront.api.times import iso
from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.controlpanel.actions import CANCELLED
from collective.cloudfront.controlpanel.overview import distributions_in_force
from collective.cloudfront.manual.cancel import cancel
from collective.cloudfront.manual.cancel import Outcome
from collective.cloudfront.manual.cancel import planned
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces import NotFound


#: What is answered if nothing is cancelled.
_STATUSES = {Outcome.UNKNOWN: 404, Outcome.OVER: 409}


class ScheduledByPeople(Action):
    """Lists those that are yet to come, soonest first."""

    def act(self) -> dict[str, Any]:
        """Return them as JSON."""
        url = f"{self.context.absolute_url()}/@cloudfront/scheduled"
        return {
            "@id": url,
            "items": [
                {
                    "@id": f"{url}/{each.id}",
                    "id": each.id,
                    "time": iso(each.time),
                    "at": iso(each.due),
                    "user": each.user,
                    "reason": each.reason,
                    "items": list(each.items),
                }
                for each in planned(distributions_in_force(getUtility(IRegistry)))
            ],
        }


@implementer(IPublishTraverse)
class Cancel(Action):
    """Cancels one of them: ``DELETE @cloudfront/scheduled/<id>``."""

    def __init__(self, context: Any, request: Any):
        super().__init__(context, request)
        self._names: list[str] = []

    def publishTraverse(self, request: Any, name: str) -> "Cancel":
        """Take ``scheduled`` and the id from the URL."""
        if len(self._names) > 1 or (not self._names and name != "scheduled"):
            raise NotFound(self.context, name, request)
        self._names.append(name)
        return self

    def act(self) -> Any:
        """Cancel it, or say why not."""
        if len(self._names) != 2:
            raise NotFound(self.context, "", self.request)
        ours = distributions_in_force(getUtility(IRegistry))
        outcome = cancel(self._names[1], ours, current_user())
        if outcome in _STATUSES:
            raise Refusal(CANCELLED[outcome][0], status=_STATUSES[outcome])
        return self.reply_no_content()
