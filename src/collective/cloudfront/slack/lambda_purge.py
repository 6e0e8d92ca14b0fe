"""What the Lambda function does: invalidations, at once, and waiting for their end."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import MutableMapping
from collective.cloudfront.alerts.webhook import NotDelivered
from collective.cloudfront.manual.around import below
from collective.cloudfront.manual.around import reaches_all
from collective.cloudfront.manual.around import twin
from collective.cloudfront.manual.lines import read_paths
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.slack import answers
from collective.cloudfront.slack.answers import Answer
from collective.cloudfront.slack.command import Command
from collective.cloudfront.slack.command import Kind
from collective.cloudfront.slack.desk import CannotPurge
from collective.cloudfront.slack.desk import Order
from collective.cloudfront.slack.lambda_aws import Aws
from collective.cloudfront.slack.lambda_aws import Failed
from collective.cloudfront.slack.posting import post_answer
from dataclasses import dataclass
from datetime import timezone
from datetime import tzinfo
from typing import Any

import logging
import time


logger = logging.getLogger("collective.cloudfront")

#: CloudFront is asked so often (seconds) whether it has completed an invalidation.
LOOK_EVERY = 3.0
#: With so little time left (seconds) the end is not waited for any more.
_ENOUGH = 8.0
#: So many items are named.
_SHOWN = 5
#: So many purges are remembered.
_MOST = 1000

_PORTS = ("", ":80", ":443")
#: AWS's words for "later", and botocore's for "no answer".
_BUSY = {"TooManyInvalidationsInProgress", "Throttling", "ThrottlingException"}
_SILENT = {"ReadTimeoutError", "ConnectTimeoutError", "EndpointConnectionError"}
_ADVICE = {
    "AccessDenied": "The role of the function may not do this.",
    "NoSuchDistribution": "There is no such distribution.",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the environment says of the site. See ``lambda_handler``."""

    distributions: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    prefix: str = ""
    has_api: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Wanted":
        """Read it."""
        names = environ.get("CLOUDFRONT_DISTRIBUTION_ID", "").replace(",", " ").split()
        hosts = environ.get("SITE_HOSTS", "").lower().replace(",", " ").split()
        return cls(
            tuple(dict.fromkeys(names)),
            tuple(f"{host}{port}" for host in hosts for port in _PORTS),
            environ.get("SITE_PREFIX", "").rstrip("/"),
            environ.get("SITE_API", "").strip().lower() in ("on", "true", "yes", "1"),
        )

    @property
    def everything(self) -> str:
        """The item that reaches every page."""
        return subtree(self.prefix) if self.prefix else EVERYTHING

    def items(self, command: Command) -> tuple[str, ...]:
        """Return the items of a command. Raises ``CannotPurge``."""
        if command.kind is Kind.ALL:
            return (self.everything,)
        if command.kind is Kind.TAGS:
            return tuple(f"#{tag}" for tag in command.targets)
        found: list[str] = []
        for line in read_paths(command.targets, self.hosts):
            if line.problem is not None:
                raise CannotPurge(answers.bad_path(line.text, line.problem))
            items = below(line.item) if command.below else [line.item]
            found += items
            if self.has_api:
                found += filter(None, (twin(each, self.prefix) for each in items))
        return tuple(dict.fromkeys(found))


