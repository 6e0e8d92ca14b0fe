"""Operations at random, by two editors on two Zope processes, now and then at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from freshness.crawler import Content
from freshness.editor import NotPossible
from freshness.in_zope import count_conflicts
from freshness.operations import EVERYWHERE
from freshness.operations import NOT_IN_A_WALK
from freshness.operations import OPERATIONS
from freshness.operations import Steps
from freshness.world import Finding
from freshness.world import World

import hashlib
import itertools
import random
import time


EDITORS = "AB"
#: How many steps of a hundred are two operations at once, and how many of these are
#: twice the same.
AT_ONCE = 40
TWICE = 40
#: So many new words does an operation need at most.
_WORDS = 4
#: Besides what is worked on, so many URLs are visited in each step.
_VISITED = 20


@dataclass(slots=True)
class Turn:
    """What one of the editors does in a step."""

    who: str
    name: str
    steps: Steps
    picked: list[str]
    paths: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        words = " ".join((self.who, self.name, *self.picked))
        return f"{words} (not possible: {self.problem})" if self.problem else words

    def go_on(self) -> bool:
        """Do the next part; return False at the end."""
        try:
            self.paths = next(self.steps)
        except StopIteration:
            return False
        except NotPossible as error:
            self.problem = " ".join(str(error).split())[:90]
            return False
        return True


#: So many pages that are being changed are also asked for as pages that take long.
_SLOW_PAGES = 2


class Walk:
    """A random walk.

    What is drawn depends on the seed and the number of the step only; whether there is
    the content that is picked, after operations at once, on who came first.
    """

    def __init__(self, world: World, seed: int, every: int):
        self.world = world
        self.seed = seed
        self.every = every
        self._names = [name for name in OPERATIONS if name not in NOT_IN_A_WALK]
        self._weights = [1 if name in EVERYWHERE else 3 for name in self._names]
        self._turns = self._refused = self._at_once = self._checked = 0
        self._working = self._looking = 0.0

    def go(self, steps: int, tell: Callable[[str], None]) -> list[int]:
        """Take steps; return the numbers of those at which something was stale."""
        # Otherwise all pages are purged after most operations, and none can be stale.
        self.world.editor.set_record("plone.navigation_depth", 1)
        self.world.look()
        tell(f"Seed {self.seed}, editors {EDITORS[0]} and {EDITORS[1]}:")
        failed: list[int] = []
        since: list[str] = []
        for step in range(1, steps + 1):
            started = time.monotonic()
            since.append(f"{step} {self._take_step(step)}")
            self._working += time.monotonic() - started
            tell(since[-1])
            if step % self.every and step != steps:
                continue
            finding = self._look(tell)
            if finding.stale:
                failed.append(step)
                tell(f"Stale at step {step} of seed {self.seed}, after:")
                for line in [*since, *map(": ".join, finding.stale.items())]:
                    tell(f"    {line}")
            since.clear()
        return failed

    def summary(self) -> str:
        """Say what was done, and how long it took."""
        logs = [count_conflicts(instance.log) for instance in self.world.instances]
        tried, given_up = map(sum, zip(*logs, strict=True))
        return (
            f"{self._turns - self._refused} operations done, {self._refused} not "
            f"possible, {self._at_once} times two at once; {tried} requests tried "
            f"again after a conflict, {given_up} given up; {self._working:.0f} s of "
            f"steps, {self._looking:.0f} s of looks at {self._checked} cached answers."
        )

    def _look(self, tell: Callable[[str], None]) -> Finding:
        """Compare everything cached, and have everything cached for the next steps."""
        started = time.monotonic()
        finding = self.world.look()
        self.world.warm()
        took = time.monotonic() - started
        tell(f"    {finding.checked} cached, {finding.dropped} purged; {took:.1f} s")
        self._looking += took
        self._checked += finding.checked
        return finding

    # A step

    def _take_step(self, step: int) -> str:
        chance = random.Random(f"{self.seed} {step}")
        self._visitors = random.Random(f"{self.seed} {step} visitors")
        turns = self._draw(step, chance)
        # Here they pick, and some change something already.
        ready = [turn for turn in turns if turn.go_on()]
        self._warm(ready)
        if len(ready) > 1:
            self._at_once += 1
            self._do_at_once(ready)
        for turn in ready:
            while turn.go_on():
                self._warm([turn])
        # Visitors come while it is on its way.
        self.world.visit(self._some(self.world.visited()))
        self._turns += len(turns)
        self._refused += sum(bool(turn.problem) for turn in turns)
        return " | ".join(map(str, turns))

    def _draw(self, step: int, chance: random.Random) -> list[Turn]:
        """Return who is to do what: one or both editors."""
        editors = list(enumerate(self.world.editors))
        chance.shuffle(editors)
        names = chance.choices(self._names, self._weights, k=2)
        at_once, twice = chance.randrange(100), chance.randrange(100)
        if twice < TWICE:
            names[1] = names[0]
        contents = self.world.contents()
        taken: list[str] = []
        turns = []
        for (number, editor), name in zip(editors, names, strict=True):
            editor.numbers = itertools.count((2 * step + number) * _WORDS + step)
            pick = _Pick(f"{self.seed} {step} {number}", contents, taken)
            steps = OPERATIONS[name](editor, pick)
            turns.append(Turn(EDITORS[number], name, steps, pick.picked))
            taken = pick.picked
        return turns if at_once < AT_ONCE else turns[:1]

    def _do_at_once(self, turns: list[Turn]) -> None:
        """Do what two editors do in two threads, while visitors come."""

        def finish(turn: Turn) -> None:
            while turn.go_on():
                pass

        paths = [path for turn in turns for path in turn.paths]
        urls = self.world.urls_on(paths) or self.world.visited()
        with ThreadPoolExecutor(len(turns) + 1) as pool:
            slow = pool.submit(self.world.visit_slowly, paths[:_SLOW_PAGES])
            done = [pool.submit(finish, turn) for turn in turns]
            while not all(each.done() for each in done):
                self.world.visit(self._some(urls, 4))
            for each in (*done, slow):
                each.result()

    def _warm(self, turns: list[Turn]) -> None:
        paths = [path for turn in turns for path in turn.paths]
        self.world.warm_some(paths, self._some)

    def _some(self, urls: list[str], most: int = _VISITED) -> list[str]:
        return self._visitors.sample(urls, min(most, len(urls)))


class _Pick:
    """Picks content at random, or what the other editor has picked, if it can be had."""

    def __init__(self, seed: str, contents: list[Content], taken: list[str]):
        self.picked: list[str] = []
        self._seed = seed
        self._contents = contents
        self._taken = taken

    def __call__(self, _default: str, portal_type: str, state: str = "") -> str:
        paths = [
            content.path
            for content in self._contents
            if content.portal_type == portal_type and state in ("", content.state)
        ]
        if not paths:
            raise NotPossible(f"There is no {state} {portal_type}.")
        both = [path for path in paths if path in self._taken]
        self.picked.append(min(both or paths, key=self._rank))
        return self.picked[-1]

    def _rank(self, path: str) -> bytes:
        """Order paths at random, so that others that come and go change no pick."""
        words = f"{self._seed} {len(self.picked)} {path}"
        return hashlib.sha256(words.encode()).digest()
