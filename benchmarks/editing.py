"""What the add-on adds to saving, renaming, retitling and publishing in a real Plone."""

from bench_site import EMPTY
from bench_site import HUGE
from bench_site import LARGE
from bench_site import PAGES
from bench_site import SIXTY
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from itertools import count
from pathlib import Path
from report import Result
from report import Row
from sampling import alternately
from sampling import More
from sampling import Ratio
from sampling import seconds
from sampling import Spread
from zopes import Site
from zopes import Sites


RATIO_GOAL = 1.05
MORE_GOAL = 1.0
NAMES = ("save", "rename", "title", "publish")

Trio = tuple[Site, Site, Site]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done: so often in each spell, and so many spells.

    Zope is started anew for each spell, because a process may be quicker than its
    twin for as long as it lives.
    """

    spells: int = 3
    saves: int = 120
    forms: int = 60
    renames: int = 6
    titles: int = 120
    turns: int = 6
    counted_titles: int = 5
    publishes: int = 8
    warm_up: int = 20
    descendants: int = 1000
    objects: int = 10_000
    pages: int = 60


QUICK = Extent(
    spells=2,
    saves=20,
    forms=10,
    renames=2,
    titles=20,
    turns=2,
    counted_titles=2,
    publishes=1,
    warm_up=5,
    descendants=100,
    objects=2000,
)


@dataclass(slots=True)
class Samples:
    """Milliseconds by site, and what CloudFront got, of one kind of work."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: list[list[tuple[str, ...]]] = field(default_factory=list)

    def time(self, site: Site, action: Callable[[], object]) -> None:
        """Measure an action."""
        self.taken[site.name].append(1000 * seconds(action))

    @contextmanager
    def timing_processors(self, trio: Trio) -> Iterator[None]:
        """Add up what Zope takes of the processor meanwhile, courier and all."""
        before = [site.cpu_seconds() for site in trio]
        yield
        for site, earlier in zip(trio, before):
            if earlier is not None:
                self.cpu[site.name] += site.cpu_seconds() - earlier


