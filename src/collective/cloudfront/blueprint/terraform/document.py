"""A Terraform configuration as nested values with comments, and its text in HCL. Pure.

A body is a mapping. A mapping in it is a block, a list of mappings are blocks of the same
kind, and everything else is an argument: strings, numbers, booleans, lists of them, ``Expr``
(what Terraform evaluates), ``Map`` and ``Json``.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.blueprint.notes import comment
from collective.cloudfront.blueprint.notes import Why
from dataclasses import dataclass
from dataclasses import field
from itertools import groupby
from typing import Any

import json
import re


#: Characters of a list in one line.
_LIST = 66
#: An argument in one line.
_ARGUMENT = re.compile(r"(?P<key> *(?:\"[^\"]*\"|\w+)) = (?P<value>.*[^{\[])$")


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression, such as the id of a resource."""

    text: str


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping that is the value of an argument."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Json:
    """A value that an argument wants as JSON."""

    value: Any


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the top, such as ``resource "aws_iam_role" "purge"``."""

    kind: str
    labels: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


def write(blocks: list[Block], head: str = "") -> str:
    """Return the text of a configuration; ``head`` is its first comment."""
    parts = [list(comment(head, ""))] if head else []
    for block in blocks:
        labels = "".join(f' "{label}"' for label in block.labels)
        parts.append(
            [
                *(comment(block.why, "") if block.why else ()),
                *_aligned(
                    [f"{block.kind}{labels} {{", *_body(block.body, "  "), "}"]
                    if block.body
                    else [f"{block.kind}{labels} {{}}"]
                ),
            ]
        )
    return "\n".join("\n".join(lines) + "\n" for lines in parts)


def _aligned(lines: list[str]) -> Iterator[str]:
    """Yield the lines as ``terraform fmt`` has them: the equals signs of arguments that
    follow each other are below each other.
    """
    for _, group in groupby(lines, _chain):
        chain = list(group)
        found = [match for match in map(_ARGUMENT.match, chain) if match]
        if not found:
            yield from chain
            continue
        width = max(len(match["key"]) for match in found)
        yield from (f"{match['key']:{width}} = {match['value']}" for match in found)


def _chain(line: str) -> tuple[bool, int]:
    match = _ARGUMENT.match(line)
    return match is not None, len(line) - len(line.lstrip()) if match else 0


def _body(body: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in body.items():
        while isinstance(value, Why):
            yield from comment(value.text, indent)
            value = value.value
        blocks = value if isinstance(value, (list, tuple)) else [value]
        if blocks and all(isinstance(_bare(each), Mapping) for each in blocks):
            for each in blocks:
                yield from _block(key, each, indent)
        else:
            lines = expression(value, indent).split("\n")
            yield f"{indent}{key} = {lines[0]}"
            yield from lines[1:]


def _bare(value: Any) -> Any:
    while isinstance(value, Why):
        value = value.value
    return value


def _block(key: str, value: Any, indent: str) -> Iterator[str]:
    while isinstance(value, Why):
        yield from comment(value.text, indent)
        value = value.value
    yield f"{indent}{key} {{"
    yield from _body(value, indent + "  ")
    yield f"{indent}}}"


def expression(value: Any, indent: str = "") -> str:
    """Return a value as Terraform evaluates it; it may have several lines."""
    if isinstance(value, Why):
        return expression(value.value, indent)
    if isinstance(value, Expr):
        return value.text
    if isinstance(value, Json):
        return f"jsonencode({expression(value.value, indent)})"
    if isinstance(value, Map):
        return expression(value.values, indent)
    if isinstance(value, Mapping):
        lines = [
            f"{indent}  {text(key)} = {expression(each, indent + '  ')}"
            for key, each in value.items()
        ]
        return "\n".join(["{", *lines, f"{indent}}}"]) if lines else "{}"
    if isinstance(value, (list, tuple)):
        if all(isinstance(each, (str, int)) for each in value):
            line = f"[{', '.join(expression(each) for each in value)}]"
            if len(indent) + len(line) <= _LIST or len(value) < 2:
                return line
        lines = [f"{indent}  {expression(each, indent + '  ')}," for each in value]
        return "\n".join(["[", *lines, f"{indent}]"])
    if isinstance(value, str):
        return text(value)
    return json.dumps(value)


def text(value: str) -> str:
    """Return a string; what Terraform would evaluate in it is escaped."""
    quoted = json.dumps(value)
    return quoted.replace("${", "$${").replace("%{", "%%{")
