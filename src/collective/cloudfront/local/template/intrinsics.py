"""CloudFormation's intrinsic functions and conditions. Pure functions.

What is not here is an error that names it. A value of a resource that is made elsewhere
(``!GetAtt Certificate.Arn``) is a text that names it. Source: CloudFormation template
reference, "Intrinsic functions" and "Pseudo parameters".
"""

from collections.abc import Mapping
from collective.cloudfront.local.template.errors import TemplateError
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import re


#: What ``!Ref AWS::NoValue`` gives: the property is left out.
NO_VALUE = object()

#: The account and region of a stack that is nowhere.
PSEUDO_PARAMETERS: Mapping[str, Any] = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": NO_VALUE,
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/local/0",
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
}

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")


@dataclass(frozen=True)
class Scope:
    """What a template's expressions can name."""

    parameters: Mapping[str, Any]
    #: Names of all parameters, with and without a value.
    declared: frozenset[str] = frozenset()
    mappings: Mapping[str, Any] = field(default_factory=dict)
    #: As written; they are evaluated when they are asked for.
    conditions: Mapping[str, Any] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()

    def holds(self, name: Any, place: str) -> bool:
        """Is a condition of the template true?"""
        if name not in self.conditions:
            raise TemplateError(place, f"There is no condition {name}.")
        return _is_true(self.conditions[name], self, f"Conditions.{name}")

    def value(self, expression: Any, place: str) -> Any:
        """Return what an expression means, without what is AWS::NoValue."""
        if isinstance(expression, list):
            items = [
                self.value(each, f"{place}[{index}]")
                for index, each in enumerate(expression)
            ]
            return [each for each in items if each is not NO_VALUE]
        if not isinstance(expression, dict):
            return expression
        function = _function_in(expression)
        if function:
            return self._call(function, expression[function], place)
        values = {
            key: self.value(each, f"{place}.{key}" if place else str(key))
            for key, each in expression.items()
        }
        return {key: each for key, each in values.items() if each is not NO_VALUE}

    def _call(self, function: str, argument: Any, place: str) -> Any:
        call = _FUNCTIONS.get(function)
        if call is None:
            raise TemplateError(
                place, f"The local CloudFront does not know {function}."
            )
        return call(argument, self, place)

    def named(self, name: str, place: str) -> Any:
        """Return what ``Ref`` gives."""
        if name in self.parameters:
            return self.parameters[name]
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self.resources:
            return name
        if name in self.declared:
            problem = f"The parameter has no default: give --parameter {name}=…"
            raise TemplateError(place, problem)
        raise TemplateError(place, f"There is no parameter or resource {name}.")

    def attribute(self, resource: str, name: str, place: str) -> str:
        """Return what ``Fn::GetAtt`` gives: of policies, the id is the logical id."""
        if resource not in self.resources:
            raise TemplateError(place, f"There is no resource {resource}.")
        return resource if name == "Id" else f"{resource}.{name}"


def _function_in(expression: dict[Any, Any]) -> str:
    if len(expression) != 1:
        return ""
    (name,) = expression
    is_one = name in ("Ref", "Condition") or str(name).startswith("Fn::")
    # An IAM policy has a key Condition, which holds an object
    if name == "Condition" and not isinstance(expression[name], str):
        return ""
    return str(name) if is_one else ""


def _ref(argument: Any, scope: Scope, place: str) -> Any:
    return scope.named(_text(argument, place), place)


def _get_att(argument: Any, scope: Scope, place: str) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2:
        raise TemplateError(place, "Fn::GetAtt takes a resource and an attribute.")
    return scope.attribute(str(parts[0]), str(scope.value(parts[1], place)), place)


def _sub(argument: Any, scope: Scope, place: str) -> str:
    text, own = argument, {}
    if isinstance(argument, list):
        text, own = _arguments("Fn::Sub", argument, 2, place)
        own = scope.value(own, place)

    def replaced(match: re.Match[str]) -> str:
        literal, name = match.groups()
        name = name.strip()
        if literal:
            return "${" + name + "}"
        if name in own:
            return _as_text(own[name], place)
        resource, dot, attribute = name.partition(".")
        if dot:
            return scope.attribute(resource, attribute, place)
        return _as_text(scope.named(name, place), place)

    return _VARIABLE.sub(replaced, _text(text, place))


def _join(argument: Any, scope: Scope, place: str) -> str:
    delimiter, values = _arguments("Fn::Join", argument, 2, place)
    values = scope.value(values, place)
    if not isinstance(values, list):
        raise TemplateError(place, "Fn::Join takes a list.")
    return _text(delimiter, place).join(_as_text(each, place) for each in values)


def _split(argument: Any, scope: Scope, place: str) -> list[str]:
    delimiter, text = _arguments("Fn::Split", argument, 2, place)
    return _text(scope.value(text, place), place).split(_text(delimiter, place))


def _select(argument: Any, scope: Scope, place: str) -> Any:
    index, values = _arguments("Fn::Select", argument, 2, place)
    try:
        return scope.value(values, place)[int(scope.value(index, place))]
    except (IndexError, TypeError, ValueError):
        raise TemplateError(place, "Fn::Select finds nothing.") from None


def _find_in_map(argument: Any, scope: Scope, place: str) -> Any:
    keys = [
        scope.value(each, place)
        for each in _arguments("Fn::FindInMap", argument, 3, place)
    ]
    found: Any = scope.mappings
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            raise TemplateError(place, f"Fn::FindInMap finds no {key}.")
        found = found[key]
    return found


def _if(argument: Any, scope: Scope, place: str) -> Any:
    name, yes, no = _arguments("Fn::If", argument, 3, place)
    return scope.value(yes if scope.holds(name, place) else no, place)


_FUNCTIONS = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
}


# Conditions


def _is_true(expression: Any, scope: Scope, place: str) -> bool:
    function = _function_in(expression) if isinstance(expression, dict) else ""
    argument = expression[function] if function else None
    if function == "Condition":
        return scope.holds(argument, place)
    if function == "Fn::Equals":
        first, second = _arguments(function, argument, 2, place)
        return bool(scope.value(first, place) == scope.value(second, place))
    if function == "Fn::Not":
        (only,) = _arguments(function, argument, 1, place)
        return not _is_true(only, scope, place)
    if function in ("Fn::And", "Fn::Or") and isinstance(argument, list):
        results = [_is_true(each, scope, place) for each in argument]
        return all(results) if function == "Fn::And" else any(results)
    name = function or "this"
    raise TemplateError(
        place, f"The local CloudFront does not know {name} in a condition."
    )


def _arguments(function: str, argument: Any, count: int, place: str) -> list[Any]:
    if not isinstance(argument, list) or len(argument) != count:
        raise TemplateError(place, f"{function} takes a list of {count}.")
    return argument


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise TemplateError(place, f"{value!r} is not a text.")
    return value


def _as_text(value: Any, place: str) -> str:
    """Return a text, number or truth value as CloudFormation puts it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list):
        return ",".join(_as_text(each, place) for each in value)
    raise TemplateError(place, f"{value!r} does not fit into a text.")
