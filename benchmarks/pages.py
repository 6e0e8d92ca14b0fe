"""How long the CloudFront tab takes over HTTP, where nothing and where much has happened.

Three Zopes have copies of the same site, and outboxes of their own: an empty one, one with
as much as the longest page shows, and one with 10,000 rows of everything.
"""

from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.tests.outbox.long import fill
from dataclasses import asdict
from functools import partial
from pathlib import Path
from report import Result
from report import Row
from sampling import alternately
from sampling import Ratio
from sampling import seconds
from sampling import Spread
from zopes import DISTRIBUTION
from zopes import new_instance
from zopes import running
from zopes import Site


#: Milliseconds, of what people open and scripts ask for. The log has no goal: it shows up
#: to 100 rows, and a third of its time is Plone's, for writing their dates.
GOAL = 300.0
LOG = "The log"
RATIO_GOAL = 1.05
#: Rows of the outboxes. What all pages show is less than the second.
ROWS = {"empty": 0, "shown": 60, "long": 10_000}
PAGES = {
    "The CloudFront tab": "/@@cloudfront-controlpanel",
    "Its state, asked for every 3 s": "/@@cloudfront-state",
    "Its history, asked for every 3 s": "/@@cloudfront-history",
    LOG: "/@@cloudfront-log",
}

Samples = dict[str, list[float]]


def measure(folder: Path, quick: bool) -> Result:
    """Ask for the pages in turns."""
    spells, rounds, warm_up = (1, 15, 3) if quick else (3, 60, 10)
    samples: dict[str, Samples] = {
        title: {name: [] for name in ROWS} for title in PAGES
    }
    instances = _make(folder / "pages")
    for _spell in range(spells):
        with running(instances) as sites:
            for title, path in PAGES.items():
                _ask(sites, path, warm_up, {name: [] for name in ROWS})
                _ask(sites, path, rounds, samples[title])
    return _result(samples, spells)


def _make(folder: Path) -> dict[str, Instance]:
    made: dict[str, Instance] = {}
    for name, count in ROWS.items():
        instance = new_instance(folder / name)
        instance.configure()
        if made:
            instance.copy_database(made["empty"])
        else:
            quiet = new_instance(instance.home, {"CLOUDFRONT_ENABLED": "false"})
            quiet.run("bench_site", "make", DISTRIBUTION, "1", "1", "0")
        outbox = open_outbox(f"sqlite:///{instance.outbox}")
        fill(outbox, count, DISTRIBUTION)
        outbox.close()
        made[name] = instance
    return made


def _ask(sites: list[Site], path: str, rounds: int, samples: Samples) -> None:
    for _number, site in alternately(sites, rounds):
        took = seconds(partial(site.editor.view, path))
        samples[site.name].append(1000 * took)


def _result(samples: dict[str, Samples], spells: int) -> Result:
    rows, facts = [], {}
    for title, taken in samples.items():
        ratio = Ratio.of(taken["long"], taken["shown"])
        long = Spread.of(taken["long"])
        rows += [
            Row(
                f"{title}, 10,000 rows",
                f"{long.median:.1f} ms ({long.lower:.1f}–{long.upper:.1f})",
                goal="" if title == LOG else f"< {GOAL:.0f} ms",
                met=None if title == LOG else long.median < GOAL,
            ),
            Row(
                "    to that with the rows it shows",
                str(ratio),
                goal=f"≤ {RATIO_GOAL}",
                met=ratio.low <= RATIO_GOAL,
            ),
            Row("    to an empty one", str(Ratio.of(taken["long"], taken["empty"]))),
        ]
        facts[title] = {
            "milliseconds": {
                name: asdict(Spread.of(sample)) for name, sample in taken.items()
            },
            "ratio": asdict(ratio),
            "raw_milliseconds": taken,
        }
    notes = [
        "As the site's manager, over one connection, the three Zopes in turns, in "
        f"{spells} spells. 10,000 rows are as many invalidations, purges of people, "
        "refused items and items with a date. A ratio's goal is missed where all of "
        "its 95 % interval is above it."
    ]
    return Result("page", "Looking at the CloudFront tab", rows, facts, notes)
