"""Bills, history and the journal."""

from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.pacing import Pace
from collective.cloudfront.tests.outbox import processes
from collective.cloudfront.tests.outbox.contract.common import action
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import E2
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import LIMITS
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import ready


class LedgerContract(Opened):
    """Bills, history and the journal."""

    # --- bills ------------------------------------------------------------------------

    def test_what_is_settled_is_billed_by_day_and_month(self, outbox, clock):
        clock.now = 1_800_000_000.0  # 2027-01-15T08:00Z
        outbox.settle(frozen(outbox, "/a", "/b", reference="r1"), "I1")
        outbox.settle(frozen(outbox, "/*", reference="r2"), "I2")
        clock.advance(16 * 3600)
        outbox.settle(frozen(outbox, "/a", reference="r3"), "I3")
        outbox.release("", entries("/a", distribution=E2))
        assert outbox.claim(E2, 60)
        outbox.settle(outbox.freeze(E2, "r4", ["/a"]), "I4")
        clock.advance(16 * 86400)
        outbox.settle(frozen(outbox, "/a", reference="r5"), "I5")
        assert outbox.billed("2027-01") == {E1: 4, E2: 1}
        assert outbox.billed_by_day("2027-01") == {
            E1: {"2027-01-15": 3, "2027-01-16": 1},
            E2: {"2027-01-16": 1},
        }
        assert outbox.billed("2027-02") == {E1: 1}
        assert outbox.billed("2027-03") == {}

    def test_what_is_not_accepted_is_not_billed(self, outbox):
        outbox.dissolve(frozen(outbox, "/a", reference="r1"))
        outbox.quarantine(frozen(outbox, "/a", reference="r2"), plain("no"))
        assert outbox.billed("2027-01") == {}

    # --- ids that were corrected --------------------------------------------------------

    def test_a_distribution_knows_those_that_it_has_replaced(self, outbox, other):
        assert outbox.former([E1, E2]) == ()
        outbox.retarget(E1, E2)
        outbox.retarget(E2, "E3")
        assert other.former(["E3"]) == (E1, E2)
        assert outbox.former([E1]) == ()
        # And back again
        outbox.retarget("E3", E1)
        assert outbox.former([E1]) == (E2, "E3")

    # --- people -----------------------------------------------------------------------

    def test_what_is_scheduled_for_some_distributions(self, outbox, clock):
        for distribution in (E1, E2, "E3"):
            for due in (clock.now + 10, clock.now + 20):
                outbox.release("", [Entry(distribution, "/a", due=due)])

        def found(*arguments):
            return [each.distribution for each in outbox.scheduled(*arguments)]

        assert found(9, {E1, "E3"}) == [E1, "E3", E1, "E3"]
        assert found(3, [E2]) == [E2, E2]
        assert found(9, []) == []
        assert len(found(9)) == 6

    def test_a_refused_item_can_be_tried_again(self, outbox, other, clock):
        since = clock.now
        outbox.release("", [Entry(E1, "/a", urgent=True), Entry(E1, "/b")])
        outbox.quarantine(frozen(outbox, "/a", "/b"), plain("no"))
        clock.advance(5)
        assert other.retry_quarantined(E1, "/a") is True
        assert other.retry_quarantined(E1, "/a") is False
        assert outbox.pending(E1, 9) == [Pending("/a", since, True)]
        assert [each.item for each in outbox.quarantined(9)] == ["/b"]
        assert outbox.retry_quarantined(E1, "/b")
        assert Pending("/b", since) in outbox.pending(E1, 9)

    def test_what_is_tried_again_is_ready_once(self, outbox, clock):
        since = clock.now
        outbox.quarantine(frozen(outbox, "/a"), plain("no"))
        clock.advance(5)
        outbox.release("", entries("/a"))
        assert outbox.retry_quarantined(E1, "/a")
        assert outbox.pending(E1, 9) == [Pending("/a", since)]

    def test_a_batch_in_flight_settles_nothing_that_is_tried_again(self, outbox):
        outbox.quarantine(frozen(outbox, "/a/b"), plain("no"))
        batch = frozen(outbox, "/a/*", reference="r2")
        outbox.retry_quarantined(E1, "/a/b")
        outbox.settle(batch, "I1")
        assert ready(outbox) == ["/a/b"]

    def test_a_refused_item_can_be_discarded(self, outbox, other):
        outbox.quarantine(frozen(outbox, "/a", "/b"), plain("no"))
        assert other.discard_quarantined(E1, "/a") is True
        assert other.discard_quarantined(E1, "/a") is False
        assert [each.item for each in outbox.quarantined(9)] == ["/b"]
        assert ready(outbox) == []

    def test_only_what_is_refused_is_tried_again_or_discarded(self, outbox):
        outbox.quarantine(frozen(outbox, "/a"), plain("no"))
        outbox.release("", entries("/ready"))
        for change in (outbox.retry_quarantined, outbox.discard_quarantined):
            assert change(E2, "/a") is False
            assert change(E1, "/ready") is False
        assert [each.item for each in outbox.quarantined(9)] == ["/a"]
        assert ready(outbox) == ["/ready"]

    def test_what_people_do_is_kept(self, outbox, other):
        first = PurgeRequest("1", 5.0, "jané", "new theme", ("/*", "#é"), (E1, E2))
        second = PurgeRequest("2", 6.0, "joe", "", ("/a",), (E2,), due=99.0)
        outbox.record_request(first)
        outbox.record_request(second)
        assert other.requests(10) == [second, first]
        assert other.requests(1) == [second]

    def test_what_people_did_for_some_distributions(self, outbox):
        outbox.record_request(action("1", distributions=(E1, E2)))
        outbox.record_request(action("2", distributions=("E3",)))
        outbox.record_request(action("3", distributions=()))

        def found(distributions):
            return sorted(each.id for each in outbox.requests(9, distributions))

        assert found(None) == ["1", "2", "3"]
        assert found([E2]) == ["1"]
        assert found({E1, E2, "E3"}) == ["1", "2"]
        assert found([]) == []

    def test_an_action_recorded_again_is_replaced(self, outbox):
        outbox.record_request(action("1", reason="one"))
        outbox.record_request(action("1", reason="two"))
        assert [each.reason for each in outbox.requests(9)] == ["two"]

    def test_a_user_and_a_reason_are_kept_as_a_line(self, outbox):
        outbox.record_request(
            action("1", user="ja\nne" * 99, reason="x\ud800\0y " + 2000 * "z")
        )
        (found,) = outbox.requests(9)
        assert len(found.user) == 200
        assert found.user.startswith("ja neja ne")
        assert found.reason == "x y " + 995 * "z" + "…"

    def test_a_scheduled_action_can_be_cancelled(self, outbox, other, clock):
        due = clock.now + 60
        for identifier in "12":
            done = action(identifier, due=due, distributions=(E1, E2))
            outbox.record_request(done)
            outbox.release(
                "",
                [
                    Entry(E, item, due=due, key=done.key)
                    for E in (E1, E2)
                    for item in "/#"
                ],
            )
        clock.advance(10)
        assert other.cancel_request("1") == 4
        assert other.cancel_request("1") == 0
        assert other.cancel_request("unknown") == 0
        assert {each.key for each in outbox.scheduled(9)} == {"action:2"}
        found = {each.id: each.cancelled for each in outbox.requests(9)}
        assert found == {"1": clock.now, "2": None}

    def test_an_action_that_is_due_is_not_cancelled(self, outbox, clock):
        done = action("1", due=clock.now + 60)
        outbox.record_request(done)
        outbox.release("", [Entry(E1, "/a", due=done.due, key=done.key)])
        clock.advance(60)
        assert outbox.cancel_request("1") == 0
        assert outbox.requests(1) == [done]
        assert outbox.release_due() == 1

    def test_what_is_old_is_forgotten_but_for_what_is_still_to_come(
        self, outbox, clock
    ):
        for number in range(3):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            settled = outbox.settle(batch, f"I{number}")
            if number != 0:
                outbox.complete(settled, "Completed")
            outbox.record_request(action(f"now {number}", time=clock.now))
            clock.advance(100)
        soon = clock.now - 300
        outbox.record_request(action("past", time=soon, due=soon + 10))
        outbox.record_request(action("to come", time=soon, due=clock.now + 10))
        outbox.tidy(10)
        assert (len(outbox.history(9)), len(outbox.requests(9))) == (3, 5)
        outbox.tidy(10, 150)
        # The first is in progress, however old.
        assert [each.invalidation for each in outbox.history(9)] == ["I2", "I0"]
        assert {each.id for each in outbox.requests(9)} == {"now 2", "to come"}

    def test_an_invalidation_is_found_by_its_id(self, outbox, other):
        first, second = (
            outbox.settle(frozen(outbox, item, reference=item), f"I{item}")
            for item in ("/a", "/b")
        )
        assert other.settled("I/a", {E1, E2}) == first
        assert other.settled("I/b", [E1]) == second
        assert other.settled("I/b", [E2]) is None
        assert other.settled("I/c", [E1]) is None
        assert other.settled("I/a", []) is None

    def test_history_comes_newest_first(self, outbox, clock):
        for number in range(5):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            outbox.settle(batch, f"I{number}")
            clock.advance(1)
        found = [settled.invalidation for settled in outbox.history(3)]
        assert found == ["I4", "I3", "I2"]

    def test_history_and_quarantine_of_some_distributions(self, outbox):
        for distribution in (E1, E2, "E3"):
            outbox.release("", entries("/a", "/b", distribution=distribution))
            assert outbox.claim(distribution, 60)
            batch = outbox.freeze(distribution, f"r{distribution}", ["/a"])
            outbox.settle(batch, "I")
            batch = outbox.freeze(distribution, f"q{distribution}", ["/b"])
            outbox.quarantine(batch, plain("no"))
        for found in (outbox.history, outbox.quarantined):
            assert {each.distribution for each in found(9, {E1, "E3"})} == {E1, "E3"}
            assert {each.distribution for each in found(9, [E2])} == {E2}
            assert found(9, []) == []
            assert len(found(9)) == 3
            assert len(found(1, {E1, E2})) == 1

    def test_quarantine_comes_newest_first(self, outbox, clock):
        for number in range(5):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            outbox.quarantine(batch, plain("no"))
            clock.advance(1)
        assert [refused.item for refused in outbox.quarantined(3)] == ["/4", "/3", "/2"]

    def test_tidying_keeps_the_latest_and_all_in_progress(self, outbox, clock):
        for number in range(6):
            batch = frozen(outbox, f"/{number}", reference=f"r{number}")
            settled = outbox.settle(batch, f"I{number}")
            if number != 1:
                outbox.complete(settled, "Completed")
            clock.advance(1)
        outbox.release("", entries("/ready"))
        frozen(outbox, "/frozen", reference="rf")
        outbox.prepare("t", entries("/prepared"))
        outbox.tidy(2)
        found = [settled.invalidation for settled in outbox.history(10)]
        assert found == ["I5", "I4", "I1"]
        assert ready(outbox) == ["/ready"]
        assert len(outbox.frozen(E1)) == 1
        assert outbox.status().prepared == 1

    def test_a_closed_outbox_opens_itself_again(self, outbox):
        outbox.release("", entries("/a"))
        outbox.close()
        outbox.close()
        assert ready(outbox) == ["/a"]

    def test_everything_survives_the_end_of_its_process(self, engine, clock):
        code = """
outbox = open_as()
outbox.release("", [Entry("E1", "/ready"), Entry("E1", "/sent"), Entry("E1", "/old")])
assert outbox.claim("E1", 60)
outbox.keep_pace("E1", Pace.fresh(0.0, Limits()))
outbox.settle(outbox.freeze("E1", "r1", ["/old"]), "I1")
outbox.freeze("E1", "r2", ["/sent"])
die()
"""
        processes.run(engine.url, code)
        outbox = engine.open(clock)
        assert ready(outbox) == ["/ready"]
        assert [batch.reference for batch in outbox.frozen(E1)] == ["r2"]
        assert [settled.invalidation for settled in outbox.history(10)] == ["I1"]
        assert outbox.pace(E1) == Pace.fresh(0.0, LIMITS)
