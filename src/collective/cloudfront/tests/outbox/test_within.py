"""Asking something that may hang."""

from collective.cloudfront.outbox.within import Late
from collective.cloudfront.outbox.within import Within

import os
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_does_not_wait_for_a_thread_of_its_parent():
    end = threading.Event()
    jobs = iter([end.wait, lambda: True])
    asked = Within("job", lambda: next(jobs)())
    with pytest.raises(Late):
        asked.ask(0.01)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if asked.ask(60.0) is True else 2
        finally:
            os._exit(code)
    end.set()
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
