"""Three Zopes with the same site: with the add-on, without it, and once more without.

What the two without it differ by is noise. Theirs is a copy of the same database in
which the add-on was uninstalled, and its ZCML is not loaded.
"""

from bench_site import PAGES
from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from collective.cloudfront.local.rules import reaches
from collective.cloudfront.outbox import open_outbox
from contextlib import contextmanager
from editor import Editor
from pathlib import Path
from uuid import uuid4

import os
import time


DISTRIBUTION = "EBENCH1234567"
#: Seconds until an invalidation must have been accepted.
_PATIENCE = 60.0
_HERE = Path(__file__).parent
_EXCLUDE = '  <exclude package="collective.cloudfront" />\n'


class Site:
    """A running Zope and its editor."""

    def __init__(self, name: str, instance: Instance):
        self.name = name
        self.instance = instance
        self.editor = Editor(instance.port)

    def cpu_seconds(self) -> float | None:
        """Return the processor time that Zope has taken, if the system tells."""
        stat = Path(f"/proc/{self.instance.process.pid}/stat")
        if not stat.exists():
            return None
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Sites:
    """The three sites and the CloudFront of the first one."""

    def __init__(self, folder: Path, url: str = ""):
        """``url`` is that of the outbox, if it is not a file in ``folder``."""
        self.cloudfront = LocalCloudFront(
            options=Options(distributions=(DISTRIBUTION,))
        )
        # Started once, so that it has a port for good.
        with self.cloudfront:
            pass
        environ = {"CLOUDFRONT_OUTBOX": url} if url else {}
        self._with = new_instance(
            folder / "with", {**self.cloudfront.environment, **environ}
        )
        self._without = new_instance(folder / "without")
        self._control = new_instance(folder / "control")
        self._outbox = open_outbox(url or f"sqlite:///{self._with.outbox}")

    def make(self, descendants: int, pages: int, objects: int) -> None:
        """Create the databases; takes some minutes. ``objects`` are below the huge folder;
        if 0, there are neither that nor the empty one.
        """
        self._with.configure()
        made = new_instance(self._with.home, {"CLOUDFRONT_ENABLED": "false"})
        counts = map(str, (descendants, pages, objects))
        made.run("bench_site", "make", DISTRIBUTION, *counts)
        self._without.configure()
        self._without.copy_database(self._with)
        new_instance(self._without.home, {"CLOUDFRONT_ENABLED": "false"}).run(
            "bench_site", "uninstall"
        )
        self._control.configure()
        self._control.copy_database(self._without)
        for instance in (self._without, self._control):
            _exclude_add_on(instance)

    @contextmanager
    def running(self) -> Iterator[tuple[Site, Site, Site]]:
        """Start all, and give the sites: with, without and without the add-on."""
        instances = {
            "with": self._with,
            "without": self._without,
            "control": self._control,
        }
        with self.cloudfront, running(instances) as sites:
            yield tuple(sites)

    def check(self, sites: tuple[Site, Site, Site]) -> None:
        """Make sure that the first site purges and the others know no add-on."""
        before = len(self.calls())
        for site in sites:
            found = site.editor.exists("/@@cloudfront-controlpanel")
            if found != (site.name == "with"):
                raise RuntimeError(f"The add-on is {site.name} by mistake.")
            # In each spell another text: the same one again is no edit.
            site.editor.patch_text(f"/{PAGES[0]}", uuid4().hex)
        self.wait_until_delivered()
        items = [item for call in self.calls()[before:] for item in call]
        if not any(reaches(item, f"/{PAGES[0]}") for item in items):
            raise RuntimeError(f"A save was not purged; there is only {items}.")

    def calls(self) -> list[tuple[str, ...]]:
        """Return the items of each accepted invalidation."""
        return [made.items for made in self.cloudfront.control.invalidations()]

    def wait_until_delivered(self) -> None:
        """Wait until nothing is left to be sent."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            status = self._outbox.status()
            if not status.prepared and not any(
                work.ready or work.frozen for work in self._outbox.work()
            ):
                return
            time.sleep(0.1)
        raise RuntimeError(f"Not delivered within {_PATIENCE:.0f} s: {status}.")


@contextmanager
def running(instances: Mapping[str, Instance]) -> Iterator[list[Site]]:
    """Start Zopes, give them with their names, and stop them."""
    try:
        for instance in instances.values():
            instance.start()
        for instance in instances.values():
            instance.wait_until_ready()
        yield [Site(name, instance) for name, instance in instances.items()]
    finally:
        for instance in instances.values():
            instance.stop()


def new_instance(home: Path, environ: dict[str, str] | None = None) -> Instance:
    """Return a Zope that finds the modules of the benchmark."""
    return Instance(
        home,
        environ={
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(_HERE), os.environ.get("PYTHONPATH")])
            ),
            # The order of sets must not make one of them quicker.
            "PYTHONHASHSEED": "0",
            **(environ or {}),
        },
    )


def _exclude_add_on(instance: Instance) -> None:
    path = instance.home / "etc" / "site.zcml"
    before, load, after = path.read_text().partition("  <five:loadProducts />")
    path.write_text(before + _EXCLUDE + load + after)
