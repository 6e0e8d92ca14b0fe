"""A blueprint as an app of the AWS CDK in TypeScript. Pure.

It has the same resources as the CloudFormation template, as the CDK's constructs of level 1:
only these know CacheTagConfig (aws-cdk-lib 2.276). What the app synthesizes is equal to the
template; a test compares them.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from collective.cloudfront.blueprint.cloudformation.document import GetAtt
from collective.cloudfront.blueprint.cloudformation.document import plain
from collective.cloudfront.blueprint.cloudformation.document import Ref
from collective.cloudfront.blueprint.cloudformation.document import Sub
from collective.cloudfront.blueprint.cloudformation.template import document
from collective.cloudfront.blueprint.notes import comment
from collective.cloudfront.blueprint.notes import Why
from collective.cloudfront.blueprint.notes import WIDTH
from collective.cloudfront.blueprint.values import Blueprint
from typing import Any

import json
import re


_SERVICES = {
    "CloudFront": "cloudfront",
    "EC2": "ec2",
    "ECS": "ecs",
    "ElasticLoadBalancingV2": "elasticloadbalancingv2",
    "IAM": "iam",
    "Lambda": "lambda",
    "Logs": "logs",
}
#: Below these, names are data.
_AS_IT_IS = frozenset(
    {"AssumeRolePolicyDocument", "Options", "PolicyDocument", "Variables"}
)
#: Pseudo parameters of CloudFormation.
_PSEUDO = {"AWS::Region": "Aws.REGION"}
_WORD = re.compile(
    r"[A-Z]+[0-9]+(?=[A-Z]|$)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+"
)
_REFERENCE = re.compile(r"\$\{(\w+)\}")


def render(blueprint: Blueprint, head: str = "") -> str:
    """Return the text of the app; ``head`` is its first comment."""
    parts = document(blueprint)
    resources = {name: _bare(each) for name, each in parts["Resources"].items()}
    used = {each["Type"].split("::")[1] for each in resources.values()}
    names = sorted(_SERVICES[each] for each in used)
    parameters = parts.get("Parameters", {})
    core = ["App", "CfnOutput", "Stack"]
    if parameters:
        core.append("CfnParameter")
    if "Fn::Sub" in json.dumps(plain(parts)):
        core.append("Fn")
    if any(f'"{name}"' in json.dumps(plain(parts)) for name in _PSEUDO):
        core.append("Aws")
    lines = [
        *(comment(head, "", "//") if head else ()),
        f"import {{ {', '.join(sorted(core))} }} from 'aws-cdk-lib';",
        *(f"import * as {each} from 'aws-cdk-lib/aws-{each}';" for each in names),
        "",
        "const app = new App();",
        "// CloudFront's certificates and access logs are in us-east-1",
        f"const stack = new Stack(app, {_text(blueprint.options.name)}, {{",
        "  env: { region: 'us-east-1' },",
        f"  description: {_text(parts['Description'])},",
        "});",
    ]
    for name, each in parameters.items():
        lines += ["", *_construct("CfnParameter", name, each, parameters)]
    for name in _in_order(resources):
        lines.append("")
        value = parts["Resources"][name]
        while isinstance(value, Why):
            lines += comment(value.text, "", "//")
            value = value.value
        _, service, kind = value["Type"].split("::")
        lines += _construct(
            f"{_SERVICES[service]}.Cfn{kind}",
            name,
            value.get("Properties", {}),
            parameters,
        )
        for other in value.get("DependsOn", ()):
            lines.append(f"{_variable(name)}.addDependency({_variable(other)});")
    for name, each in parts["Outputs"].items():
        lines += ["", *_construct("CfnOutput", name, each, parameters, constant=False)]
    return "\n".join(lines) + "\n"


def _bare(value: Any) -> Any:
    while isinstance(value, Why):
        value = value.value
    return value


def _in_order(resources: Mapping[str, Any]) -> Iterator[str]:
    """Yield names so that what a resource refers to comes before it."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done or name not in resources:
            return
        done.add(name)
        wanted = plain(resources[name])
        for other in (*_references(wanted), *wanted.get("DependsOn", ())):
            yield from visit(other)
        yield name

    for name in resources:
        yield from visit(name)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        elif "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        elif "Fn::Sub" in value:
            yield from _REFERENCE.findall(value["Fn::Sub"])
        else:
            for each in value.values():
                yield from _references(each)


def _construct(
    kind: str,
    name: str,
    properties: Mapping[str, Any],
    parameters: Mapping[str, Any],
    constant: bool = True,
) -> Iterator[str]:
    # What nobody names is no constant
    new = f"new {kind}(stack, {_text(name)}"
    if constant:
        new = f"const {_variable(name)} = {new}"
    if not properties:
        yield f"{new});"
        return
    yield f"{new}, {{"
    yield from _fields(properties, "  ", parameters, camel=True)
    yield "});"


def _fields(
    values: Mapping[str, Any], indent: str, parameters: Mapping[str, Any], camel: bool
) -> Iterator[str]:
    for key, value in values.items():
        while isinstance(value, Why):
            yield from comment(value.text, indent, "//")
            value = value.value
        name = camel_case(key) if camel else _key(key)
        yield from _value(
            f"{indent}{name}: ",
            value,
            indent,
            parameters,
            camel and key not in _AS_IT_IS,
        )


def _value(
    start: str, value: Any, indent: str, parameters: Mapping[str, Any], camel: bool
) -> Iterator[str]:
    value = _bare(value)
    if isinstance(value, dict) and value:
        yield f"{start}{{"
        yield from _fields(value, indent + "  ", parameters, camel)
        yield f"{indent}}},"
    elif isinstance(value, (list, tuple)) and all(
        isinstance(each, (str, Ref, GetAtt)) for each in value
    ):
        items = [_scalar(each, parameters) for each in value]
        line = f"{start}[{', '.join(items)}],"
        if len(line) <= WIDTH or len(items) < 2:
            yield line
        else:
            yield f"{start}["
            yield from (f"{indent}  {each}," for each in items)
            yield f"{indent}],"
    elif isinstance(value, (list, tuple)):
        yield f"{start}["
        for each in value:
            while isinstance(each, Why):
                yield from comment(each.text, indent + "  ", "//")
                each = each.value
            yield from _value(indent + "  ", each, indent + "  ", parameters, camel)
        yield f"{indent}],"
    else:
        yield f"{start}{_scalar(value, parameters)},"


def _scalar(value: Any, parameters: Mapping[str, Any]) -> str:
    if isinstance(value, Ref):
        if value.name in _PSEUDO:
            return _PSEUDO[value.name]
        attribute = "ref"
        if value.name in parameters:
            is_list = parameters[value.name]["Type"].startswith("List<")
            attribute = "valueAsList" if is_list else "valueAsString"
        return f"{_variable(value.name)}.{attribute}"
    if isinstance(value, GetAtt):
        attribute = camel_case(value.attribute)
        return f"{_variable(value.name)}.attr{attribute[0].upper()}{attribute[1:]}"
    if isinstance(value, Sub):
        return f"Fn.sub({_text(value.text)})"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def camel_case(name: str) -> str:
    """Return a name of CloudFormation as the CDK spells it: ``MinTTL`` is ``minTtl``."""
    first, *others = _WORD.findall(name)
    return "".join((first.lower(), *(each.capitalize() for each in others)))


def _variable(name: str) -> str:
    return name[0].lower() + name[1:]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else _text(name)


def _text(value: str) -> str:
    if "'" in value or "\\" in value or not value.isprintable():
        return json.dumps(value)
    return f"'{value}'"