class LambdaBackend:
    """See ``desk.Backend``."""

    can_schedule = False
    zone: tzinfo = timezone.utc

    def __init__(
        self,
        aws: Aws,
        wanted: Wanted,
        seen: MutableMapping[str, float],
        later: Callable[[dict[str, Any]], None],
        sleep: Callable[[float], None] = time.sleep,
    ):
        """``seen`` are the keys that were purged by this container; ``later`` has
        ``follow`` called with an event, in another invocation.
        """
        self._aws = aws
        self._wanted = wanted
        self._seen = seen
        self._later = later
        self._sleep = sleep

    def status(self) -> str:
        """See ``desk.Backend``."""
        lines = []
        for each in self._wanted.distributions:
            try:
                count = self._aws.in_progress(each)
                said = f"invalidations in progress: {count}" if count else "ready"
            except Failed as error:
                said = f"not known. {_advice(error)}"
            lines.append(f"{answers.code(each)}: {said}")
        return "\n".join(lines) or _NO_DISTRIBUTION

    def is_everything(self, command: Command) -> bool:
        """See ``desk.Backend``."""
        items = self._wanted.items(command)
        return any(reaches_all(item, self._wanted.prefix) for item in items)

    def is_first(self, key: str) -> bool:
        """See ``desk.Backend``. Only a container's memory: CloudFront decides."""
        return key not in self._seen

    def purge(self, order: Order) -> Answer:
        """See ``desk.Backend``."""
        if not self._wanted.distributions:
            raise CannotPurge(_NO_DISTRIBUTION)
        items = self._wanted.items(order.command)
        accepted: list[list[str]] = []
        trouble: list[str] = []
        for each in self._wanted.distributions:
            try:
                # The same for every repetition: CloudFront purges once
                found = self._aws.create(each, f"slack-{order.key}", items)
                accepted.append([each, found])
            except Failed as error:
                trouble.append(f"{answers.code(each)}: {_advice(error)}")
        logger.info(
            "Slack user %s (%s) purges %s: %s",
            order.user,
            order.user_name,
            " ".join(items[:5]) + (" …" if len(items) > 5 else ""),
            " ".join(id for _, id in accepted) or "refused",
        )
        if not accepted:
            raise CannotPurge("\n".join(["Nothing was purged.", *trouble]))
        self._remember(order.key)
        self._follow_later(order, items, accepted)
        ids = " ".join(answers.code(id) for _, id in accepted)
        said = f"CloudFront removes {answers.some(items)} (invalidation {ids})."
        return Answer("\n".join([said, *trouble]))

    def _remember(self, key: str) -> None:
        self._seen[key] = time.time()
        while len(self._seen) > _MOST:
            del self._seen[next(iter(self._seen))]

    def _follow_later(
        self, order: Order, items: tuple[str, ...], accepted: list[list[str]]
    ) -> None:
        event = {
            "user": order.user,
            "items": list(items[:_SHOWN]),
            "count": len(items),
            "accepted": accepted,
            "response_url": order.response_url,
        }
        try:
            self._later(event)
        except Failed as error:
            logger.warning(
                "The channel is not notified when CloudFront has completed the purge "
                "(%s). The role needs lambda:InvokeFunction for this function.",
                error.code,
            )

    def follow(self, event: Mapping[str, Any], left: Callable[[], float]) -> None:
        """Wait until CloudFront has completed what ``event`` names, for as long as
        there are seconds ``left``, and tell the channel.
        """
        open_ones = [tuple(each) for each in event["accepted"]]
        while open_ones and left() > _ENOUGH:
            open_ones = [each for each in open_ones if not self._is_over(*each)]
            if open_ones:
                self._sleep(LOOK_EVERY)
        shown, more = event["items"], event["count"] - len(event["items"])
        said = answers.not_completed if open_ones else answers.completed
        self._tell(event["response_url"], said(event["user"], shown, more))

    def _is_over(self, distribution: str, invalidation: str) -> bool:
        try:
            return self._aws.is_completed(distribution, invalidation)
        except Failed as error:
            logger.debug("CloudFront is asked again: %s", error)
            return False

    def _tell(self, response_url: str, answer: Answer) -> None:
        webhook = self._aws.secret().webhook_url
        for url in filter(None, (response_url, webhook)):
            try:
                post_answer(url, answer)
            except NotDelivered as error:
                logger.warning("Slack did not take a message: %s.", error)


_NO_DISTRIBUTION = (
    "Nothing can be purged: the function knows no distribution "
    "(`CLOUDFRONT_DISTRIBUTION_ID`)."
)


def _advice(error: Failed) -> str:
    if error.code in _BUSY:
        return "CloudFront is busy. Write the command again in a minute."
    if error.code in _SILENT:
        return "AWS did not answer in time. Write the command again."
    more = _ADVICE.get(error.code, "")
    return f"AWS refused it ({answers.plain(error.code)}). {more}".strip()
