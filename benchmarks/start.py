"""How much longer Zope takes to start with the add-on.

Run as a program it loads Plone's ZCML, then ours, and prints the figures of one start
as JSON. The processor's time counts: what is read from the disk is read anyway, and
other processes do not disturb it.
"""

from pathlib import Path
from report import Result
from report import Row
from statistics import median
from typing import Any

import json
import subprocess
import sys
import time


#: Seconds.
GOAL = 0.3
_STARTS, _QUICK_STARTS = 5, 1

# As Zope does, but for the add-ons that are installed beside Plone: we come second.
_PLONE = """\
<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:meta="http://namespaces.zope.org/meta">
  <meta:provides feature="disable-autoinclude" />
  <include package="Products.Five" />
  <meta:redefinePermission from="zope2.Public" to="zope.Public" />
  <include package="Products.CMFPlone" file="meta.zcml" />
  <include package="Products.CMFPlone" />
  <include package="plone.restapi" />
</configure>
"""


def measure(folder: Path, quick: bool) -> Result:
    """Start it several times, each in a process of its own."""
    starts = [_start() for _ in range(_QUICK_STARTS if quick else _STARTS)]
    ours = median(start["ours"] for start in starts)
    plone = median(start["plone"] for start in starts)
    modules, foreign = starts[0]["modules"], starts[0]["foreign"]
    return Result(
        name="start",
        title="Starting Zope: imports and ZCML, seconds of the processor",
        rows=[
            Row("Plone alone", f"{plone:.2f} s"),
            Row(
                "added by the add-on",
                f"{ours:.3f} s, {100 * ours / plone:.1f} % of Plone's",
                f"≤ {GOAL} s",
                ours <= GOAL,
            ),
            Row("modules added", f"{modules} of ours, {len(foreign)} others"),
            Row(
                "boto3 is imported",
                "yes" if any(start["boto3"] for start in starts) else "no",
                "no",
                not any(start["boto3"] for start in starts),
            ),
        ],
        facts={"starts": starts, "ratio": (plone + ours) / plone},
    )


def _start() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _load() -> dict[str, Any]:
    from zope.configuration import xmlconfig

    started = time.process_time()
    context = xmlconfig.string(_PLONE)
    plone = time.process_time()
    before = set(sys.modules)

    import collective.cloudfront

    xmlconfig.file("configure.zcml", collective.cloudfront, context=context)
    ours = time.process_time()
    added = set(sys.modules) - before
    foreign = sorted(name for name in added if not name.startswith("collective."))
    return {
        "plone": plone - started,
        "ours": ours - plone,
        "modules": len(added) - len(foreign),
        "foreign": foreign,
        "boto3": "boto3" in sys.modules,
    }


if __name__ == "__main__":
    print(json.dumps(_load()))
