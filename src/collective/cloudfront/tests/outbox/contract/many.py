"""Many threads and processes at once."""

from collective.cloudfront.outbox.contract import Outbox
from collective.cloudfront.outbox.contract import OutboxUnavailable
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.contract.common import deliver_once
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import LONG
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import patiently
from collective.cloudfront.tests.outbox.contract.common import ready
from collective.cloudfront.tests.outbox.machine import run_machine
from concurrent.futures import ThreadPoolExecutor

import json
import pytest
import threading
import time


class ManyContract(Opened):
    """Many threads and processes at once."""

    # --- many at once -----------------------------------------------------------------

    @pytest.mark.long
    def test_any_sequence_of_operations_does_what_a_simple_model_does(self, tmp_path):
        run_machine(self.make_engine, tmp_path)

    def test_many_threads_lose_nothing_and_send_nothing_twice(self, engine):
        """Six threads save while two couriers with their own claims deliver."""
        saver, *couriers = [engine.open(time.time) for _ in range(3)]
        saver.release("", [])
        done = threading.Event()
        saved: list[str] = []

        def save(thread: int) -> None:
            for number in range(40):
                items = [f"/{thread}/{number}/{index}" for index in range(3)]
                token = f"{thread}-{number}"
                patiently(lambda: saver.prepare(token, entries(*items)))  # noqa: B023
                if number % 4:
                    patiently(lambda: saver.release(token, entries(*items)))  # noqa: B023
                    saved.extend(items)
                else:
                    patiently(lambda: saver.discard(token))  # noqa: B023

        def deliver(courier: Outbox) -> None:
            while True:
                last = done.is_set()
                try:
                    more = deliver_once(courier)
                except OutboxUnavailable:
                    more = True
                if last and not more:
                    return
                time.sleep(0.001)

        with ThreadPoolExecutor(8) as pool:
            deliveries = [pool.submit(deliver, courier) for courier in couriers]
            saves = [pool.submit(save, thread) for thread in range(6)]
            for future in saves:
                future.result(600)
            done.set()
            for future in deliveries:
                future.result(600)

        sent = [item for each in saver.history(10_000) for item in each.items]
        assert len(saved) == 6 * 30 * 3
        assert sorted(sent + ready(saver)) == sorted(saved)
        assert saver.status().prepared == 0

    def test_many_processes_lose_nothing_and_send_nothing_twice(self, engine):
        """Processes that save, some of which are killed, and two that deliver."""
        save = """
import time
outbox = open_as()
for number in range(1000):
    items = [f"/{args[0]}/{number}/{index}" for index in range(3)]
    entries = [Entry("E1", item) for item in items]
    for action in (outbox.prepare, outbox.release):
        while True:
            try:
                action(f"{args[0]}-{number}", entries)
                break
            except OutboxUnavailable:
                pass
    print(number, flush=True)
    if number == int(args[1]):
        die() if args[2] == "die" else sys.exit()
"""
        deliver = """
import time, uuid
outbox = open_as()

def deliver():
    if not outbox.claim("E1", 60):
        return time.sleep(0.002)
    for batch in outbox.frozen("E1"):
        outbox.settle(batch, "I")
    items = [each.item for each in outbox.pending("E1", 50)]
    if items:
        batch = outbox.freeze("E1", uuid.uuid4().hex, items)
        if args[0] == "die":
            die()
        outbox.settle(batch, "I")
    outbox.give_up("E1")

while True:
    try:
        if outbox.pending("E0", 1):
            break
        deliver()
    except OutboxUnavailable:
        pass
"""
        outbox = engine.open(time.time)
        outbox.release("", [])
        dying = processes.start(engine.url, deliver, "die")
        savers = [
            processes.start(engine.url, save, 1, 60, "end"),
            processes.start(engine.url, save, 2, 45, "die"),
        ]
        # It must be gone, and no zombie, before its claim is free.
        _, errors = dying.communicate(timeout=600)
        assert dying.returncode == -9, errors
        living = [processes.start(engine.url, deliver, "live") for _ in range(2)]
        counts = {}
        for number, process in enumerate(savers, 1):
            output, errors = process.communicate(timeout=600)
            assert process.returncode in (0, -9), errors
            counts[number] = len(output.split())
        outbox.release_abandoned(LONG)
        outbox.release("", entries("/stop", distribution="E0"))
        for process in living:
            _, errors = process.communicate(timeout=600)
            assert process.returncode == 0, errors

        assert outbox.claim(E1, 60)
        sent = [item for each in outbox.history(10_000) for item in each.items]
        sent += [item for batch in outbox.frozen(E1) for item in batch.items]
        released = [
            f"/{number}/{count}/{index}"
            for number in counts
            for count in range(counts[number])
            for index in range(3)
        ]
        assert counts == {1: 61, 2: 46}
        assert sorted(sent + ready(outbox)) == sorted(released)

    def test_the_calls_of_several_processes_stay_inside_the_rate(self, engine):
        code = """
import time
outbox, limits = open_as(), Limits(call_rate=20.0, call_burst=5.0)
started, granted = time.time(), 0
# However seldom a busy machine lets it run
while time.time() < started + 0.7 or granted < 5:
    try:
        granted += outbox.take_call(limits) == 0.0
    except OutboxUnavailable:
        pass  # the others have it all the time; a courier asks again, too
print(__import__("json").dumps([started, time.time(), granted]))
"""
        running = [processes.start(engine.url, code) for _ in range(3)]
        results = [json.loads(processes.output_of(process)) for process in running]
        seconds = max(end for _, end, _ in results) - min(each[0] for each in results)
        granted = sum(count for _, _, count in results)
        assert 5 + 0.5 * 20 <= granted <= 5 + seconds * 20 + 1
