"""A courier as a process of its own, without Zope.

::

    Zope ──► the outbox: items, and what is published of sites ──► worker ──► CloudFront
                  ▲                                                   │
                  └──────────── presence, claims, history ◄───────────┘

Several workers stand by for each other, as the couriers of several Zopes do. Credentials
come from where boto3 finds them for this process, with the profiles and roles that sites
name. A key pair that was entered in Plone stays there: see ``published``.
"""

from collections.abc import Callable
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.calls import InThreads
from collective.cloudfront.delivery.courier import Courier
from collective.cloudfront.delivery.courier import GRACE_SECONDS
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.delivery.published import Published
from collective.cloudfront.delivery.published import published
from collective.cloudfront.delivery.reading import ReadingThread
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.delivery.thread import CourierThread
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.messages import counted
from collective.cloudfront.planning.pacing import Limits

import logging
import threading
import time


logger = logging.getLogger("collective.cloudfront")


class Worker:
    """Delivers what is in an outbox, for all sites that are published in it."""

    def __init__(
        self,
        outbox: Outbox,
        limits: Limits = Limits(),
        grace: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
    ):
        """``grace`` is seconds, ``clock`` returns Unix seconds."""
        self.outbox = outbox
        self._clock = clock
        self._reading_published = threading.Lock()
        self._published = Published()
        self._targets: Mapping[str, Target] = {}
        self._has_read = False
        self._presence = Presence(outbox, Kind.WORKER, clock)
        self.courier = Courier(
            outbox,
            Boto3Gateway(),
            self.targets,
            limits=limits,
            grace=grace,
            errands=self._errands,
            calls=InThreads(),
        )
        self.thread = CourierThread(self.courier)
        # Zopes learn from the outbox what it finds.
        self.reading = ReadingThread(outbox, self.targets, lambda known: None)

    def start(self) -> None:
        """Begin to deliver, in threads."""
        self.outbox.listen(self.thread.wake)
        self.thread.wake()
        self.reading.start()

    def stop(self, seconds: float) -> None:
        """Send what is ready, for so long at most; the rest stays in the outbox."""
        self.reading.stop()
        in_flight = not self.thread.drain(seconds)
        self.leave()
        self._tell_what_waits(in_flight)

    def _errands(self) -> None:
        if not self._has_read:
            # An idle worker, too, says what it delivers to.
            self.targets()
        self._presence.say()

    @property
    def published(self) -> Published:
        """What was read last of what Zopes have published."""
        return self._published

    def leave(self) -> None:
        """Let others know that this worker is gone."""
        try:
            self._presence.end()
        except OutboxUnavailable as error:
            logger.debug("Others see in a minute that this worker is gone: %s", error)

    def targets(self) -> Mapping[str, Target]:
        """Return what is delivered to; what was known, if the outbox does not say."""
        with self._reading_published:
            try:
                # Each time: when settings are corrected, Zope has purging go on at once,
                # and with the old ones it would be paused again.
                self._take(published(self.outbox, self._clock()))
            except OutboxUnavailable as error:
                # The courier says so, too.
                logger.debug("What is published is read later: %s", error)
        return self._targets

    def _take(self, found: Published) -> None:
        is_first, before = not self._has_read, self._published
        if found == before and not is_first:
            return
        self._has_read = True
        earlier, self._targets = self._targets, found.targets
        self._published = found
        if is_first and not found.sites:
            logger.warning(
                "No site is known in %r. Start Zope with the same outbox: it publishes "
                "its sites there.",
                self.outbox,
            )
        for name in found.only_with_keys:
            if is_first or name not in before.only_with_keys:
                logger.warning("%s", needs_zope(name))
        if self._targets.keys() != earlier.keys():
            logger.info(
                "Delivering to: %s.", " ".join(sorted(self._targets)) or "nothing yet"
            )

    def _tell_what_waits(self, in_flight: bool) -> None:
        try:
            waiting = sum(each.pending for each in self.outbox.work())
        except OutboxUnavailable as error:
            logger.warning("The waiting items cannot be counted: %s.", error)
            return
        if waiting:
            logger.info(
                "This worker ends with %s waiting in %r. Other workers send them now, or "
                "the next one does.%s",
                counted(waiting, "item"),
                self.outbox,
                " A request to CloudFront is still in progress and will be "
                "repeated." * in_flight,
            )


def needs_zope(distribution: str) -> str:
    """Return why a worker cannot deliver to a distribution, and what to do."""
    return (
        f"{distribution}: a worker cannot serve this distribution, because its site signs "
        "with a key pair from the settings, which Zope does not share. Use a role or a "
        "profile instead, or set CLOUDFRONT_COURIER=on in Zope."
    )
