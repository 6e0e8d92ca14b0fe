"""Is anything stale at the edge after what editors do?

``python -m freshness.run`` performs each operation and compares every answer that a
CloudFront, which caches everything, still has, with Plone's own. Exit status 1 if one
of them is stale. ``--walk 500 --seed 7`` mixes the operations at random.
"""

from collective.cloudfront.local.template import read_template
from collective.cloudfront.local.template import Template
from collective.cloudfront.tests.http.postgres import missing
from collective.cloudfront.tests.http.postgres import postgres
from contextlib import contextmanager
from contextlib import ExitStack
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from freshness.addons import ADD_ON_OPERATIONS
from freshness.addons import redis
from freshness.addons_editor import AddOnEditor
from freshness.operations import OPERATIONS
from freshness.report import print_table
from freshness.report import write_json
from freshness.report import write_rst
from freshness.walk import Walk
from freshness.world import Finding
from freshness.world import World
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import argparse
import signal
import sys
import time


#: How RelStorage keeps objects, unless it is told otherwise.
_KEPT = "history"
#: In a walk, seconds until the hot standby shows what was committed.
_LAG = 3.0


@dataclass(slots=True)
class Result:
    """What an operation has left at the edge."""

    name: str
    title: str
    own: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    items: list[str] = field(default_factory=list)
    checked: int = 0
    dropped: int = 0
    in_vain: list[str] = field(default_factory=list)
    milliseconds: float | None = None
    seconds: float = 0.0
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Was it done, and is nothing stale?"""
        return not (self.own or self.elsewhere or self.error)

    def add(self, finding: Finding) -> None:
        """Add what was found after a step."""
        for url, difference in finding.stale.items():
            place = self.own if url in finding.own else self.elsewhere
            place[url] = difference
        self.calls += finding.calls
        self.items += finding.items
        self.checked += finding.checked
        self.dropped += finding.dropped
        self.in_vain += finding.in_vain
        if finding.milliseconds is not None:
            self.milliseconds = max(self.milliseconds or 0.0, finding.milliseconds)

    def as_json(self) -> dict[str, Any]:
        """Return what ``json.dumps`` takes."""
        return {**asdict(self), "is_good": self.is_good}


def _first(default: str, *_wanted: str) -> str:
    return default


def perform(world: World, name: str) -> Result:
    """Perform an operation, and look at everything after each of its steps."""
    function = {**OPERATIONS, **ADD_ON_OPERATIONS}[name]
    result = Result(name, (function.__doc__ or "").strip())
    started = time.monotonic()
    own: tuple[str, ...] | None = None
    try:
        for paths in function(world.editor, _first):
            if own is not None:
                result.add(world.look(own))
            own = paths
            world.settle()
            world.warm(own)
            world.mark()
        result.add(world.look(own or ()))
    except Exception as error:  # the others are to be performed all the same
        result.error = f"{type(error).__name__}: {error}"
    finally:
        world.go_on()
    result.seconds = time.monotonic() - started
    return result


# The command


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m freshness.run", description=(__doc__ or "").split("\n\n")[1]
    )
    names = [*OPERATIONS, *ADD_ON_OPERATIONS]
    parser.add_argument("--only", action="append", choices=names, default=[])
    parser.add_argument("--skip", action="append", choices=names, default=[])
    parser.add_argument(
        "--addons",
        action="store_true",
        help="in a site with the add-ons of requirements/addons.txt, and what is done "
        "with them; use make addons",
    )
    parser.add_argument(
        "--volto", action="store_true", help="a site for Volto, which reads /++api++/"
    )
    parser.add_argument("--tags", action="store_true", help="purge by cache tags")
    parser.add_argument(
        "--template",
        type=Path,
        metavar="FILE",
        help="behind the distribution of a CloudFormation template, which keeps what its "
        "policies and Plone say; the default is to keep everything for a day",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the template",
    )
    parser.add_argument(
        "--relstorage",
        nargs="?",
        const=_KEPT,
        choices=(_KEPT, "history-free"),
        help="in PostgreSQL, with a Zope for visitors that reads a hot standby",
    )
    parser.add_argument("--walk", type=int, default=0, metavar="N", help="random steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=10, help="steps between looks")
    parser.add_argument("--verbose", action="store_true", help="list what is stale")
    parser.add_argument("--rst", type=Path, help="write a table for docs/")
    parser.add_argument(
        "--beside",
        type=Path,
        help="--json of a run by paths, for more columns in --rst",
    )
    parser.add_argument("--json", type=Path, help="write all that was found")
    parser.add_argument("--dir", type=Path, help="keep the instance here")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run it; return the exit status."""
    options = _arguments(arguments)
    # Zope is stopped also where a time limit ends this.
    signal.signal(signal.SIGTERM, _end)
    if options.relstorage and missing():
        print(missing(), file=sys.stderr)
        return 2
    with ExitStack() as stack:
        world = stack.enter_context(_world(options, stack).running())
        # What a Zope answers to its very first requests is nobody's measure.
        world.settle()
        world.warm()
        world.forget()
        world.warm()
        unsteady = world.unsteady()
        for url, difference in unsteady.items():
            print(f"{url} is never the same: {difference}", file=sys.stderr)
        if options.walk:
            return _walk(world, options)
        results = _table(world, options)
    if options.rst:
        write_rst(options.rst, results, options.beside)
    if options.json:
        write_json(options.json, results, unsteady)
    return 0 if all(result.is_good for result in results) else 1


