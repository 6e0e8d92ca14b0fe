"""Specification: testing the connection to CloudFront from where a worker runs."""

from collective.cloudfront.tests.cli.world import E1
from collective.cloudfront.tests.cli.world import KEYS


def levels(found):
    (distribution,) = found["distributions"]
    assert distribution["distribution"] == E1
    return {each["name"]: each["level"] for each in distribution["items"]}


def test_what_works_is_shown(world, cloudfront):
    found = levels(world.json("test-connection"))
    assert found["permission_create"] == "ok"
    text = world.run("test-connection", "--distribution", E1).stdout
    assert "Permission to create invalidations" in text
    assert cloudfront.control.invalidations() == []


def test_what_does_not_work_has_an_exit_code(world, cloudfront):
    cloudfront.control.change_options(denied_actions=("CreateInvalidation",))
    result = world.run("test-connection")
    assert result.exit_code == 1
    assert "CreateInvalidation" in result.stdout


def test_a_key_pair_of_zope_cannot_be_tested_here(world, cloudfront):
    world.publish(KEYS)
    result = world.run("test-connection")
    assert result.exit_code == 1
    assert "key pair" in result.stderr
