"""Make the changes that findings ask for, in the configurations as AWS sends them.

Nothing else changes: members that nobody here knows stay as they are. ``cloudfront doctor
--fix`` makes two of the changes, when a person agrees; tests make all of them.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.delivery.aws.editing import add_item
from collective.cloudfront.delivery.aws.editing import child
from collective.cloudfront.delivery.aws.editing import Config
from collective.cloudfront.delivery.aws.editing import Editor
from collective.cloudfront.delivery.aws.editing import items_of
from collective.cloudfront.delivery.aws.editing import member
from collective.cloudfront.delivery.aws.editing import put
from collective.cloudfront.delivery.aws.editing import text_of
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.changes import ITEM_KEYS
from collective.cloudfront.doctor.changes import Kind
from collective.cloudfront.doctor.changes import path_to
from collective.cloudfront.doctor.findings import Finding
from typing import Any

import uuid


#: The codes of what ``--fix`` changes.
FIXED = frozenset(
    {"cache_tags_by_path", "cache_tags_missing", "cache_tags_other", "tag_header_sent"}
)


class Gone(Exception):
    """What is to be changed is not there any more; the message is a sentence."""


def fixable(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that ``--fix`` offers to change."""
    return [each for each in findings if each.code in FIXED and each.edits]


def apply(editor: Editor, distribution: str, edits: Iterable[Edit]) -> list[str]:
    """Make edits on a distribution or tenant and its policies.

    Returns the ids of what was changed or created, in this order. Raises ``Gone``, and what
    boto3 raises. Policies come first: what they change is harmless alone.
    """
    asked = list(dict.fromkeys(map(_hashable, edits)))
    wanted = [each.edit for each in asked]
    changed = [policy for policy, _ in _update_policies(editor, wanted)]
    attached: list[Edit] = []
    for policy, edit in _create_policies(editor, distribution, wanted):
        changed.append(policy)
        attached.append(edit)
    own = [each for each in wanted if each.kind is Kind.DISTRIBUTION]
    if own or attached:
        config = editor.read(Kind.DISTRIBUTION.value, distribution)
        for each in (*own, *attached):
            change(editor, config, each)
        editor.update(distribution, config)
        changed.append(distribution)
    for each in wanted:
        if each.kind is Kind.TENANT:
            _change_tenant(editor, distribution, each)
            changed.append(distribution)
    return list(dict.fromkeys(changed))


class _Hashable:
    """An edit that is equal to another one by its text: values may be dicts."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self._text = repr(edit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _hashable(edit: Edit) -> _Hashable:
    return _Hashable(edit)


_POLICIES = (Kind.CACHE_POLICY, Kind.REQUEST_POLICY, Kind.RESPONSE_POLICY)


def _update_policies(
    editor: Editor, edits: list[Edit]
) -> Iterator[tuple[str, list[Edit]]]:
    grouped: dict[tuple[Kind, str], list[Edit]] = {}
    for each in edits:
        if each.kind in _POLICIES and not each.copied_for:
            grouped.setdefault((each.kind, each.id), []).append(each)
    for (kind, id), some in grouped.items():
        config = editor.read(kind.value, id)
        for each in some:
            change(editor, config, each)
        editor.update(id, config)
        yield id, some


def _create_policies(
    editor: Editor, distribution: str, edits: list[Edit]
) -> Iterator[tuple[str, Edit]]:
    """Yield each new policy, and the edits that attach it to behaviors."""
    grouped: dict[tuple[Kind, str, str], list[Edit]] = {}
    for each in edits:
        if each.copied_for:
            # Policies without an original may differ from behavior to behavior
            apart = "" if each.id else repr((each.path, each.value))
            grouped.setdefault((each.kind, each.id, apart), []).append(each)
    for (kind, original, _), some in grouped.items():
        if original:
            config = editor.read(kind.value, original)
        else:
            config = editor.new(kind.value)
        name = f"{distribution}-{kind.value}-{uuid.uuid4().hex[:8]}"
        put(editor.model(kind.value), config.xml, "Name", name)
        for each in some:
            change(editor, config, each)
        new = editor.create(config)
        for pattern in dict.fromkeys(name for each in some for name in each.copied_for):
            path = (*path_to(pattern), kind.attached_by)
            yield new, Edit(Kind.DISTRIBUTION, path, new)


def _change_tenant(editor: Editor, tenant: str, edit: Edit) -> None:
    if edit.path == ("Domains",):
        editor.change_domains(tenant, edit.value)
    else:
        editor.enable_tenant(tenant)


def change(editor: Editor, config: Config, edit: Edit) -> None:
    """Make one edit in a configuration."""
    shape = editor.model(config.kind)
    if not edit.path:
        for name, value in edit.value.items():
            put(shape, config.xml, name, value)
        return
    _set(shape, config.xml, edit.path, edit.value)


def _set(shape: Any, element: Any, path: tuple[str, ...], value: Any) -> None:
    name, *rest = path
    if not rest:
        put(shape, element, name, value)
        return
    inner, found = member(shape, name), child(element, name)
    if name not in ITEM_KEYS:
        _set(inner, found, tuple(rest), value)
        return
    wanted, *rest = rest
    items = items_of(found)
    matching = [each for each in items if _names(each, ITEM_KEYS[name], wanted)]
    if rest and not matching:
        raise Gone(f"{name} has no {wanted} any more.")
    if rest:
        item = member(inner, "Items").member
        _set(item, matching[0], tuple(rest), value)
    elif not matching:
        # The first cache behavior that matches counts
        add_item(inner, found, value, first=name == "CacheBehaviors")


def _names(item: Any, key: str, wanted: str) -> bool:
    return text_of(item, key).lower() == wanted.lower()