def _world(options: argparse.Namespace, stack: ExitStack) -> World:
    folder = stack.enter_context(_folder(options.dir))
    servers = None
    if options.relstorage:
        # Operations of the table stop the standby instead
        servers = stack.enter_context(postgres(_LAG if options.walk else 0.0))
    apart: dict[str, Any] = {}
    if options.addons:
        environ = stack.enter_context(redis(folder))
        apart = {"maker": "freshness.addons_site", "environ": environ}
        apart["editor"] = AddOnEditor
        # Plone's language selector mixes up what it shows in several threads at once
        apart["readers"] = 1
    return World(
        folder,
        **apart,
        volto=options.volto,
        walking=bool(options.walk),
        tags=options.tags,
        servers=servers,
        template=_template(options),
        keep_history=options.relstorage == _KEPT,
    )


def _template(options: argparse.Namespace) -> Template | None:
    if options.template is None:
        return None
    parameters = dict(each.split("=", 1) for each in options.parameter)
    found = read_template(options.template, parameters)
    if bool(found.configs[0].cache_tag_header) != options.tags:
        raise SystemExit("Either both --tags and CacheTagConfig, or none of them.")
    return found


@contextmanager
def _folder(given: Path | None) -> Any:
    if given:
        yield given
        return
    with TemporaryDirectory(prefix="freshness") as made:
        yield Path(made)


def _end(*_arguments: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Zope is being stopped already
    sys.exit(143)


def _table(world: World, options: argparse.Namespace) -> list[Result]:
    names = options.only or _offered(options)
    results: list[Result] = []
    for name in names:
        results.append(perform(world, name))
        print_table(results[-1:], options.verbose, heading=len(results) == 1)
    print_table([], options.verbose, total=results)
    return results


def _offered(options: argparse.Namespace) -> list[str]:
    offered = ADD_ON_OPERATIONS if options.addons else OPERATIONS
    return [name for name in offered if name not in options.skip]


def _walk(world: World, options: argparse.Namespace) -> int:
    walk = Walk(world, options.seed, options.every)
    failed = walk.go(options.walk, lambda line: print(line, flush=True))
    print(f"seed {options.seed}: {walk.summary()}")
    for url, difference in world.disagreeing().items():
        print(f"{url} differs between the Zopes: {difference}", file=sys.stderr)
    steps = ", ".join(map(str, failed))
    print(f"Stale at step {steps}." if failed else "Nothing stale.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
