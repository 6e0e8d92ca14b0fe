"""Write the pins of Plone 6.2 as a buildout versions file, or --check it."""

from pathlib import Path

import sys


REQUIREMENTS = Path(__file__).parent.parent / "requirements"
TARGET = REQUIREMENTS / "versions-6.2.cfg"
HEADER = "# Made by `make pins` from plone-6.2.txt and buildout.txt.\n[versions]\n"


def versions():
    pins = {}
    for name in ("plone-6.2.txt", "buildout.txt"):
        for line in (REQUIREMENTS / name).read_text().splitlines():
            requirement = line.partition("#")[0].partition(";")[0].strip()
            if requirement:
                package, _, version = requirement.partition("==")
                # zc.buildout looks for itself and its recipe by their dotted names.
                if package.startswith("zc-"):
                    package = package.replace("-", ".")
                pins[package] = version
    return HEADER + "".join(f"{name} = {pins[name]}\n" for name in sorted(pins))


if __name__ == "__main__":
    if "--check" in sys.argv:
        if TARGET.read_text() != versions():
            sys.exit(f"{TARGET} is not what the pins say: run `make pins`.")
    else:
        TARGET.write_text(versions())
