"""Specification: what we rely on in other packages is listed, and looked for."""

from collective.cloudfront import hooks
from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.hooks import Hooks
from collective.cloudfront.hooks import Hook
from collective.cloudfront.hooks import HOOKS
from collective.cloudfront.hooks import is_in_place
from collective.cloudfront.tagging.recording import callers
from collective.cloudfront.tagging.recording.patches import ATTRIBUTE
from importlib.util import find_spec
from pathlib import Path
from plone.app.uuid import utils as uuids
from plone.registry.interfaces import IRegistry
from Products.ZCatalog.Catalog import Catalog
from Products.ZCatalog.CatalogBrains import AbstractCatalogBrain
from ZODB.Connection import Connection
from zope.component import getUtility

import collective.cloudfront
import pytest
import re


SOURCES = Path(collective.cloudfront.__file__).parent
#: A name with one underscore, of something that is not the code's own.
PRIVATE = re.compile(r"(?<!self)(?<!cls)(?<!sys)\.(_[a-z]\w+)")
#: Documented, though they begin with an underscore.
PUBLIC = {
    "_make",
    "_p_jar",
    "_p_oid",
    "_p_changed",
    "_p_invalidate",
    "_p_mtime",
    "_p_serial",
    "_p_state",
    "_replace",
}
#: The rooms that speak to Plone, ZODB or botocore.
ROOMS = (
    "changes",
    "controlpanel",
    "delivery/aws",
    "manual",
    "process.py",
    "purge.py",
    "reach",
    "settings",
    "tagging",
)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.name)
def test_each_hook_is_in_place(hook):
    for module in ("botocore.session", "relstorage.storage"):
        if find_spec(module.partition(".")[0]):
            __import__(module)
    assert is_in_place(hook)


def test_every_private_name_of_others_is_in_the_list():
    listed = " ".join(hook.name for hook in HOOKS)
    files = [
        path
        for room in ROOMS
        for path in (
            [SOURCES / room] if ".py" in room else (SOURCES / room).rglob("*.py")
        )
    ]
    used = {
        name
        for path in files
        for line in path.read_text("utf-8").splitlines()
        if not line.lstrip().startswith(("#", "from ", "import "))
        for name in PRIVATE.findall(line)
    }
    assert {name for name in used - PUBLIC if name not in listed} == set()


def test_what_the_call_stack_is_compared_with_is_in_the_list():
    listed = [hook.name.replace("/", ".") for hook in HOOKS]
    for module, function in callers.FUNCTIONS:
        assert any(each.startswith(module) and function in each for each in listed)
    for module in callers.PORTLETS:
        assert any(each.startswith(module) for each in listed)
    for template in (callers.LISTING, *callers.AROUND):
        name = Path(template).name
        assert any(each.endswith(name) for each in listed)


@pytest.mark.parametrize(
    "gone",
    [
        Hook("no.such.module:thing", "", ""),
        Hook("ZODB.Connection:Connection.no_such_method", "", ""),
        Hook("ZODB.Connection:Connection.__init__#_no_such_name", "", ""),
        Hook("ZODB.Connection:Connection.get", "", "", takes=("self", "other")),
        Hook("plone.app.contenttypes.browser/templates/no-such.pt", "", ""),
        Hook("no.such.package/page.pt", "", ""),
    ],
    ids=lambda hook: hook.name,
)
def test_what_is_gone_is_noticed(gone):
    assert not is_in_place(gone)


def test_what_is_only_asked_for_when_loaded_is_not_imported():
    assert is_in_place(Hook("no.such.module:thing", "", "", if_loaded=True))


# --- the check ------------------------------------------------------------------------


@pytest.fixture
def check(portal, http_request):
    hooks.missing.cache_clear()
    yield lambda: Hooks(portal, http_request)
    hooks.missing.cache_clear()


@pytest.fixture
def tags():
    getUtility(IRegistry)["collective.cloudfront.cache_tags"] = "headers"


def test_nothing_is_missing(check, tags):
    found = check()
    assert found.level is Level.OK
    assert not found.names
    assert not found.advice


def test_a_person_reads_what_is_missing(check, monkeypatch):
    monkeypatch.delattr(Connection, "__init__")
    found = check()
    assert found.level is Level.WARNING
    assert "ZODB.Connection:Connection.__init__#_reader" in found.names
    assert found.text.mapping["names"]
    assert found.advice


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (Catalog, "search", lambda self, *args, **kw: []),
        (uuids, "uuidToPhysicalPath", lambda uuid: None),
        (AbstractCatalogBrain, "modified", None),
    ],
)
def test_a_patch_of_somebody_else_over_ours_is_noticed(
    portal, check, tags, monkeypatch, owner, name, value
):
    assert not check().names
    monkeypatch.setattr(owner, name, value)
    assert any(name in each for each in check().names)


def test_points_are_not_tried_out_where_no_tags_are_sent(check, monkeypatch):
    getUtility(IRegistry)["collective.cloudfront.cache_tags"] = "off"
    monkeypatch.setattr(AbstractCatalogBrain, "modified", None, raising=False)
    assert not check().names


def test_the_request_stays_as_it_was(check, tags, http_request):
    before = getattr(http_request, ATTRIBUTE, None)
    assert not check().names
    assert getattr(http_request, ATTRIBUTE, None) is before
