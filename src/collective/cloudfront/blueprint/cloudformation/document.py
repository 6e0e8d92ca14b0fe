"""A template as nested values with comments, and its text in YAML. Pure.

Mappings, lists, strings, numbers and booleans are themselves. ``Ref``, ``GetAtt`` and
``Sub`` are CloudFormation's functions. ``Why`` puts a comment above a value. ``plain``
returns what CloudFormation reads, without comments, as JSON has it.
"""

from collections.abc import Iterator
from collective.cloudfront.blueprint.notes import comment
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.notes import WIDTH
from dataclasses import dataclass
from typing import Any

import json
import re


#: What YAML reads as a string without quotes, and as nothing else.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(::[A-Za-z0-9]+)*\Z")
#: Several lines that YAML need not quote.
_BLOCK = re.compile(r"[!-~][ -~]*(\n[!-~][ -~]*)+\Z")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a parameter, or the id of a resource."""

    name: str


@dataclass(frozen=True, slots=True)
class GetAtt:
    """An attribute of a resource."""

    name: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Sub:
    """A text with ``${names}`` of parameters and resources."""

    text: str


def plain(value: Any) -> Any:
    """Return a value as CloudFormation's JSON."""
    if isinstance(value, Why):
        return plain(value.value)
    if isinstance(value, Ref):
        return {"Ref": value.name}
    if isinstance(value, GetAtt):
        return {"Fn::GetAtt": [value.name, value.attribute]}
    if isinstance(value, Sub):
        return {"Fn::Sub": value.text}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def write(document: dict[str, Any], head: str = "") -> str:
    """Return a document in YAML, with ``head`` as its first comment and an empty line
    between its parts and between resources.
    """
    parts = [list(comment(head, ""))] if head else []
    for key, value in document.items():
        lines = list(_entry(key, value, ""))
        if key in ("Parameters", "Resources"):
            lines = [f"{key}:"]
            for name, each in value.items():
                lines += [*_entry(name, each, "  "), ""]
            lines.pop()
        parts.append(lines)
    return "\n".join("\n".join(lines) + "\n" for lines in parts)


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    while isinstance(value, Why):
        yield from comment(value.text, indent)
        value = value.value
    name = f"{indent}{scalar(key)}:"
    if isinstance(value, dict) and value:
        yield name
        for each, inner in value.items():
            yield from _entry(each, inner, indent + "  ")
    elif isinstance(value, (list, tuple)) and value:
        line = f"{name} [{', '.join(map(_short, value))}]"
        if len(line) <= WIDTH and all(map(_short, value)):
            yield line
        else:
            yield name
            yield from _items(value, indent + "  ")
    elif isinstance(value, Sub) and _BLOCK.match(value.text):
        yield f"{name} !Sub |-"
        for line in value.text.split("\n"):
            yield f"{indent}  {line}"
    else:
        yield f"{name} {scalar(value)}"


def _short(value: Any) -> str:
    """Return an item of a list in one line; empty if it needs lines of its own."""
    return "" if isinstance(value, (Why, Sub, dict, list, tuple)) else scalar(value)


def _items(values: Any, indent: str) -> Iterator[str]:
    for value in values:
        while isinstance(value, Why):
            yield from comment(value.text, indent)
            value = value.value
        if isinstance(value, (list, tuple)) and value:
            yield f"{indent}-"
            yield from _items(value, indent + "  ")
        elif isinstance(value, dict) and value:
            lines = [
                line
                for key, inner in value.items()
                for line in _entry(key, inner, indent + "  ")
            ]
            # The dash stands before the first key, below what is said of that
            first = next(
                number for number, line in enumerate(lines) if line.lstrip()[0] != "#"
            )
            yield from (line[2:] for line in lines[:first])
            yield f"{indent}- {lines[first].lstrip()}"
            yield from lines[first + 1 :]
        else:
            yield f"{indent}- {scalar(value)}"


def scalar(value: Any) -> str:
    """Return a value that stands in one line."""
    if isinstance(value, Ref):
        return f"!Ref {value.name}"
    if isinstance(value, GetAtt):
        return f"!GetAtt {value.name}.{value.attribute}"
    if isinstance(value, Sub):
        return f"!Sub {json.dumps(value.text)}"
    if isinstance(value, bool) or not isinstance(value, str):
        # [] and {}, too
        return json.dumps(value)
    if _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value)