class Work:
    """Does all kinds of work on the three sites, alternately."""

    def __init__(self, folder: Path, extent: Extent, url: str = ""):
        self.extent = extent
        self.sites = Sites(folder, url)
        self.samples: dict[str, Samples] = defaultdict(Samples)
        self._numbers = count()

    def do(self, names: Sequence[str]) -> None:
        """Measure what is asked for."""
        extent = self.extent
        objects = extent.objects if "title" in names else 0
        self.sites.make(extent.descendants, extent.pages, objects)
        for _spell in range(extent.spells):
            with self.sites.running() as trio:
                self.sites.check(trio)
                for name in names:
                    getattr(self, name)(trio)

    # Save

    def save(self, trio: Trio) -> None:
        """Save pages, through the REST API and through the Classic form."""
        self._patch(trio, self.extent.warm_up, Samples())
        with self.samples["rest"].timing_processors(trio):
            self._patch(trio, self.extent.saves, self.samples["rest"])
        self._submit(trio, self.extent.warm_up // 4 + 1, Samples(), Samples())
        self._submit(
            trio, self.extent.forms, self.samples["form"], self.samples["shown"]
        )
        self.sites.wait_until_delivered()

    def _patch(self, trio: Trio, rounds: int, samples: Samples) -> None:
        for number, site in alternately(trio, rounds):
            patch = partial(site.editor.patch_text, _page(number), self._words())
            samples.time(site, patch)

    def _submit(
        self, trio: Trio, rounds: int, samples: Samples, shown: Samples
    ) -> None:
        for number, site in alternately(trio, rounds):
            path = _page(number)
            form = site.editor.form_of(path)
            submit = partial(site.editor.submit, path, form, self._words())
            samples.time(site, submit)
            shown.time(site, partial(site.editor.view, path))
            # Where a browser goes from the form, and the editor still waits.
            shown.taken[site.name][-1] += samples.taken[site.name][-1]

    def _words(self) -> str:
        return f"Edit {next(self._numbers):06d}. " * 50

    # Rename

    def rename(self, trio: Trio) -> None:
        """Rename the large folder back and forth."""
        for site in trio:
            site.editor.get_token()
            site.editor.uid(f"/{LARGE}")
        self._rename(trio, 2, Samples())
        with self.samples["rename"].timing_processors(trio):
            self._rename(trio, self.extent.renames, self.samples["rename"])

    def _rename(self, trio: Trio, rounds: int, samples: Samples) -> None:
        # An even number of rounds: in the end it has its old name again.
        for number, site in alternately(trio, rounds):
            name = LARGE if number % 2 else f"{LARGE}-renamed"
            uid = site.editor.uid(f"/{LARGE}")
            self._counted(samples, site, partial(site.editor.rename, uid, name))

    # Title

    def title(self, trio: Trio) -> None:
        """Edit the title of the huge folder, and of one with nothing below it."""
        for name in (HUGE, EMPTY):
            self._retitle(trio, name, self.extent.warm_up, Samples())
        self.sites.wait_until_delivered()
        # In turns, too: what one of them was spared would look like the other's cost.
        for _turn, name in alternately((HUGE, EMPTY), self.extent.turns):
            with self.samples[name].timing_processors(trio):
                rounds = self.extent.titles // self.extent.turns
                self._retitle(trio, name, rounds, self.samples[name])
                self.sites.wait_until_delivered()
        self._count_titles(trio[0])

    def _retitle(self, trio: Trio, name: str, rounds: int, samples: Samples) -> None:
        for _number, site in alternately(trio, rounds):
            samples.time(site, self._title_of(site, name))

    def _count_titles(self, site: Site) -> None:
        # Not those that are timed: they come so fast that a call has items of several.
        counted = Samples()
        for _number in range(self.extent.counted_titles):
            self._counted(counted, site, self._title_of(site, HUGE))
        self.samples[HUGE].calls += counted.calls

    def _title_of(self, site: Site, name: str) -> Callable[[], None]:
        title = f"{name} {next(self._numbers):06d}"
        return partial(site.editor.patch_title, f"/{name}", title)

    # Publish

    def publish(self, trio: Trio) -> None:
        """Publish a folder with sixty pages, and retract it again."""
        self._publish(trio, 2, Samples())
        with self.samples["publish"].timing_processors(trio):
            self._publish(trio, self.extent.publishes, self.samples["publish"])

    def _publish(self, trio: Trio, rounds: int, samples: Samples) -> None:
        for _number, site in alternately(trio, rounds):
            publish = partial(site.editor.transition, f"/{SIXTY}", "publish")
            self._counted(samples, site, publish)
            site.editor.transition(f"/{SIXTY}", "retract")
            self.sites.wait_until_delivered()

    def _counted(
        self, samples: Samples, site: Site, action: Callable[[], object]
    ) -> None:
        before = len(self.sites.calls())
        samples.time(site, action)
        if site.name == "with":
            self.sites.wait_until_delivered()
            samples.calls.append(self.sites.calls()[before:])


def _page(number: int) -> str:
    return f"/{PAGES[number % len(PAGES)]}"


def measure(
    folder: Path, quick: bool, names: Iterable[str], url: str = ""
) -> list[Result]:
    """Measure the kinds of work that are named, with the outbox at ``url`` if given."""
    extent = QUICK if quick else Extent()
    work = Work(folder, extent, url)
    names = [name for name in NAMES if name in names]
    work.do(names)
    make = {"save": _save, "rename": _rename, "title": _title, "publish": _publish}
    return [make[name](work.samples, extent) for name in names]


_NOTE = (
    "Medians, quartiles in parentheses; ratios of medians with their 95 % interval. "
    "“Noise alone” is the same ratio of two sites that are both without the add-on. All "
    "three are asked in turns, in {spells} spells with Zopes started anew."
)

_NAVIGATION = (
    "The folder is public and in the navigation: besides these items, every page is "
    "purged, at most once per site purge interval, which is longer here than the run."
)


def _save(samples: dict[str, Samples], extent: Extent) -> Result:
    rows = [
        *_compared("REST PATCH of a text", samples["rest"], more_goal=MORE_GOAL),
        *_compared("Classic edit form", samples["form"], more_goal=MORE_GOAL),
        *_compared("Classic, page shown again", samples["shown"], more_goal=MORE_GOAL),
    ]
    saves = extent.spells * extent.saves
    forms = extent.spells * extent.forms
    return Result(
        "save",
        f"Saving a page in Plone ({saves} times by REST and {forms} by form, each site)",
        rows,
        {name: _facts(samples[name]) for name in ("rest", "form", "shown")},
        [_NOTE.format(spells=extent.spells)],
    )


def _rename(samples: dict[str, Samples], extent: Extent) -> Result:
    return Result(
        "rename",
        f"Renaming a folder with {extent.descendants:,} descendants "
        f"({extent.spells * extent.renames} times, each site)",
        _compared("rename", samples["rename"]) + _calls(samples["rename"]),
        _facts(samples["rename"]),
        [_NOTE.format(spells=extent.spells)],
    )


def _title(samples: dict[str, Samples], extent: Extent) -> Result:
    huge, empty = samples[HUGE], samples[EMPTY]
    more = {
        name: More.of(_pair(huge, name), _pair(empty, name))
        for name in ("with", "control")
    }
    return Result(
        "title",
        f"Editing the title of a folder with {extent.objects:,} objects below it "
        f"({extent.spells * extent.titles} times, each site)",
        [
            *_compared("REST PATCH of the title", huge, more_goal=MORE_GOAL),
            *_calls(huge),
            *_compared("Nothing below it", empty, ratio_goal=None),
            Row("more with the objects than with none", str(more["with"])),
            Row("    the same by noise alone", str(more["control"])),
        ],
        {
            "huge": _facts(huge),
            "empty": _facts(empty),
            "more_with_objects": {name: asdict(each) for name, each in more.items()},
        },
        [_NOTE.format(spells=extent.spells), _NAVIGATION],
    )


def _pair(samples: Samples, name: str) -> tuple[list[float], list[float]]:
    return samples.taken[name], samples.taken["without"]


def _publish(samples: dict[str, Samples], extent: Extent) -> Result:
    return Result(
        "publish",
        f"Publishing {extent.pages} pages and their folder in one transaction "
        f"({extent.spells * extent.publishes} times, each site)",
        _compared("publish", samples["publish"], ratio_goal=None)
        + _calls(samples["publish"]),
        _facts(samples["publish"]),
        [_NOTE.format(spells=extent.spells)],
    )


def _compared(
    what: str,
    samples: Samples,
    ratio_goal: float | None = RATIO_GOAL,
    more_goal: float | None = None,
) -> list[Row]:
    taken = {name: Spread.of(sample) for name, sample in samples.taken.items()}
    ratio, noise = _ratios(samples)
    more = taken["with"].median - taken["without"].median
    rows = [
        Row(f"{what}, {name} the add-on", _milliseconds(taken[name]))
        for name in ("with", "without")
    ]
    rows.append(
        Row(
            "    ratio",
            str(ratio),
            goal=f"≤ {ratio_goal}" if ratio_goal else "",
            met=ratio.value <= ratio_goal if ratio_goal else None,
        )
    )
    rows.append(
        Row(
            "    more",
            f"{more:+.2f} ms",
            goal=f"≤ {more_goal:.0f} ms" if more_goal else "",
            met=more <= more_goal if more_goal else None,
        )
    )
    rows.append(Row("    ratio by noise alone", str(noise)))
    if samples.cpu:
        rows.append(Row("    ratio of Zope's processor time", _cpu(samples)))
    return rows


def _ratios(samples: Samples) -> tuple[Ratio, Ratio]:
    taken = samples.taken
    return (
        Ratio.of(taken["with"], taken["without"]),
        Ratio.of(taken["control"], taken["without"]),
    )


def _milliseconds(taken: Spread) -> str:
    return f"{taken.median:.1f} ms ({taken.lower:.1f}–{taken.upper:.1f})"


def _cpu(samples: Samples) -> str:
    cpu = samples.cpu
    return (
        f"{cpu['with'] / cpu['without']:.3f}; "
        f"noise {cpu['control'] / cpu['without']:.3f}"
    )


def _calls(samples: Samples) -> list[Row]:
    counts = [len(calls) for calls in samples.calls]
    items = [sum(map(len, calls)) for calls in samples.calls]
    return [
        Row("    calls each time", _range(counts), goal="1", met=set(counts) == {1}),
        Row("    items each time", _range(items)),
    ]


def _range(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _facts(samples: Samples) -> dict:
    ratio, noise = _ratios(samples)
    return {
        "milliseconds": {
            name: asdict(Spread.of(sample)) for name, sample in samples.taken.items()
        },
        "ratio": asdict(ratio),
        "ratio_by_noise": asdict(noise),
        "cpu_seconds": samples.cpu,
        "calls": [len(calls) for calls in samples.calls],
        "items": [sum(map(len, calls)) for calls in samples.calls],
        "raw_milliseconds": samples.taken,
    }
