"""Print every sentence that people can read, each with its place: ``make sentences``.

For reviewing the words. It collects the messages of the user interface and of the REST
API, texts in templates, log lines, and the documentation::

    src/collective/cloudfront/controlpanel/checks/ours.py:71: ui check_lifetime
        Lifetime of pages at the edge

``sentences`` yields them for ``scripts/prose.py``, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ast
import os
import re
import sys


ROOT = Path(__file__).parent.parent
SOURCES = Path("src/collective/cloudfront")
DOCUMENTS = ("README.rst", "CHANGES.rst", "docs/*.rst")
#: Nobody reads these in a site: tests, and the demo, which is for developers.
LEFT_OUT = {"tests", "demo", "local"}

#: Methods of loggers, and of ours; the value is the position of the text.
LOGS = {
    "debug": 0,
    "info": 0,
    "warning": 0,
    "error": 0,
    "exception": 0,
    "log_once": 2,
    "end": 0,
}
#: What makes a message, by the name of the call; the value is the position of the text.
WORDS = {"Wording": (0, 1), "Refusal": (0,), "Unauthorized": (0,), "BadRequest": (0,)}

_TAG = re.compile(r"<[^>]*>")
_I18N = re.compile(r'i18n:translate="(?P<id>[\w-]*)"[^>]*>(?P<text>.*?)</', re.DOTALL)
_ENTRY = re.compile(r"\s*(\* - |\* |- |\d+\. )")
_DIRECTIVE = re.compile(
    r"\.\. (?!note|warning|tip)[\w-]+::|:[\w-]+:( |$)|\.\. _|^\s*[=~^-]{4,}\s*$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text that people can read: where it is, which kind it is of, and its name."""

    place: str
    line: int
    kind: str
    name: str
    text: str

    def __str__(self) -> str:
        """Return it as ``make sentences`` prints it."""
        head = f"{self.place}:{self.line}: {self.kind} {self.name}".rstrip()
        return f"{head}\n    {self.text}\n"


def sentences() -> Iterator[Sentence]:
    """Yield everything that people can read, file by file."""
    for path in sorted(SOURCES.rglob("*.py")):
        if not LEFT_OUT & set(path.parts):
            yield from of_python(str(path), path.read_text("utf-8"))
    for path in sorted(SOURCES.rglob("*.pt")):
        if not LEFT_OUT & set(path.parts):
            yield from of_template(str(path), path.read_text("utf-8"))
    for path in sorted(SOURCES.rglob("*.zcml")):
        if not LEFT_OUT & set(path.parts):
            yield from of_zcml(str(path), path.read_text("utf-8"))
    for pattern in DOCUMENTS:
        for path in sorted(Path().glob(pattern)):
            yield from of_document(str(path), path.read_text("utf-8"))


def of_python(place: str, source: str) -> Iterator[Sentence]:
    """Yield messages with a default, wordings by code, and what is logged."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for kind, name, text in _of_call(node):
                yield Sentence(place, node.lineno, kind, name, text)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from _of_table(place, node)


def _of_call(node: ast.Call) -> Iterator[tuple[str, str, str]]:
    name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
    for keyword in node.keywords:
        if keyword.arg == "default" and name == "_":
            yield "ui", _text(node.args[0]), _text(keyword.value)
    if name in LOGS and isinstance(node.func, ast.Attribute):
        texts = node.args[LOGS[name] : LOGS[name] + 1]
        if texts and len(_text(texts[0]).split()) > 2:
            yield "log", name, _text(texts[0])
    for position in WORDS.get(name, ()):
        for argument in node.args[position : position + 1]:
            if len(_text(argument).split()) > 1:
                yield "ui", name, _text(argument)


def _of_table(place: str, node: ast.Assign | ast.AnnAssign) -> Iterator[Sentence]:
    """Yield the texts of a dictionary from codes to sentences, as ``WORDING`` is."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if getattr(target, "id", "") not in ("WORDING", "CHECKS", "CAUSES"):
        return
    if isinstance(node.value, ast.Dict):
        for key, value in zip(node.value.keys, node.value.values):
            if key is not None and _text(value):
                yield Sentence(place, value.lineno, "ui", _text(key), _text(value))


def _text(node: ast.expr) -> str:
    """Return the text of a literal; what is put into it at run time as ``…``."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(each) if isinstance(each, ast.Constant) else "…"
            for each in node.values
        )
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return ""


def of_template(place: str, source: str) -> Iterator[Sentence]:
    """Yield what a template has translated."""
    for found in _I18N.finditer(source):
        text = " ".join(_TAG.sub(" ", found["text"]).split())
        if text:
            line = source.count("\n", 0, found.start()) + 1
            yield Sentence(place, line, "ui", found["id"], text)


def of_zcml(place: str, source: str) -> Iterator[Sentence]:
    """Yield titles and descriptions."""
    for found in re.finditer(r'\b(title|description)="([^"]+)"', source):
        line = source.count("\n", 0, found.start()) + 1
        yield Sentence(place, line, "ui", found[1], " ".join(found[2].split()))


def of_document(place: str, source: str) -> Iterator[Sentence]:
    """Yield the paragraphs, list entries and cells, without code and directives."""
    lines = source.splitlines()
    start, kept, code, hanging = 0, [], None, 0
    for number, line in enumerate([*lines, ""], start=1):
        indent = len(line) - len(line.lstrip())
        if code is not None and line.strip() and indent <= code:
            code = None
        starts = _ENTRY.match(line) or (kept and indent != hanging)
        if code is not None or not line.strip() or starts or _DIRECTIVE.search(line):
            yield from _paragraph(place, start, kept)
            start, kept = 0, []
        if code is None and line.strip() and not _DIRECTIVE.search(line):
            start = start or number
            kept.append(line.strip())
            hanging = len(_ENTRY.match(line)[0]) if _ENTRY.match(line) else indent
        if code is None and (
            line.rstrip().endswith("::") or re.match(r"\s*\.\. code-block", line)
        ):
            code = indent
    yield from _paragraph(place, start, kept)


def _paragraph(place: str, start: int, kept: list[str]) -> Iterator[Sentence]:
    text = " ".join(kept)
    if len(text.split()) > 1 and not re.fullmatch(r"[=~\-^ ]+", text):
        yield Sentence(place, start, "docs", "", text)


def main() -> None:
    """Print all of them."""
    os.chdir(ROOT)
    for each in sentences():
        sys.stdout.write(f"{each}\n")


if __name__ == "__main__":
    main()
