"""Rebuild the message catalogues in ``locales/``: ``make i18n``.

The pot is what the sources say, and every po file gets its message ids. A new id has an
empty translation; one whose English has changed is marked as fuzzy. With ``--check``
nothing is written, and it fails where something would be.
"""

from collections.abc import Iterator
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import MESSAGES
from collective.cloudfront.outbox.messages import WORDING
from pathlib import Path

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile


ROOT = Path(__file__).parent.parent
DOMAIN = "collective.cloudfront"
SOURCES = Path("src/collective/cloudfront")
LOCALES = SOURCES / "locales"

# The catalogues must not differ from run to run, nor name nobody.
_NOISE = re.compile(
    r'^"(POT-Creation-Date: |[\w-]+: (YEAR-MO-DA|FULL NAME|LANGUAGE <)).*\n',
    re.MULTILINE,
)

# Templates have "&rsquo;", as zpretty writes it, and people see the character.
_ENTITY = re.compile(r"&(?!lt;|gt;|amp;|quot;)\w+;")

_HEADER = """\
# Made by "make i18n" from the sources; do not edit.
msgid ""
msgstr ""
"Project-Id-Version: collective.cloudfront\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Language-Code: en\\n"
"Language-Name: English\\n"
"Preferred-Encodings: utf-8\\n"
"Domain: collective.cloudfront\\n"
"""


def made_at_run_time() -> Iterator[tuple[str, str, str]]:
    """Yield the messages that no ``_("id", default="…")`` in the sources makes: where
    they come from, id and default.
    """
    for code, sentence in WORDING.items():
        if code != "text":  # is nothing but its value
            yield "outbox/messages.py", f"wording_{code}", sentence
    for name, label in CHECKS.items():
        yield "delivery/aws/findings.py", f"connection_check_{name}", label
    for code, message in MESSAGES.items():
        yield "delivery/aws/findings.py", f"connection_{code}", message.text
        if message.advice:
            yield (
                "delivery/aws/findings.py",
                f"connection_advice_{code}",
                message.advice,
            )


def rebuild(locales: Path) -> None:
    """Make the pot in ``locales`` anew, and bring the po files there up to date."""
    pot = locales / f"{DOMAIN}.pot"
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "listed.pot")
        listed.write_text(_HEADER + "".join(map(_entry, made_at_run_time())), "utf-8")
        _i18ndude(
            *("rebuild-pot", "--no-line-numbers", "--exclude", "tests demo local"),
            *("--pot", pot, "--create", DOMAIN, "--merge", listed, SOURCES),
        )
    pot.write_text(_ENTITY.sub(_unescaped, pot.read_text("utf-8")), "utf-8")
    catalogues = sorted(locales.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    _i18ndude("sync", "--pot", pot, *catalogues)
    for path in (pot, *catalogues):
        path.write_text(_NOISE.sub("", path.read_text("utf-8")), "utf-8")


def _entry(listed: tuple[str, str, str]) -> str:
    place, identifier, default = listed
    assert '"' not in default, f"{identifier}: use typographic quotes"
    return (
        f'\n#. Default: "{default}"\n#: collective/cloudfront/{place}\n'
        f'msgid "{identifier}"\nmsgstr ""\n'
    )


def _unescaped(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def _i18ndude(*arguments: object) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "i18ndude", *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    # It warns of an id that has two defaults, and goes on.
    if done.returncode or done.stderr:
        sys.exit(done.stdout + done.stderr)


def changed() -> list[str]:
    """Return the names of the catalogues that ``rebuild`` would change."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "locales")
        shutil.copytree(LOCALES, fresh)
        rebuild(fresh)
        return [
            str(path.relative_to(fresh))
            for path in sorted(fresh.rglob("*.po*"))
            if path.read_bytes() != (LOCALES / path.relative_to(fresh)).read_bytes()
        ]


def main() -> None:
    """Rebuild or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    os.chdir(ROOT)
    if not parser.parse_args().check:
        rebuild(LOCALES)
    elif outdated := changed():
        sys.exit(f'Run "make i18n", these are out of date: {" ".join(outdated)}')


if __name__ == "__main__":
    main()
