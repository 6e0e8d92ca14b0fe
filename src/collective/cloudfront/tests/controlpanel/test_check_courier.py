"""Specification: the check of who delivers where this Zope does not."""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.delivery.presence import Presence
from collective.cloudfront.tests.controlpanel.test_checks import look
from collective.cloudfront.tests.controlpanel.test_checks import registry
from zope.i18n import translate

import pytest


__all__ = ["look", "registry"]

PREFIX = "collective.cloudfront"


@pytest.fixture
def off(process, monkeypatch):
    """A Zope that leaves the delivery to others; returns what makes others appear."""
    monkeypatch.setattr(process, "is_courier_off", True)
    return lambda kind: Presence(process.outbox, kind).say()


def test_where_zope_delivers_there_is_nothing_to_check(look):
    assert "courier" not in look()


def test_that_there_is_no_worker_is_an_error(look, off):
    off(Kind.SAVES_ONLY)
    found = look()
    assert found["courier"].level is Level.ERROR
    assert "no worker has been seen" in translate(found["courier"].text)
    assert "cloudfront worker" in translate(found["courier"].advice)
    assert found["purging"].level is Level.ERROR


@pytest.mark.parametrize("kind", [Kind.WORKER, Kind.ZOPE])
def test_somebody_who_delivers_is_fine(look, off, kind):
    off(kind)
    found = look()
    assert (found["courier"].level, found["purging"].level) == (Level.OK, Level.OK)


def test_a_key_pair_needs_a_zope_that_delivers(look, off, registry):
    registry[f"{PREFIX}.aws_access_key_id"] = "AKIAIOSFODNN7EXAMPLE"
    registry[f"{PREFIX}.aws_secret_access_key"] = "secret"
    off(Kind.WORKER)
    found = look()["courier"]
    assert found.level is Level.ERROR
    assert "contain a key pair" in translate(found.text)
    off(Kind.ZOPE)
    assert look()["courier"].level is Level.OK
