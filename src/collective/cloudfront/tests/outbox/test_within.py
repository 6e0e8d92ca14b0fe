"""Asking something that may hang."""

from collective.cloudfront.outbox.within import Late
from collective.cloudfront.outbox.within import Within

import pytest
import threading


def test_the_answer_is_what_the_job_returns():
    assert Within("job", lambda: 42).ask(60.0) == 42


def test_each_time_it_is_asked_anew():
    answers = iter([1, 2])
    asked = Within("job", lambda: next(answers))
    assert [asked.ask(60.0), asked.ask(60.0)] == [1, 2]


def test_what_the_job_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        Within("job", lambda: 1 / 0).ask(60.0)


def test_nobody_waits_longer_and_one_thread_hangs_however_many_ask():
    end, begun = threading.Event(), []

    def hang():
        begun.append(threading.current_thread())
        end.wait()
        return "at last"

    asked = Within("job", hang)
    for _ in range(5):
        with pytest.raises(Late):
            asked.ask(0.01)
    assert len(begun) == 1
    end.set()
    begun[0].join()
    assert asked.ask(60.0) == "at last"
