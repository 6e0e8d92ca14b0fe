"""Measure the add-on: ``make bench``, or ``make bench ARGS="--quick --only outbox"``.

Prints a table of goals and figures, and writes them as JSON.
"""

from argparse import ArgumentParser
from argparse import Namespace
from collections.abc import Sequence
from disk import file_system
from disk import workspace
from importlib import import_module
from pathlib import Path
from report import as_table
from report import environment
from report import Result
from report import write_json

import draining
import memory
import signal
import sys
import throughput
import time


_IN_PLONE = ("save", "rename", "title", "publish")
_PAGE = "page"
_REPLAY = "replay"
_START = "start"
#: Of cache tags, and the modules that measure it, which need Plone.
_TAGS = {"tags": "rendering", "header": "header_sizes", _REPLAY: "replay"}
_ALONE = {
    "outbox": throughput.measure,
    "drain": draining.measure,
    "memory": memory.measure,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit status."""
    arguments = _parse(argv)
    # Stopped by an operator, it must take its Zopes and files away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = arguments.only or [*_IN_PLONE, _PAGE, _START, *_TAGS, *_ALONE]
    started = time.monotonic()
    with workspace(arguments.dir) as folder:
        about = environment(folder, file_system(folder))
        _tell(
            f"Python {about['python']}, SQLite {about['sqlite']}, {about['cores']} "
            f"cores, load {about['load_at_start']}; files on {about['file_system']}."
        )
        results = _measure(folder, names, arguments)
    print(f"\n{as_table(results)}\n")
    write_json(arguments.json, results, about, arguments.quick)
    _tell(f"{arguments.json} is written ({time.monotonic() - started:.0f} s).")
    return 0


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="little of everything, to see it work"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[*_IN_PLONE, _PAGE, _START, *_TAGS, *_ALONE],
        help="measure this; may be repeated",
    )
    parser.add_argument(
        "--outbox",
        default="",
        help="the URL of an empty outbox to measure (save, outbox), instead of a file",
    )
    parser.add_argument(
        "--requests", type=int, default=0, help="of the replay, 10,000 if not given"
    )
    parser.add_argument(
        "--json", type=Path, default=Path("bench.json"), help="where figures go"
    )
    parser.add_argument(
        "--dir", type=Path, help="where files are made, on the disk to be measured"
    )
    return parser.parse_args(argv)


def _measure(folder: Path, names: Sequence[str], arguments: Namespace) -> list[Result]:
    quick, results = arguments.quick, []
    in_plone = [name for name in _IN_PLONE if name in names]
    if in_plone:
        # Here, because the others must run without Plone.
        import editing

        _tell(f"Measuring {', '.join(in_plone)} in Plone …")
        results += editing.measure(folder, quick, in_plone, arguments.outbox)
    if _PAGE in names:
        import pages

        _tell("Measuring the CloudFront tab in Plone …")
        results.append(pages.measure(folder, quick))
    if _START in names:
        import start

        _tell("Measuring the start of Zope …")
        results.append(start.measure(folder, quick))
    # Beside the benchmarks, and not installed: what compares answers is freshness's.
    sys.path.append(str(Path(__file__).parents[1]))
    for name in _TAGS:
        if name in names:
            _tell(f"Measuring {name} in Plone …")
            measure = import_module(_TAGS[name]).measure
            more = {"requests": arguments.requests} if name == _REPLAY else {}
            results.append(measure(folder, quick, **more))
    for name, measure in _ALONE.items():
        if name in names:
            _tell(f"Measuring {name} …")
            more = {"url": arguments.outbox} if name == "outbox" else {}
            results.append(measure(folder, quick, **more))
    return results


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
