"""What CloudFront refuses."""

from collective.cloudfront.outbox.messages import plain
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import Pending
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.tests.outbox.contract.common import E1
from collective.cloudfront.tests.outbox.contract.common import entries
from collective.cloudfront.tests.outbox.contract.common import frozen
from collective.cloudfront.tests.outbox.contract.common import Opened
from collective.cloudfront.tests.outbox.contract.common import ready


class QuarantineContract(Opened):
    """What CloudFront refuses."""

    # --- what is refused --------------------------------------------------------------

    def test_a_dissolved_batch_is_ready_again(self, outbox, clock):
        since = clock.now
        batch = frozen(outbox, "/a", "/b/*")
        clock.advance(5)
        outbox.dissolve(batch)
        assert outbox.frozen(E1) == []
        assert set(outbox.pending(E1, 10)) == {
            Pending("/a", since),
            Pending("/b/*", since),
        }

    def test_a_dissolved_item_that_was_added_again_is_ready_once(self, outbox, clock):
        since = clock.now
        batch = frozen(outbox, "/a")
        clock.advance(5)
        outbox.release("", entries("/a"))
        outbox.dissolve(batch)
        assert outbox.pending(E1, 10) == [Pending("/a", since)]

    def test_a_split_batch_is_two_halves_in_order(self, outbox, clock):
        since = clock.now
        outbox.release("", entries("/1", "/2", "/3", "/4", "/5"))
        clock.advance(5)
        batch = frozen(outbox, "/1", "/2", "/3", "/4", "/5")
        outbox.split(batch, ("ra", "rb"))
        first, second = outbox.frozen(E1)
        assert (first.reference, second.reference) == ("ra", "rb")
        assert first.items + second.items == batch.items
        assert first.items
        assert second.items
        assert first.since == second.since == since

    def test_a_batch_is_split_down_to_single_items(self, outbox):
        items = [f"/{number}" for number in range(7)]
        frozen(outbox, *items)
        for number in range(100):
            large = [batch for batch in outbox.frozen(E1) if len(batch.items) > 1]
            if not large:
                break
            outbox.split(large[0], (f"x{number}", f"y{number}"))
        assert sorted(batch.items for batch in outbox.frozen(E1)) == [
            (item,) for item in items
        ]

    def test_halves_settle_what_their_batch_would_have_settled(self, outbox):
        outbox.release("", entries("/a/old"))
        batch = frozen(outbox, "/a/*", "/b")
        outbox.release("", entries("/a/new"))
        outbox.split(batch, ("ra", "rb"))
        for half in outbox.frozen(E1):
            outbox.settle(half, f"I-{half.reference}")
        assert ready(outbox) == ["/a/new"]

    def test_items_in_quarantine_are_kept_with_the_reason(self, outbox, other, clock):
        since = clock.now
        batch = frozen(outbox, "/bad")
        clock.advance(5)
        outbox.quarantine(batch, plain("InvalidArgument: no"))
        assert other.quarantined(10) == [
            Quarantined(E1, "/bad", plain("InvalidArgument: no"), since, clock.now)
        ]
        assert other.frozen(E1) == []
        assert ready(other) == []
        assert other.status().quarantined == 1

    def test_an_item_in_quarantine_can_be_added_again(self, outbox, clock):
        outbox.quarantine(frozen(outbox, "/bad"), plain("first"))
        clock.advance(1)
        outbox.quarantine(frozen(outbox, "/bad", reference="r2"), plain("second"))
        assert [str(each.reason) for each in outbox.quarantined(10)] == ["second"]

    def test_what_a_quarantined_wildcard_covered_is_reached_by_the_one_above(
        self, outbox, clock
    ):
        since = clock.now
        outbox.release("", [Entry(E1, "/a/b/c", urgent=True)])
        clock.advance(5)
        outbox.quarantine(frozen(outbox, "/a/b*", "/d"), plain("no"))
        assert outbox.pending(E1, 9) == [Pending("/a/*", since, True)]
        quarantined = {each.item for each in outbox.quarantined(9)}
        assert quarantined == {"/a/b*", "/d"}

    def test_there_is_nothing_above_everything(self, outbox):
        outbox.quarantine(frozen(outbox, "/*"), plain("no"))
        assert ready(outbox) == []

    def test_refusals_for_quota_are_counted(self, outbox, other):
        batch = frozen(outbox, "/a")
        assert outbox.count_refusal(batch) == 1
        assert outbox.count_refusal(batch) == 2
        assert other.frozen(E1)[0].refusals == 2
