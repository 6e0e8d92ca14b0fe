"""Specification: processes and the server may be killed at any moment: each item arrives,
and is billed once.
"""

from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.files import until_it_works
from collective.cloudfront.tests.profile import LONG

import json
import pytest
import random
import time


#: Before both programs: go on until the outbox works again.
_STUBBORN = """
import json, time, uuid
def stubborn(action):
    while True:
        try:
            return action()
        except (OutboxUnavailable, ClaimLost):
            time.sleep(0.01)
outbox = open_as()
outbox.listen(lambda: None)
log = open(args[0], "a", buffering=1)
"""

#: Each item is told once it is committed, as Plone would.
SAVER = (
    _STUBBORN
    + """
while True:
    items = [f"/{uuid.uuid4().hex}" for _ in range(3)]
    token, entries = uuid.uuid4().hex, [Entry("E1", item) for item in items]
    line = json.dumps(items) + "\\n"
    try:
        outbox.prepare(token, entries)()
        log.write(line)
        line = ""
    except OutboxUnavailable:
        pass  # they are in memory only, as in the intake
    stubborn(lambda: outbox.release(token, entries))
    log.write(line)
    time.sleep(0.002)
"""
)

#: CloudFront takes a reference once.
COURIER = (
    _STUBBORN
    + """
def deliver():
    outbox.release_abandoned(60)
    if not outbox.claim("E1", 60):
        return
    for batch in outbox.frozen("E1"):
        log.write(json.dumps([batch.reference, *batch.items]) + "\\n")
        outbox.settle(batch, "I")
    items = [each.item for each in outbox.pending("E1", 20)]
    if items:
        outbox.freeze("E1", uuid.uuid4().hex, items)

while True:
    stubborn(deliver)
    time.sleep(0.002)
"""
)


@pytest.mark.slow
@pytest.mark.long
def test_each_item_arrives_once_whoever_is_killed(server, user, tmp_path):
    saved, sent = tmp_path / "saved", tmp_path / "sent"
    programs = [(SAVER, saved), (SAVER, saved), (COURIER, sent), (COURIER, sent)]

    def start(number: int):
        code, log = programs[number]
        return processes.start(server.url, code, log)

    running = [start(number) for number in range(4)]
    chance = random.Random(5)
    for number in range(130 if LONG else 12):
        time.sleep(chance.uniform(0.0, 0.5))
        if number % 5 == 4:
            server.kill()
            server.start()
            continue
        which = chance.randrange(4)
        running[which].kill()
        running[which].communicate()
        running[which] = start(which)
    until_there_is(saved, 30)
    for process in running:
        process.kill()
        process.communicate()

    outbox = user(server.url)
    until_it_works(lambda: outbox.release_abandoned(0), attempts=100)
    committed = [item for line in lines(saved) for item in line]
    batches = {}
    for reference, *items in lines(sent):
        assert batches.setdefault(reference, items) == items
    unsent = outbox.frozen("E1")
    arrived = [item for items in batches.values() for item in items]
    arrived += [
        item for each in unsent if each.reference not in batches for item in each.items
    ]
    arrived += [each.item for each in outbox.pending("E1", 1_000_000)]
    assert set(committed) <= set(arrived)
    assert len(arrived) == len(set(arrived))
    assert len(batches) > 5


def lines(path) -> list[list[str]]:
    """Return what processes have written, but for a line that a kill has cut."""
    found = []
    for line in path.read_text().splitlines():
        for each in line.replace("][", "]\n[").splitlines():
            try:
                found.append(json.loads(each))
            except ValueError:
                pass
    return found


def until_there_is(path, count: int) -> None:
    while not path.exists() or len(lines(path)) < count:
        time.sleep(0.1)


def test_processes_that_start_together_share_one_outbox(server):
    code = """
outbox = open_as()
print("ready", flush=True)
sys.stdin.readline()
outbox.release("", [Entry("E1", f"/{args[0]}")])
"""
    running = [processes.start(server.url, code, number) for number in range(5)]
    processes.go_together(running)
    assert server.client().hlen("{cloudfront}:rows:ready") == 5
