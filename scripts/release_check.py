"""Build the release, and try it as a stranger would: ``make release-check``.

1. Build an sdist, and a wheel of it; ``twine check --strict``.
2. Compare their contents with git: nothing is missing, and nothing else is in them.
3. Install the wheel into fresh environments, beside the constraints of Plone 6.1 and 6.2.
4. Run the main job there, from the wheel: ``python -m collective.cloudfront.demo --once``
   makes a site, installs the add-on, edits a page, and waits until the edge is fresh.

Plone's constraints come from dist.plone.org, or from our pins where that is out of reach.
Nothing is uploaded, and nothing in this folder changes.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import argparse
import fnmatch
import os
import re
import socket
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile


try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
NAME = "collective.cloudfront"
PLONES = ("6.1", "6.2")
OFFICIAL = "https://dist.plone.org/release/{version}/constraints.txt"
#: What setuptools adds to an sdist.
_MADE = re.compile(r"PKG-INFO|setup\.cfg|src/collective\.cloudfront\.egg-info/.*")


class Wrong(Exception):
    """The release must not be made."""


def main() -> int:
    """Check; return the exit status."""
    parser = argparse.ArgumentParser(prog="make release-check", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="for step 3")
    parser.add_argument("--contents", action="store_true", help="end after step 2")
    arguments = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="release-check-") as folder:
            check(Path(folder), arguments.python, arguments.contents)
    except (Wrong, subprocess.CalledProcessError) as error:
        print(f"\nNot fit for release: {error}", file=sys.stderr)
        return 1
    print("\nFit for release.")
    return 0


def check(folder: Path, python: str, only_contents: bool) -> None:
    """Do all steps in ``folder``."""
    step("Building")
    build = [sys.executable, "-m", "build", "--no-isolation"]
    run(*build, "--outdir", folder / "dist", ROOT, quiet=True)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    step("Comparing with git")
    check_changelog(wheel)
    check_sdist(sdist)
    check_wheel(wheel)
    if not only_contents:
        for plone in PLONES:
            step(f"Trying the wheel beside Plone {plone}")
            try_beside(plone, wheel, folder / plone, python)


# --- contents ---------------------------------------------------------------------------


def tracked() -> set[str]:
    """Return the files in git."""
    listed = run("git", "ls-files", "-z", quiet=True)
    return {name for name in listed.split("\0") if name}


def compare(what: str, found: Iterable[str], wanted: Iterable[str]) -> None:
    """Raise ``Wrong`` unless both are the same."""
    missing = sorted(set(wanted) - set(found))
    others = sorted(set(found) - set(wanted))
    for title, names in (("Missing in", missing), ("Only in", others)):
        for name in names:
            print(f"{title} the {what}: {name}")
    if missing or others:
        raise Wrong(f"the {what} is not what is in git.")
    print(f"{what}: {len(set(found))} files, as in git")


def check_sdist(path: Path) -> None:
    """An sdist has what is in git, but for our tools."""
    with tarfile.open(path) as archive:
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]
    with (ROOT / "pyproject.toml").open("rb") as file:
        left_out = tomllib.load(file)["tool"]["check-manifest"]["ignore"]
    wanted = {
        name
        for name in tracked()
        if not any(fnmatch.fnmatch(name, pattern) for pattern in left_out)
    }
    found = [name for name in names if not _MADE.fullmatch(name)]
    # check-manifest may ignore it, and setuptools adds it to every sdist
    compare("sdist", set(found) - {"pyproject.toml"}, wanted)


def check_wheel(path: Path) -> None:
    """A wheel has the package with its tests, and compiled catalogues."""
    wanted = {
        name.removeprefix("src/")
        for name in tracked()
        if name.startswith("src/collective/")
    }
    catalogues = {
        str(Path(name).with_suffix(".mo")) for name in wanted if name.endswith(".po")
    }
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    found = {name for name in names if ".dist-info/" not in name}
    compare("wheel", found, wanted | catalogues)
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        raise Wrong("the wheel has no LICENSE.")


def version_of(wheel: Path) -> str:
    """Return the version that a wheel's name says."""
    return wheel.name.split("-")[1]


def check_changelog(wheel: Path) -> None:
    """The topmost heading of the changelog names the version."""
    text = (ROOT / "CHANGES.rst").read_text(encoding="utf-8")
    heading = re.search(r"^(\d\S*) \((.*)\)$", text, re.MULTILINE)
    if heading is None or heading[1] != version_of(wheel):
        raise Wrong(f"CHANGES.rst does not begin with {version_of(wheel)}.")
    print(f"Version {heading[1]}, {heading[2]}")


# --- the wheel --------------------------------------------------------------------------


def constraints_of(plone: str, folder: Path) -> Path:
    """Return Plone's own constraints, or our pins."""
    pins = ROOT / f"requirements/plone-{plone}.txt"
    pinned = re.search(r"^plone==(\S+)", pins.read_text(), re.MULTILINE | re.IGNORECASE)
    if pinned is None:
        raise Wrong(f"{pins} does not pin Plone.")
    url = OFFICIAL.format(version=pinned[1])
    path = folder / "constraints.txt"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            path.write_bytes(answer.read())
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"{url} is out of reach ({error}): {pins.name} is used instead.")
        text = pins.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
    else:
        print(f"Constraints: {url}")
    return path


def try_beside(plone: str, wheel: Path, folder: Path, python: str) -> None:
    """Install the wheel and run the main job from it."""
    folder.mkdir()
    uv = [sys.executable, "-m", "uv"]
    own = folder / "venv/bin/python"
    run(*uv, "venv", "--quiet", "--python", python, folder / "venv")
    install = [*uv, "pip", "install", "--quiet", "--python", own]
    run(*install, "-c", constraints_of(plone, folder), wheel, "Plone")
    run(*uv, "pip", "check", "--python", own)
    script = (
        "import collective.cloudfront as us, importlib.metadata as metadata, sys;"
        "print(metadata.version('Products.CMFPlone'), us.__file__);"
        f"sys.exit('site-packages' not in us.__file__ or "
        f"metadata.version('{NAME}') != '{version_of(wheel)}')"
    )
    run(own, "-c", script, cwd=folder)
    ports = [
        word
        for name, port in zip(("origin", "edge", "api"), free_ports(3))
        for word in (f"--{name}-port", str(port))
    ]
    demo = [own, "-m", f"{NAME}.demo", "--once", "--home", folder / "home", *ports]
    run(*demo, cwd=folder)


def free_ports(number: int) -> list[int]:
    """Return ports that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


# --- commands ---------------------------------------------------------------------------


def step(title: str) -> None:
    """Say what is done next."""
    print(f"\n=== {title}", flush=True)


def run(*command: object, cwd: Path = ROOT, quiet: bool = False) -> str:
    """Run a command without what tells of this folder; ``quiet`` returns its output."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )
    if done.returncode:
        print(done.stdout or "")
        raise subprocess.CalledProcessError(done.returncode, str(command[0]))
    return done.stdout or ""


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
