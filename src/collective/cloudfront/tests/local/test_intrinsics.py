"""CloudFormation's intrinsic functions and conditions."""

from collective.cloudfront.local.template.errors import TemplateError
from collective.cloudfront.local.template.intrinsics import NO_VALUE
from collective.cloudfront.local.template.intrinsics import Scope

import pytest


SCOPE = Scope(
    parameters={"Name": "plone", "Number": "8080", "Names": ["a", "b"]},
    mappings={"Map": {"first": {"second": "found"}}},
    conditions={
        "Yes": {"Fn::Equals": [{"Ref": "Name"}, "plone"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
    },
    resources=frozenset(["Policy"]),
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("text", "text"),
        ({"Ref": "Name"}, "plone"),
        ({"Ref": "Policy"}, "Policy"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::GetAtt": ["Policy", "Id"]}, "Policy"),
        ({"Fn::GetAtt": "Policy.Arn"}, "Policy.Arn"),
        ({"Fn::Sub": "http://${Name}:${Number}"}, "http://plone:8080"),
        (
            {"Fn::Sub": "${!Name} ${Policy.Id} ${AWS::Region}"},
            "${Name} Policy us-east-1",
        ),
        ({"Fn::Sub": ["${a}-${Name}", {"a": {"Ref": "Number"}}]}, "8080-plone"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 1]]}, "a-plone-1"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [".", "x.y"]}]}, "x"),
        ({"Fn::FindInMap": ["Map", "first", "second"]}, "found"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, {"Ref": "Name"}]}, "plone"),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ([1, {"Fn::If": ["No", 2, {"Ref": "AWS::NoValue"}]}], [1]),
        ({"Ref": "AWS::NoValue"}, NO_VALUE),
        # Not a function: a statement of an IAM policy
        ({"Condition": {"StringEquals": {}}}, {"Condition": {"StringEquals": {}}}),
    ],
)
def test_an_expression_has_a_value(expression, value):
    assert SCOPE.value(expression, "here") == value


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ({"Fn::ImportValue": "x"}, "does not know Fn::ImportValue"),
        ({"Ref": "Nothing"}, "no parameter or resource Nothing"),
        ({"Fn::GetAtt": ["Nothing", "Id"]}, "no resource Nothing"),
        ({"Fn::GetAtt": "Policy"}, "takes a resource and an attribute"),
        ({"Fn::Sub": "${Nothing}"}, "no parameter or resource Nothing"),
        ({"Fn::Sub": ["a"]}, "Fn::Sub takes a list of 2"),
        ({"Fn::Join": [",", "a"]}, "Fn::Join takes a list"),
        ({"Fn::Join": [",", [{}]]}, "does not fit into a text"),
        ({"Fn::Select": [2, ["a"]]}, "Fn::Select finds nothing"),
        ({"Fn::FindInMap": ["Map", "first", "third"]}, "finds no third"),
        ({"Fn::If": ["Perhaps", 1, 2]}, "no condition Perhaps"),
    ],
)
def test_what_has_none_is_an_error_with_its_place(expression, problem):
    with pytest.raises(TemplateError) as caught:
        SCOPE.value({"a": [expression]}, "here")
    assert str(caught.value).startswith("here.a[0]: ")
    assert problem in str(caught.value)


def test_a_function_that_no_condition_may_use_is_named():
    scope = Scope({}, conditions={"Odd": {"Fn::Contains": []}})
    with pytest.raises(TemplateError, match="Conditions.Odd: .* Fn::Contains"):
        scope.holds("Odd", "here")


def test_the_branch_that_is_not_taken_is_not_evaluated():
    assert SCOPE.value({"Fn::If": ["Yes", 1, {"Fn::Cidr": []}]}, "here") == 1
