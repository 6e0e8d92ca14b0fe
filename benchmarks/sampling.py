"""Samples taken side by side, and what may be said of them.

The machine is never quiet: its speed drifts, and others work on it. So what is
compared is measured alternately in the same run (ABC CBA ABC …), figures are
medians with their quartiles, and a ratio comes with the interval that resampling
the rounds gives it. Where two *equal* things are compared as well, that ratio shows
what noise alone does.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from statistics import quantiles
from typing import TypeVar

import random
import time


Thing = TypeVar("Thing")
#: A sample, and the one that it is compared with.
Pair = tuple[Sequence[float], Sequence[float]]

#: Resamplings for an interval; of them this share lies inside it.
_RESAMPLINGS = 1000
_INSIDE = 0.95


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of a sample, and its quartiles."""

    median: float
    lower: float
    upper: float
    count: int

    @classmethod
    def of(cls, sample: Sequence[float]) -> "Spread":
        """Summarise a sample."""
        if len(sample) < 2:
            return cls(sample[0], sample[0], sample[0], len(sample))
        lower, middle, upper = quantiles(sample, n=4, method="inclusive")
        return cls(middle, lower, upper, len(sample))


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of medians, and the interval that holds 95 % of its resamplings."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, above: Sequence[float], below: Sequence[float]) -> "Ratio":
        """Compare two samples, the nth of each measured in the same round."""
        return cls(
            median(above) / median(below),
            *_interval(
                len(above), lambda rounds: _at(above, rounds) / _at(below, rounds)
            ),
        )

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


@dataclass(frozen=True, slots=True)
class More:
    """By how many milliseconds one difference of medians exceeds another, and the
    interval that holds 95 % of its resamplings.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, pair: Pair, other: Pair) -> "More":
        """Compare two pairs of samples, all of the same length."""
        (above, below), (above_other, below_other) = pair, other

        def more(rounds: Sequence[int]) -> float:
            return (_at(above, rounds) - _at(below, rounds)) - (
                _at(above_other, rounds) - _at(below_other, rounds)
            )

        return cls(more(range(len(above))), *_interval(len(above), more))

    def __str__(self) -> str:
        return f"{self.value:+.2f} ms ({self.low:+.2f} to {self.high:+.2f})"


def _at(sample: Sequence[float], rounds: Sequence[int]) -> float:
    return median(sample[number] for number in rounds)


def _interval(
    count: int, estimate: Callable[[Sequence[int]], float]
) -> tuple[float, float]:
    chance = random.Random(0)
    found = sorted(
        estimate(chance.choices(range(count), k=count))
        for _number in range(_RESAMPLINGS)
    )
    margin = int(_RESAMPLINGS * (1 - _INSIDE) / 2)
    return found[margin], found[-1 - margin]


def alternately(things: Sequence[Thing], rounds: int) -> Iterator[tuple[int, Thing]]:
    """Yield each thing once per round, with the round's number from 0. Each round is
    in the reverse order of the last.
    """
    for number in range(rounds):
        for thing in things if number % 2 == 0 else reversed(things):
            yield number, thing


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
