"""Specification: nothing in a save waits for another thread's I/O.

In each test another thread is stuck in the database or the outbox, until the test lets
it go on. No clock decides: a save that waited would wait until it is let go on by the
limit of the helper, and the test would see that.
"""

from App.config import getConfiguration
from collections.abc import Iterator
from collective.cloudfront import process as module
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.process import Process
from collective.cloudfront.process import SETTINGS_FRESH
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import Settings
from contextlib import contextmanager
from plone import api

import pytest
import threading
import transaction


#: Seconds after which something stuck goes on by itself, so that a test that fails ends.
GIVE_UP = 60.0
E1, E2 = "E1PROCESS", "E2PROCESS"
KEYS = Credentials(access_key_id="AKIA", secret_access_key="s")
OTHER_KEYS = Credentials(access_key_id="AKIB", secret_access_key="s")


class Stuck:
    """Put in the place of a function: its first call waits until ``go_on`` is set."""

    def __init__(self, result=None):
        self.result = result
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.is_stuck = False

    def __call__(self, *args):
        if not self.reached.is_set():
            self.is_stuck = True
            self.reached.set()
            self.go_on.wait(GIVE_UP)
            self.is_stuck = False
        return self.result


@contextmanager
def in_another_thread(action, stuck: Stuck) -> Iterator[None]:
    """Have ``action`` stuck in another thread, and see that it still is at the end."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    assert stuck.reached.wait(GIVE_UP)
    try:
        yield
        assert stuck.is_stuck, "This waited for the other thread."
    finally:
        stuck.go_on.set()
        thread.join(GIVE_UP)


@pytest.fixture
def own(tmp_path):
    """A process of its own, whose courier works when it is told to."""
    process = Process({"CLOUDFRONT_OUTBOX": f"sqlite:///{tmp_path}/outbox.sqlite"})
    process.thread.wake = lambda: None
    yield process
    process.outbox.close()


def works(process):
    return {work.distribution: work.ready for work in process.outbox.work()}


# --- without a courier --------------------------------------------------------------------


@pytest.mark.parametrize("value", ["off", "OFF ", "false", "0", "no"])
def test_the_courier_can_be_off(tmp_path, value):
    url = f"sqlite:///{tmp_path}/outbox.sqlite"
    process = Process({"CLOUDFRONT_OUTBOX": url, "CLOUDFRONT_COURIER": value})
    assert process.is_courier_off
    process.courier.round()
    process.stop()


@pytest.mark.parametrize("value", ["on", "", "true", "nonsense"])
def test_otherwise_it_is_on(tmp_path, value, caplog):
    url = f"sqlite:///{tmp_path}/outbox.sqlite"
    process = Process({"CLOUDFRONT_OUTBOX": url, "CLOUDFRONT_COURIER": value})
    assert not process.is_courier_off
    assert ("use on or off" in caplog.text) == (value == "nonsense")


# --- reading the database ---------------------------------------------------------------


@pytest.fixture
def stuck_reading(monkeypatch):
    reading = Stuck({E1: Target(E1)})
    monkeypatch.setattr(module, "read_targets", reading)
    return reading


def test_a_save_completes_while_settings_are_read(
    functional_portal, process, stuck_reading
):
    process._read_at = None
    with in_another_thread(process.targets, stuck_reading):
        functional_portal.title = "changed"
        api.content.create(functional_portal, "Document", "page")
        transaction.commit()
        assert process.outbox.work()


def test_changed_settings_are_saved_while_settings_are_read(own, stuck_reading):
    own.database = object()
    with in_another_thread(own.targets, stuck_reading):
        own.settings_changed([(E1, E2)])
        own.learn({E2: Target(E2)})
        own.wake()
    # What became known meanwhile is not forgotten, and read again
    assert set(own._targets) == {E1, E2}
    stuck_reading.result = {E2: Target(E2, window=7.0)}
    assert own.targets() == {E2: Target(E2, window=7.0)}


def test_only_one_thread_reads(own, stuck_reading):
    own.database = object()
    found = []
    with in_another_thread(own.targets, stuck_reading):
        second = threading.Thread(target=lambda: found.append(own.targets()))
        second.start()
    second.join(GIVE_UP)
    assert found == [{E1: Target(E1)}]


# --- what is known ------------------------------------------------------------------------


def test_settings_are_read_again_after_a_while(own, monkeypatch):
    own.database = object()
    now = [100.0]
    reads = []
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "read_targets", lambda *_args: reads.append(1) or {})
    own.targets()
    own.targets()
    now[0] += SETTINGS_FRESH + 1
    own.targets()
    assert len(reads) == 2


def test_a_database_that_is_away_leaves_what_was_known(own, monkeypatch, caplog):
    def fail(*_args):
        raise OSError

    own.database = object()
    monkeypatch.setattr(module, "read_targets", lambda *_args: {E1: Target(E1)})
    own.targets()
    monkeypatch.setattr(module, "read_targets", fail)
    own.settings_changed()
    assert own.targets() == {E1: Target(E1)}
    assert "cannot be read now" in caplog.text


def test_a_transaction_tells_of_targets_that_nobody_knew(own):
    own.learn({E1: Target(E1, credentials=(KEYS,))})
    own.learn({E1: Target(E1, credentials=(OTHER_KEYS,))})
    assert own.targets() == {E1: Target(E1, credentials=(OTHER_KEYS,))}


def test_a_transaction_of_one_site_takes_nothing_from_another(own, monkeypatch):
    reads = []
    both = Target(E1, 1.0, (KEYS, OTHER_KEYS))
    monkeypatch.setattr(
        module, "read_targets", lambda *_args: reads.append(1) or {E1: both}
    )
    own.database = object()
    own.targets()
    own.learn({E1: Target(E1, 5.0, (KEYS,))})
    assert own.targets() == {E1: both}
    assert len(reads) == 1
    # What is new about a known one is read, and not guessed
    own.learn({E1: Target(E1, 0.5, (KEYS,))})
    assert own._targets == {E1: both}
    own.targets()
    assert len(reads) == 2


def test_each_distribution_of_a_site_has_its_role():
    settings = Settings(
        enabled=True,
        distributions=(
            Distribution(E1, role_arn="arn:1"),
            Distribution(E2, root="/en"),
            Distribution(E2, root="/de"),
        ),
        window=2.0,
        aws_profile="cdn",
        aws_access_key_id="AKIA",
        aws_secret_access_key="topsecret",
    )
    found = module.targets_of([settings])
    pair = {"access_key_id": "AKIA", "secret_access_key": "topsecret"}
    assert found[E1].credentials == (Credentials("cdn", "arn:1", **pair),)
    assert found[E2].credentials == (Credentials("cdn", "", **pair),)
    assert found[E1].window == 2.0
    assert "topsecret" not in f"{settings} {found}"


def test_a_site_that_is_switched_off_has_no_targets():
    settings = Settings(enabled=False, distributions=(Distribution(E1),), window=1.0)
    assert module.targets_of([settings]) == {}


def test_a_new_site_has_the_targets_of_a_new_target():
    settings = Settings(enabled=True, distributions=(Distribution(E1),), window=1.0)
    assert module.targets_of([settings]) == {E1: Target(E1)}


# --- the outbox -----------------------------------------------------------------------------


def test_making_a_process_opens_nothing(tmp_path):
    path = tmp_path / "outbox.sqlite"
    Process({"CLOUDFRONT_OUTBOX": f"sqlite:///{path}"})
    assert not path.exists()


def test_settings_are_saved_while_the_outbox_is_stuck(own, monkeypatch):
    resume = Stuck()
    monkeypatch.setattr(own.outbox, "resume", resume)
    own.settings_changed()
    with in_another_thread(own.courier.round, resume):
        own.settings_changed([(E1, E2)])
        own.learn({E2: Target(E2)})


def test_the_courier_moves_what_waits_for_an_id_that_is_gone(own):
    own.outbox.release("", [Entry(E1, "/a")])
    own.learn({E2: Target(E2)})
    own.settings_changed([(E1, E2)])
    assert works(own) == {E1: 1}
    own.run_errands()
    assert works(own) == {E2: 1}


def test_it_stays_where_another_site_still_has_the_id(own):
    own.outbox.release("", [Entry(E1, "/a")])
    own.learn({E1: Target(E1), E2: Target(E2)})
    own.settings_changed([(E1, E2)])
    own.run_errands()
    assert works(own) == {E1: 1}


def test_what_the_outbox_refuses_is_done_in_the_next_round(own, monkeypatch):
    def fail():
        raise OutboxUnavailable("away")

    own.outbox.release("", [Entry(E1, "/a")])
    own.learn({E2: Target(E2)})
    own.settings_changed([(E1, E2)])
    with monkeypatch.context() as patched:
        patched.setattr(own.outbox, "retarget", lambda old, new: fail())
        with pytest.raises(OutboxUnavailable):
            own.run_errands()
        own.settings_changed([])
        own.courier.round()
    own.run_errands()
    assert works(own) == {E2: 1}


def test_a_process_that_ends_does_what_the_courier_had_no_time_for(own):
    own.outbox.release("", [Entry(E1, "/a")])
    own.learn({E2: Target(E2)})
    own.settings_changed([(E1, E2)])
    own.stop()
    assert works(own) == {E2: 1}


def test_saving_settings_asks_neither_the_outbox_nor_the_database(
    functional_portal, process, monkeypatch
):
    asked = []
    # The courier of this process is asleep
    monkeypatch.setattr(process, "run_errands", lambda: None)
    for name in ("retarget", "resume"):
        monkeypatch.setattr(process.outbox, name, lambda *args: asked.append(args))
    monkeypatch.setattr(module, "read_targets", lambda *args: asked.append(args))
    api.portal.set_registry_record("collective.cloudfront.distribution_id", E2)
    transaction.commit()
    assert asked == []
    assert process._errands == [("E2TESTTESTTEST", E2)]


@pytest.mark.parametrize("name", ["c#", "what?", "100%25 done", "a%41", "größe"])
def test_the_outbox_is_in_var_whatever_the_name_of_its_folder(
    tmp_path, monkeypatch, name
):
    home = tmp_path / name / "var"
    home.mkdir(parents=True)
    monkeypatch.setattr(getConfiguration(), "clienthome", str(home), raising=False)
    process = Process({})
    process.outbox.release("", [Entry(E1, "/a")])
    process.outbox.close()
    assert (home / "cloudfront-outbox.sqlite").exists()


def test_a_courier_that_may_not_send_does_not_write(own):
    """Somebody else works on the distribution: nobody waits for the other courier."""
    own.learn({E1: Target(E1)})
    own.outbox.release("", [Entry(E1, "/a")])
    other = open_outbox(f"sqlite:///{own.outbox.path}")
    assert other.claim(E1, 60)
    other.freeze(E1, "r1", ["/a"])
    other.release("", [Entry(E1, "/b")])
    other.prepare("t", [Entry(E1, "/c")])()
    own.courier.round()  # housekeeping comes once in a while
    statements = []
    own.outbox.store._local.db.set_trace_callback(statements.append)
    for _ in range(20):
        own.courier.round()
    assert {each.split()[0] for each in statements} <= {"SELECT", "WITH", "PRAGMA"}
    assert len(statements) > 20
    other.end()


def test_a_child_purges_again_for_as_long_as_its_parent_did(own):
    own.learn({E1: Target(E1, again_after=10.0)})
    assert own.lately.transit == 10.0
    own.forked()
    assert own.lately.transit == 10.0
