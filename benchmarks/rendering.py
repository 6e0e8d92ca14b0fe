"""What noting cache tags adds to making pages, over HTTP.

Three Zopes have copies of the same site: one sends cache tags, two do not and never
did, so that nothing of Plone is wrapped there. What those two differ by is noise.
"""

from collective.cloudfront.demo.instance import Instance
from dataclasses import asdict
from functools import partial
from pathlib import Path
from report import Result
from report import Row
from sampling import alternately
from sampling import Ratio
from sampling import seconds
from sampling import Spread
from tags_site import COLLECTION
from tags_site import DOCUMENT
from tags_site import FOLDER
from visitor import API
from visitor import Visitor
from zopes import DISTRIBUTION
from zopes import new_instance
from zopes import running
from zopes import Site


RATIO_GOAL = 1.03
MODES = {"with": "headers", "without": "off", "control": "off"}
KINDS = {
    "A document": DOCUMENT,
    "Front page": "/",
    "A folder's listing": FOLDER,
    "A collection": COLLECTION,
    "REST, content": API + DOCUMENT,
    "REST, @navigation": f"{API}/section-1/@navigation",
}

Samples = dict[str, list[float]]


class Work:
    """Asks the three sites for pages, in turns."""

    def __init__(self) -> None:
        #: Milliseconds, by kind and by site
        self.samples: dict[str, Samples] = {
            kind: {name: [] for name in MODES} for kind in KINDS
        }
        self.cpu: dict[str, float] = dict.fromkeys(MODES, 0.0)

    def ask(self, sites: list[Site], rounds: int) -> None:
        """Ask for each kind of page at each site, so many times."""
        visitors = {site.name: Visitor.of(site.instance) for site in sites}
        before = [site.cpu_seconds() for site in sites]
        for kind, url in KINDS.items():
            for _number, site in alternately(sites, rounds):
                took = seconds(partial(visitors[site.name].get, url))
                self.samples[kind][site.name].append(1000 * took)
        for site, earlier in zip(sites, before):
            if earlier is not None:
                self.cpu[site.name] += site.cpu_seconds() - earlier

    def all_kinds(self) -> Samples:
        """Return for each site how long all kinds together took, the nth of each."""
        return {
            name: [
                sum(times) for times in zip(*(s[name] for s in self.samples.values()))
            ]
            for name in MODES
        }


def measure(folder: Path, quick: bool) -> Result:
    """Ask for pages in spells, with Zopes started anew."""
    spells, rounds, warm_up, objects = (1, 8, 2, 60) if quick else (3, 30, 5, 300)
    work = Work()
    instances = _make(folder / "tags", objects)
    for _spell in range(spells):
        with running(instances) as sites:
            _check(sites)
            Work().ask(sites, warm_up)
            work.ask(sites, rounds)
    return _result(work, spells, rounds)


def _make(folder: Path, objects: int) -> dict[str, Instance]:
    made: dict[str, Instance] = {}
    for name, mode in MODES.items():
        environ = {"CLOUDFRONT_ENABLED": "false", "CLOUDFRONT_CACHE_TAGS": mode}
        instance = new_instance(folder / name, environ)
        instance.configure()
        if made:
            instance.copy_database(made["with"])
        else:
            instance.run("tags_site", "make", DISTRIBUTION, str(objects))
        made[name] = instance
    return made


def _check(sites: list[Site]) -> None:
    """Make sure that there are pages, and tags on those of the first site only."""
    for site in sites:
        visitor = Visitor.of(site.instance)
        for url in KINDS.values():
            answer = visitor.get(url)
            tagged = "Cache-Tag" in answer.headers
            if answer.status != 200 or tagged != (MODES[site.name] != "off"):
                raise RuntimeError(f"{url}: {answer.status}, with tags: {tagged}")


def _result(work: Work, spells: int, rounds: int) -> Result:
    overall = _ratios(work.all_kinds())
    rows = [row for kind, taken in work.samples.items() for row in _rows(kind, taken)]
    rows += [
        Row(
            "All of them: ratio",
            str(overall[0]),
            goal=f"≤ {RATIO_GOAL}",
            met=overall[0].value <= RATIO_GOAL,
        ),
        Row("    ratio by noise alone", str(overall[1])),
    ]
    if work.cpu["without"]:
        ratio = work.cpu["with"] / work.cpu["without"]
        noise = work.cpu["control"] / work.cpu["without"]
        rows.append(
            Row("    ratio of Zope's processor time", f"{ratio:.3f}; noise {noise:.3f}")
        )
    return Result(
        "tags",
        f"Making pages with cache tags noted ({spells * rounds} times of each kind)",
        rows,
        {
            "overall": asdict(overall[0]),
            "overall_noise": asdict(overall[1]),
            "cpu_seconds": work.cpu,
            "kinds": {kind: _facts(taken) for kind, taken in work.samples.items()},
        },
        [
            "Medians, quartiles in parentheses; ratios of medians with their 95 % "
            "interval. “Noise alone” is the same ratio of two sites without tags. All "
            f"three are asked in turns, in {spells} spells with Zopes started anew."
        ],
    )


def _rows(kind: str, taken: Samples) -> list[Row]:
    ratio, noise = _ratios(taken)
    return [
        Row(f"{kind}, without tags", _milliseconds(taken["without"])),
        Row("    with tags", _milliseconds(taken["with"])),
        Row(
            "    ratio",
            str(ratio),
            goal=f"≤ {RATIO_GOAL}",
            met=ratio.value <= RATIO_GOAL,
        ),
        Row("    ratio by noise alone", str(noise)),
    ]


def _ratios(taken: Samples) -> tuple[Ratio, Ratio]:
    return (
        Ratio.of(taken["with"], taken["without"]),
        Ratio.of(taken["control"], taken["without"]),
    )


def _milliseconds(sample: list[float]) -> str:
    spread = Spread.of(sample)
    return f"{spread.median:.1f} ms ({spread.lower:.1f}–{spread.upper:.1f})"


def _facts(taken: Samples) -> dict:
    ratio, noise = _ratios(taken)
    return {
        "milliseconds": {name: asdict(Spread.of(each)) for name, each in taken.items()},
        "ratio": asdict(ratio),
        "ratio_by_noise": asdict(noise),
        "raw_milliseconds": taken,
    }
