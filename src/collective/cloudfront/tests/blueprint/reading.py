"""Reads templates as CloudFormation does."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    pass


def _function(name: str) -> Any:
    def construct(loader: Any, node: Any) -> dict[str, Any]:
        value = loader.construct_scalar(node)
        if name == "Fn::GetAtt":
            value = value.split(".", 1)
        return {name: value}

    return construct


for _tag, _name in (("Ref", "Ref"), ("Sub", "Fn::Sub"), ("GetAtt", "Fn::GetAtt")):
    _Loader.add_constructor(f"!{_tag}", _function(_name))


def read_yaml(text: str) -> Any:
    """Return a template in CloudFormation's YAML as its JSON."""
    return yaml.load(text, _Loader)
