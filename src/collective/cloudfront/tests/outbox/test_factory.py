"""Specification: which engine opens a URL."""

from collective.cloudfront.outbox import factory
from collective.cloudfront.outbox import open_outbox
from importlib.metadata import EntryPoint

import pytest
import sys


@pytest.mark.parametrize("url", ["", "/var/outbox.sqlite", "x:///y"])
def test_a_url_without_a_known_engine_is_refused_with_those_that_are(url):
    with pytest.raises(ValueError, match="names no outbox.*sqlite"):
        open_outbox(url)


def test_a_password_in_it_is_not_repeated():
    with pytest.raises(ValueError) as refused:
        open_outbox("unknown://user:secret@host/name")
    assert "secret" not in str(refused.value)


def an_engine(url, on_damage):
    return url, on_damage


def test_other_packages_add_engines_by_an_entry_point(monkeypatch):
    point = EntryPoint("theirs", f"{__name__}:an_engine", factory.GROUP)

    def installed(**wanted):
        return [point] if point.matches(**wanted) else []

    monkeypatch.setattr(factory, "entry_points", installed)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[an_engine.__module__])
    url, on_damage = open_outbox("theirs://somewhere", print)
    assert (url, on_damage) == ("theirs://somewhere", print)


def test_an_engine_without_its_packages_says_how_to_install_them(monkeypatch):
    monkeypatch.setitem(factory._ENGINES, "sqlite", "collective.cloudfront.no_module")
    monkeypatch.setitem(factory._EXTRAS, "sqlite", "shared")
    with pytest.raises(
        ValueError, match=r"pip install 'collective.cloudfront\[shared\]'"
    ):
        open_outbox("sqlite:////var/outbox.sqlite")
