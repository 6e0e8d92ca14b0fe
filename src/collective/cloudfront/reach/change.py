"""What can happen in a site, as values: what ``by_path`` and ``by_tag`` read.

``changes/`` makes them from Plone's events. They hold content objects where Plone has
them now, which is why they live no longer than their transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Any


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What happened to an object in this transaction, and where it is now."""

    obj: Any
    #: Its own pages changed.
    own: bool = False
    #: Somebody raised a purge event for it, perhaps only because of what it holds.
    purge_event: bool = False
    #: It was edited: so did its date of change.
    edited: bool = False
    #: Other pages show what changed.
    shown: bool = False
    #: Tabs, which show titles only, show what changed.
    titled: bool = False
    #: What is below it changed, too.
    below: bool = False
    #: There was nothing in its place before.
    created: bool = False
    #: It came, went, or changed its state.
    listed: bool = False
    #: It is at a new place, with what is below it.
    moved: bool = False
    #: Its exclusion from navigation may have changed.
    even_excluded: bool = False
    #: What it holds may have another order, unless ``child_changed``.
    reordered: bool = False
    #: Something it holds came, went or moved.
    child_changed: bool = False
    #: Others may see it now, with what is below it.
    regranted: bool = False
    #: Visitors could see it before; None: that did not change.
    was_public: bool | None = None
    #: A subtree that was collected before reaches it: urgently, or not; None: none does.
    covered: bool | None = None

    @property
    def about_itself(self) -> bool:
        """Whether its own pages changed, and not only what it holds: those who came or
        went know who lists them.
        """
        within = self.child_changed or self.reordered
        return self.own or (self.purge_event and not within)

    @property
    def only_told(self) -> bool:
        """Whether a purge event is all that is known: Plone raises its own ones together
        with others that say what changed.
        """
        return self.about_itself and not self.own

    def added_to(self, obj: Any, flags: Mapping[str, bool]) -> "ObjectChange":
        """Return what is known together with a further event, which found ``obj``.

        Once a flag is true, it stays. Of ``was_public`` the first one counts.
        """
        new: dict[str, Any] = {
            name: True
            for name, flag in flags.items()
            if flag and name != "was_public" and not getattr(self, name)
        }
        if self.was_public is None and flags.get("was_public") is not None:
            new["was_public"] = flags["was_public"]
        if obj is not self.obj:
            new["obj"] = obj
        return replace(self, **new) if new else self


@dataclass(frozen=True, slots=True)
class Leaving:
    """An object, and all below it, is about to leave the place where it still is."""

    obj: Any
    #: Visitors may see it.
    public: bool
    #: It stays in its folder, under another name.
    renamed: bool


@dataclass(frozen=True, slots=True)
class Subtree:
    """Everything at a place and below it changed, whatever was and will be there."""

    #: Physical path.
    place: tuple[str, ...]
    #: The folder that it is or was in.
    container: Any
    urgent: bool = False
    #: What answers there carries no cache tags that anybody knows: redirects.
    untagged: bool = False


@dataclass(frozen=True, slots=True)
class Redated:
    """What the dates of an object reach when they arrive is to be found again: its place
    changed with what is above it, or nobody asked before.
    """

    obj: Any
    #: Dates from then on count (Unix seconds); None: those in the future.
    since: float | None = None


@dataclass(frozen=True, slots=True)
class CommentChange:
    """A comment on a page came, went, was edited or approved."""

    comment: Any
    page: Any


@dataclass(frozen=True, slots=True)
class ChromeChange:
    """Something changed that pages show around their content."""

    #: So did pictures, which have nothing around them that could tell.
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class UnknownChange:
    """Nobody knows what changed: every page and every file may have."""

    urgent: bool = False


@dataclass(frozen=True, slots=True)
class NamedChange:
    """Something changed that only somebody else knows, by the name of its cache tag."""

    name: str


Change = (
    ObjectChange
    | Leaving
    | Subtree
    | Redated
    | CommentChange
    | ChromeChange
    | UnknownChange
    | NamedChange
)
