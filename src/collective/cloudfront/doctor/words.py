"""A change as commands of the AWS CLI, and as a part of a CloudFormation template. Pure.

The commands send back a configuration as it was read, with one change. They need ``jq``.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.changes import ITEM_KEYS
from collective.cloudfront.doctor.changes import Kind
from collective.cloudfront.doctor.changes import path_to
from typing import Any

import json
import re
import shlex


#: Items that are numbers in JSON.
_NUMBERS = frozenset({"ErrorCode"})


def commands(distribution: str, edits: Sequence[Edit]) -> list[str]:
    """Return the commands that make the edits, one a line."""
    lines: list[str] = []
    own = [each for each in edits if each.kind is Kind.DISTRIBUTION]
    attached: list[str] = []
    for number, (edit, some) in enumerate(_by_policy(edits), 1):
        kind = edit.kind.value
        if edit.copied_for:
            variable = f"policy{number}"
            lines += _create(distribution, edit, some, variable)
            for pattern in _patterns(some):
                path = (*path_to(pattern), edit.kind.attached_by)
                attached.append(_assign(path, f"${variable}"))
        else:
            lines += _update(kind, edit.id, map(_program, some))
    if own or attached:
        variables = sorted(set(re.findall(r"\$(policy\d+)", " ".join(attached))))
        programs = [*map(_program, own), *attached]
        lines += _update("Distribution", distribution, programs, variables)
    for each in edits:
        if each.kind is Kind.TENANT:
            lines += _tenant(distribution, each)
    return lines


def _by_policy(edits: Iterable[Edit]) -> Iterator[tuple[Edit, list[Edit]]]:
    """Yield the edits of each policy together, with the first of them."""
    grouped: dict[str, list[Edit]] = {}
    for each in edits:
        if each.kind in (Kind.DISTRIBUTION, Kind.TENANT):
            continue
        apart = "" if each.id else repr((each.path, each.value))
        key = repr((each.kind, each.id, bool(each.copied_for), apart))
        grouped.setdefault(key, []).append(each)
    for some in grouped.values():
        yield some[0], some


def _patterns(edits: Iterable[Edit]) -> list[str]:
    return list(dict.fromkeys(name for each in edits for name in each.copied_for))


def _update(
    kind: str, id: str, programs: Iterable[str], variables: Sequence[str] = ()
) -> list[str]:
    name, dashed = f"{kind}Config", _dashed(kind)
    program = " | ".join([f".{name}", *dict.fromkeys(programs)])
    given = "".join(f'--arg {each} "${each}" ' for each in variables)
    return [
        f"aws cloudfront get-{dashed}-config --id {id} > old.json",
        f"jq {given}{shlex.quote(program)} old.json > new.json",
        f'aws cloudfront update-{dashed} --id {id} --if-match "$(jq -r .ETag old.json)" '
        f"--{dashed}-config file://new.json",
    ]


def _create(
    distribution: str, edit: Edit, edits: Iterable[Edit], variable: str
) -> list[str]:
    kind = edit.kind.value
    dashed = _dashed(kind)
    name = f".Name = {json.dumps(f'{distribution}-{kind}')}"
    programs = dict.fromkeys(map(_program, edits))
    if edit.id:
        program = " | ".join([f".{kind}Config", name, *programs])
        lines = [
            f"aws cloudfront get-{dashed}-config --id {edit.id} > old.json",
            f"jq {shlex.quote(program)} old.json > new.json",
        ]
    else:
        program = " | ".join(["{}", name, *programs])
        lines = [f"jq -n {shlex.quote(program)} > new.json"]
    return [
        *lines,
        f"{variable}=$(aws cloudfront create-{dashed} "
        f"--{dashed}-config file://new.json --query {kind}.Id --output text)",
    ]


def _tenant(tenant: str, edit: Edit) -> list[str]:
    value = {edit.path[0]: edit.value}
    return [
        f"aws cloudfront get-distribution-tenant --identifier {tenant} > old.json",
        f"jq -n {shlex.quote(json.dumps(value))} > new.json",
        f"aws cloudfront update-distribution-tenant --id {tenant} "
        '--if-match "$(jq -r .ETag old.json)" --cli-input-json file://new.json',
    ]


def _dashed(kind: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()


def _program(edit: Edit) -> str:
    """Return what jq does to a configuration."""
    if not edit.path:
        return f". + {json.dumps(edit.value)}"
    if edit.path[:-1] and edit.path[-2] in ITEM_KEYS:
        return _add(".".join(["", *edit.path[:-1]]), edit.path[-2], edit.value)
    if edit.value is None:
        return f"del({_path(edit.path)})"
    return _assign(edit.path, json.dumps(edit.value))


def _add(place: str, name: str, value: Any) -> str:
    old, new = f"({place}.Items // [])", f"[{json.dumps(value)}]"
    added = f"{new} + {old}" if name == "CacheBehaviors" else f"{old} + {new}"
    return f"{place}.Items = {added} | {place}.Quantity = ({place}.Items | length)"


def _assign(path: Sequence[str], value: str) -> str:
    return f"{_path(path)} = {value}"


def _path(path: Sequence[str]) -> str:
    found = ""
    names = iter(path)
    for name in names:
        found += f".{name}"
        if name in ITEM_KEYS:
            key, wanted = ITEM_KEYS[name], next(names)
            literal = wanted if key in _NUMBERS else json.dumps(wanted)
            found = f"({found}.Items[] | select(.{key} == {literal}))"
    return found


# CloudFormation


def snippet(edits: Sequence[Edit]) -> str:
    """Return what a CloudFormation template must have, as YAML."""
    parts: list[str] = []
    tree: dict[str, Any] = {}
    for edit, some in _by_policy(edits):
        kind = edit.kind.value
        config: dict[str, Any] = {}
        for each in some:
            _grow(config, each)
        if not edit.copied_for:
            parts.append(_yaml({f"{kind}Config": config}, f"Policy {edit.id}"))
            continue
        original = f"A copy of {edit.id}, with" if edit.id else "A new policy"
        new = {"Type": f"AWS::CloudFront::{kind}"}
        name = _Tag(f'!Sub "${{AWS::StackName}}-{kind}"')
        properties = {f"{kind}Config": {"Name": name} | config}
        parts.append(_yaml({f"New{kind}": new | {"Properties": properties}}, original))
        for pattern in _patterns(some):
            path = (*path_to(pattern), edit.kind.attached_by)
            _grow(tree, Edit(Kind.DISTRIBUTION, path, _Tag(f"!Ref New{kind}")))
    for each in edits:
        if each.kind is Kind.DISTRIBUTION:
            _grow(tree, each)
        elif each.kind is Kind.TENANT:
            names = each.value
            if each.path == ("Domains",):
                names = [domain["Domain"] for domain in each.value]
            parts.append(_yaml({each.path[0]: names}, "The tenant"))
    if tree:
        parts.append(_yaml({"DistributionConfig": tree}, "The distribution"))
    return "\n".join(parts)


class _Tag(str):
    """YAML that is no text."""


class _Removed:
    """A member that a template must not have."""


def _grow(tree: dict[str, Any], edit: Edit) -> None:
    """Put an edit into nested dicts as CloudFormation has them."""
    if not edit.path:
        for name, value in edit.value.items():
            tree[name] = _plain(value)
        return
    names = iter(edit.path[:-1])
    last, place = edit.path[-1], tree
    for name in names:
        if name not in ITEM_KEYS:
            place = place.setdefault(name, {})
            continue
        if name == "RemoveHeadersConfig":  # the one list that keeps its Items
            place, name = place.setdefault(name, {}), "Items"
        items = place.setdefault(name, [])
        wanted = next(names, None)
        if wanted is None:
            if _plain(edit.value) not in items:
                items.append(_plain(edit.value))
            return
        place = _item(items, ITEM_KEYS[name], wanted)
    if last == "AllowedMethods":
        place["AllowedMethods"] = edit.value["Items"]
        place["CachedMethods"] = edit.value["CachedMethods"]["Items"]
    else:
        place[last] = _Removed() if edit.value is None else _plain(edit.value)


def _item(items: list[Any], key: str, wanted: str) -> dict[str, Any]:
    value: Any = int(wanted) if key in _NUMBERS else wanted
    for each in items:
        if each[key] == value:
            return each
    items.append({key: value})
    return items[-1]


def _plain(value: Any) -> Any:
    """Return a value of the API as CloudFormation has it: lists are lists."""
    if not isinstance(value, dict):
        return value
    if "CachedMethods" in value:
        return value["Items"]
    if "Quantity" in value:
        return [_plain(each) for each in value.get("Items", ())]
    plain = {name: _plain(each) for name, each in value.items()}
    methods = value.get("AllowedMethods")
    if methods is not None:
        plain["CachedMethods"] = methods["CachedMethods"]["Items"]
    return plain


def _yaml(value: dict[str, Any], comment: str) -> str:
    return "\n".join([f"# {comment}", *_lines(value, "")])


def _lines(value: Any, indent: str) -> Iterator[str]:
    for name, each in value.items():
        if isinstance(each, _Removed):
            yield f"{indent}# without {name}"
        elif isinstance(each, dict):
            yield f"{indent}{name}:"
            yield from _lines(each, f"{indent}  ")
        elif isinstance(each, list) and each:
            yield f"{indent}{name}:"
            for item in each:
                yield from _item_lines(item, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_scalar(each)}"


def _item_lines(item: Any, indent: str) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{indent}- {_scalar(item)}"
        return
    first = True
    for line in _lines(item, f"{indent}  "):
        yield f"{indent}- {line.lstrip()}" if first else line
        first = False


def _scalar(value: Any) -> str:
    if isinstance(value, _Tag):
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w.-]*", value):
        unsafe = value.lower() in ("true", "false", "yes", "no", "on", "off", "null")
        return f'"{value}"' if unsafe else value
    return json.dumps(value, ensure_ascii=False)
