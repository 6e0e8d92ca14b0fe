"""Whose fault a refusal is: that of an item, or of everything around it.

``InvalidArgument`` does not say which item it is about, nor whether it is about items at
all. So an item goes into quarantine only if others pass meanwhile::

    refused ──► does something pass? ──yes──► split; alone, thrice: quarantine
                        │
                        ├─not known──► repeat what was accepted before: it is not billed
                        │              again. Accepted: something passes
                        └─no──► pause; nothing is given up
"""

from collections.abc import Callable
from collections.abc import Sequence
from collective.cloudfront.outbox.values import Batch


#: After this (seconds) it has to be shown again that something passes.
PROOF_SECONDS = 60.0
#: So many batches are remembered: what other couriers do with theirs is not seen.
MOST_REMEMBERED = 10_000
#: So many refusals in a row may come of two bad items. Then we wait.
MOST_IN_A_ROW = 2


class Evidence:
    """Remembers refusals, and what passed after them. For one courier."""

    def __init__(self, clock: Callable[[], float]):
        """``clock`` returns seconds that nobody sets."""
        self._clock = clock
        #: By reference: when the batch, or what it is a part of, was refused first.
        self.suspicions: dict[str, float] = {}
        # By reference: how often it was refused
        self._refusals: dict[str, int] = {}
        # By distribution: when something passed, and the refusals since
        self._passed: dict[str, float] = {}
        self._in_a_row: dict[str, int] = {}

    def refused(self, batch: Batch) -> None:
        """Note that a batch was refused."""
        now = self._clock()
        if len(batch.items) == 1 and batch.reference not in self._refusals:
            # Alone for the first time: what passed before proves nothing against it.
            self.suspicions[batch.reference] = now
        self.suspicions.setdefault(batch.reference, now)
        while len(self.suspicions) > MOST_REMEMBERED:
            oldest = next(iter(self.suspicions))
            del self.suspicions[oldest]
            self._refusals.pop(oldest, None)
        self._refusals[batch.reference] = self._refusals.get(batch.reference, 0) + 1
        row = self._in_a_row.get(batch.distribution, 0)
        self._in_a_row[batch.distribution] = row + 1

    def passed(self, distribution: str) -> None:
        """Note that CloudFront accepts something."""
        self._passed[distribution] = self._clock()
        self._in_a_row.pop(distribution, None)

    def is_against(self, batch: Batch) -> bool:
        """Say whether something has passed since a batch was refused first."""
        passed = self._passed.get(batch.distribution)
        return (
            passed is not None
            and passed >= self.suspicions.get(batch.reference, self._clock())
            and self._clock() - passed <= PROOF_SECONDS
        )

    def is_long_row(self, distribution: str) -> bool:
        """Say whether refusals were so many that nothing may pass at all."""
        return self._in_a_row.get(distribution, 0) > MOST_IN_A_ROW

    def next(self, frozen: Sequence[Batch]) -> Batch:
        """Return the batch to try next: the one that was refused least often."""
        return min(frozen, key=lambda batch: self._refusals.get(batch.reference, 0))

    def suspects_all(self, frozen: Sequence[Batch], refusals: int) -> bool:
        """Say whether each batch was refused so often, and nothing has passed since:
        what was not tried yet may pass.
        """
        return all(
            self._refusals.get(batch.reference, 0) >= refusals
            and not self.is_against(batch)
            for batch in frozen
        )

    def hand_on(self, batch: Batch, halves: Sequence[str]) -> None:
        """Let the halves of a batch, by reference, be as old as the suspicion."""
        since = self.suspicions.get(batch.reference, self._clock())
        self.forget(batch)
        self.suspicions.update(dict.fromkeys(halves, since))

    def forget(self, batch: Batch) -> None:
        """Forget a batch that is no longer there."""
        self.suspicions.pop(batch.reference, None)
        self._refusals.pop(batch.reference, None)
