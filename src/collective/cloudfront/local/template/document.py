"""A template file: JSON or YAML, its parameters, and its resources as plain values."""

from collections.abc import Mapping
from collective.cloudfront.local.template.errors import TemplateError
from collective.cloudfront.local.template.intrinsics import Scope
from dataclasses import dataclass
from typing import Any

import json
import re


#: Sections that say nothing about the edge, or are evaluated elsewhere.
_SECTIONS = frozenset(
    [
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
    ]
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource whose condition is true, with its properties evaluated."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]

    @property
    def place(self) -> str:
        """How errors name it."""
        return f"Resources.{self.logical_id}"


def resources(
    text: str, given: Mapping[str, str], types: frozenset[str]
) -> tuple[Resource, ...]:
    """Return the resources of a template; raise TemplateError if it cannot be read.

    ``given`` are the values of parameters. Of a resource whose type is not among ``types``
    the properties are not evaluated: it is somebody else's.
    """
    template = _parse(text)
    unknown = sorted(set(template) - _SECTIONS)
    if unknown:
        raise TemplateError(
            unknown[0], "The local CloudFront does not know this section."
        )
    declared = _section(template, "Resources")
    scope = Scope(
        parameters=_parameters(_section(template, "Parameters"), given),
        declared=frozenset(_section(template, "Parameters")),
        mappings=_section(template, "Mappings"),
        conditions=_section(template, "Conditions"),
        resources=frozenset(declared),
    )
    return tuple(
        _resource(name, each, scope, types)
        for name, each in declared.items()
        if _is_made(name, each, scope)
    )


def _resource(name: str, body: Any, scope: Scope, types: frozenset[str]) -> Resource:
    kind = str(body.get("Type", ""))
    place = f"Resources.{name}"
    if kind not in types:
        return Resource(name, kind, {})
    return Resource(name, kind, scope.value(body.get("Properties", {}), place))


def _is_made(name: str, body: Any, scope: Scope) -> bool:
    place = f"Resources.{name}"
    if not isinstance(body, dict):
        raise TemplateError(place, "A resource is an object.")
    return "Condition" not in body or scope.holds(body["Condition"], place)


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name) or {}
    if not isinstance(section, dict):
        raise TemplateError(name, "This section is an object.")
    return section


# Parameters


def _parameters(
    declared: Mapping[str, Any], given: Mapping[str, str]
) -> Mapping[str, Any]:
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError("Parameters", f"There is no parameter {unknown[0]}.")
    return {
        name: _parameter(name, each, given)
        for name, each in declared.items()
        if name in given or "Default" in each
    }


def _parameter(name: str, declared: Any, given: Mapping[str, str]) -> Any:
    place = f"Parameters.{name}"
    value = str(given.get(name, declared.get("Default")))
    allowed = declared.get("AllowedValues")
    if allowed and value not in [str(each) for each in allowed]:
        choice = ", ".join(str(each) for each in allowed)
        raise TemplateError(place, f"{value!r} is none of {choice}.")
    pattern = declared.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        hint = declared.get("ConstraintDescription") or f"does not match {pattern}"
        raise TemplateError(place, f"{value!r}: {hint}")
    return _of_type(str(declared.get("Type")), value, place)


def _of_type(kind: str, value: str, place: str) -> Any:
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [each.strip() for each in value.split(",")] if value else []
    if kind == "Number":
        try:
            float(value)
        except ValueError:
            raise TemplateError(place, f"{value!r} is not a number.") from None
    elif kind.startswith("AWS::SSM::"):
        raise TemplateError(place, f"The local CloudFront cannot look up {kind}.")
    elif kind != "String" and not kind.startswith("AWS::"):
        raise TemplateError(
            place, f"The local CloudFront does not know the type {kind}."
        )
    return value


# Text


def _parse(text: str) -> Mapping[str, Any]:
    template = _parse_json(text) if text.lstrip().startswith("{") else _parse_yaml(text)
    if not isinstance(template, dict) or "Resources" not in template:
        raise TemplateError(
            "", "This is no CloudFormation template: it has no Resources."
        )
    return template


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise TemplateError("", f"The template is no JSON: {error}") from None


def _parse_yaml(text: str) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise TemplateError(
            "", "A template in YAML needs collective.cloudfront[local]."
        ) from None

    # A SafeLoader, for which dates stay texts and short tags become functions
    Loader: Any = type("Loader", (yaml.SafeLoader,), {})
    Loader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_multi_constructor("!", _function)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise TemplateError("", f"The template is no YAML: {error}") from None


def _function(loader: Any, suffix: str, node: Any) -> Any:
    """Make ``!Sub text`` what ``Fn::Sub: text`` is."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    kinds = {
        "scalar": loader.construct_scalar,
        "sequence": lambda each: loader.construct_sequence(each, deep=True),
        "mapping": lambda each: loader.construct_mapping(each, deep=True),
    }
    return {name: kinds[node.id](node)}
