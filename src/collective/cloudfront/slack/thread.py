"""The thread in which a Zope process posts answers to Slack."""

from collective.cloudfront.delivery.watch import Watch
from collective.cloudfront.process import this_process
from collective.cloudfront.slack.following import Following
from collective.cloudfront.slack.posting import post_answer
from collective.cloudfront.slack.secret import signing_secret
from typing import Any

import atexit
import os
import threading


#: How often (seconds) it looks for what other processes have left.
_LOOK_EVERY = 60.0
#: How often while something is to be posted.
_SOON = 1.0


class SlackThread:
    """Posts answers, in a daemon thread, while there are any."""

    def __init__(self) -> None:
        self._watch = Watch(
            "cloudfront-slack",
            self._look,
            _LOOK_EVERY,
            "Answers to Slack cannot be posted now; trying again.",
            end=lambda: this_process().outbox.close(),
        )
        self.start = self._watch.start
        self.stop = self._watch.stop
        self.wake = self._watch.wake

    def _look(self) -> None:
        following = Following(this_process().outbox, post_answer)
        while following.look():
            self._watch.rest(_SOON)


_lock = threading.Lock()
_thread: tuple[int, SlackThread] | None = None


def _current() -> SlackThread | None:
    """Return the thread of this process: a child makes its own."""
    global _thread
    with _lock:
        if _thread is not None and _thread[0] != os.getpid():
            _thread = (os.getpid(), SlackThread())
            _thread[1].start()
        return _thread and _thread[1]


def start(event: Any = None) -> None:
    """Zope has started: post what an earlier process left, if Slack is used."""
    global _thread
    if signing_secret():
        with _lock:
            _thread = (os.getpid(), SlackThread())
        _thread[1].start()


def wake(event: Any = None) -> None:
    """Post what is due now: something was asked for, or CloudFront has completed
    something.
    """
    current = _current()
    if current is not None:
        current.wake()


@atexit.register
def stop() -> None:
    """Zope ends."""
    global _thread
    with _lock:
        current, _thread = _thread, None
    if current is not None and current[0] == os.getpid():
        current[1].stop()
