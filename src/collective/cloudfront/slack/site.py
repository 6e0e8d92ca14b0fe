"""What the Slack command does in Plone: it purges as the control panel does."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.headline import report
from collective.cloudfront.controlpanel.health import health_of_click
from collective.cloudfront.controlpanel.health import OF_THE_OUTBOX
from collective.cloudfront.controlpanel.health import site_health
from collective.cloudfront.controlpanel.sentences import known_hosts
from collective.cloudfront.manual.around import below
from collective.cloudfront.manual.around import reaches_all
from collective.cloudfront.manual.around import twin
from collective.cloudfront.manual.lines import read_paths
from collective.cloudfront.manual.purge import ImpossibleMoment
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import NothingToPurge
from collective.cloudfront.manual.purge import NotPurging
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import registry_of
from collective.cloudfront.settings import settings_of
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.slack import answers
from collective.cloudfront.slack import thread
from collective.cloudfront.slack.access import Access
from collective.cloudfront.slack.access import read_access
from collective.cloudfront.slack.answers import Answer
from collective.cloudfront.slack.command import Command
from collective.cloudfront.slack.command import Kind
from collective.cloudfront.slack.desk import CannotPurge
from collective.cloudfront.slack.desk import Order
from collective.cloudfront.slack.following import follow
from collective.cloudfront.slack.shelf import Shelf
from datetime import tzinfo
from plone.app.event.base import default_timezone
from typing import Any
from zope.i18n import translate

import logging
import transaction


logger = logging.getLogger("collective.cloudfront")

_NOT_PURGING = "Nothing was purged: this site does not purge from CloudFront."
_NOTHING = "Nothing was purged: no distribution serves this part of the site."
_OUTBOX = "Nothing was purged because the outbox cannot be used. Try again later."


def access_of(registry: Any) -> Access:
    """Return who may do what, as the settings say."""
    names = ("slack_team", "slack_channels", "slack_users")
    return read_access(*(value_in_force(registry, each) for each in names))


class SiteBackend:
    """See ``desk.Backend``."""

    can_schedule = True

    def __init__(self, site: Any):
        self._site = site
        self._outbox = this_process().outbox

    @property
    def zone(self) -> tzinfo:
        """The time zone of the site."""
        return default_timezone(self._site, as_tzinfo=True)

    def status(self) -> str:
        """See ``desk.Backend``."""
        found = site_health(registry_of(self._site))
        return answers.plain(_english(report(found)))

    def is_everything(self, command: Command) -> bool:
        """See ``desk.Backend``."""
        settings = settings_of(self._site)
        places = settings.distributions if settings is not None else ()
        return any(
            reaches_all(item, place.prefix)
            for item in self._items(command)
            for place in places
        )

    def is_first(self, key: str) -> bool:
        """See ``desk.Backend``. If the transaction fails, it was not purged."""
        shelf = Shelf(self._outbox)
        try:
            if not shelf.is_first(key):
                return False
        except OutboxUnavailable as error:
            raise CannotPurge(_OUTBOX) from error

        # Also when Zope is about to repeat the request
        current = transaction.get()
        current.addAfterAbortHook(shelf.forget, (key,))
        current.addAfterCommitHook(_forget_unless, (shelf, key))
        return True

    def purge(self, order: Order) -> Answer:
        """See ``desk.Backend``."""
        try:
            return self._purge(order)
        except CannotPurge:
            # Whoever corrects what is wrong may write it again
            Shelf(self._outbox).forget(order.key)
            raise

    def _purge(self, order: Order) -> Answer:
        found = health_of_click()
        if found.code in OF_THE_OUTBOX:
            raise CannotPurge(_OUTBOX)
        try:
            purge = ManualPurge(self._site)
            self._add(purge, order.command)
            request = purge.send(_user(order), at=order.due, identifier=order.key)
        except NotPurging as error:
            raise CannotPurge(_NOT_PURGING) from error
        except NothingToPurge as error:
            raise CannotPurge(_NOTHING) from error
        except ImpossibleMoment as error:
            raise CannotPurge(answers.IMPOSSIBLE_MOMENT) from error
        what = f"{answers.some(request.items)} ({answers.counted(request.items)})"
        if request.due is not None:
            text = (
                f"{answers.by(order.user)} scheduled a purge of {what} for "
                f"{answers.when(request.due)}. You can cancel it in Plone."
            )
            return Answer(text, in_channel=True)
        items = purge.by_distribution()
        transaction.get().addAfterCommitHook(_follow, (order, items, request.time))
        said = [f"On its way to CloudFront: {what}."]
        if found.level is Level.ERROR:
            said.append(answers.plain(_english(report(found))))
        else:
            said.append("The channel reads when CloudFront has completed it.")
        return Answer(" ".join(said))

    def _add(self, purge: ManualPurge, command: Command) -> None:
        if command.kind is Kind.ALL:
            purge.add_everything()
        elif command.kind is Kind.TAGS:
            purge.add_items(f"#{tag}" for tag in command.targets)
        else:
            purge.add_items(self._items(command))

    def _items(self, command: Command) -> list[str]:
        settings = settings_of(self._site)
        if settings is None or not settings.enabled:
            raise CannotPurge(_NOT_PURGING)
        found: dict[str, None] = {}
        for line in read_paths(command.targets, known_hosts(self._site)):
            if line.problem is not None:
                raise CannotPurge(answers.bad_path(line.text, line.problem))
            for item in below(line.item) if command.below else [line.item]:
                found[item] = None
                if settings.api:
                    for place in settings.distributions:
                        found[twin(item, place.prefix) or item] = None
        return list(found)


def _user(order: Order) -> str:
    name = f"{order.user_name} " if order.user_name else ""
    return f"{name}(Slack {order.user})"


def _english(message: Any) -> str:
    return translate(message, target_language="en")


# After a commit the transaction logs what they raise, and goes on.


def _forget_unless(succeeded: bool, shelf: Shelf, key: str) -> None:
    if not succeeded:
        shelf.forget(key)


def _follow(
    succeeded: bool, order: Order, items: dict[str, list[str]], since: float
) -> None:
    if not succeeded:
        return
    try:
        shelf = Shelf(this_process().outbox)
        follow(shelf, order.response_url, order.user, items, since)
        thread.wake()
    except OutboxUnavailable as error:
        logger.warning(
            "Slack gets no message when CloudFront has completed a purge: %s.", error
        )
