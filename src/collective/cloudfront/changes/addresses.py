"""Where something inside the site answers: the items by which distributions know it.

A path is multiplied: by the languages that share its content, by its twin in the REST
API, by the distributions. Pure, but for the settings that it is given.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.planning.items import API
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import is_plain
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.planning.items import subtree
from collective.cloudfront.reach.reached import Kind
from collective.cloudfront.reach.reached import Reached
from collective.cloudfront.settings import Settings


#: What follows a folder's path in the path of something in it, or of itself
_ENDS = ("", "/", "?", "*")


def public_item(prefix: str, path: str) -> str:
    """Return the item for a path inside the site, behind the public prefix."""
    if path == EVERYTHING:
        return subtree(prefix) if prefix else EVERYTHING
    item = prefix + path
    # Most are items as they are; a save waits for this
    return item if is_plain(item) else normalise(item)


def inside_root(path: str, root: str) -> str | None:
    """Return a path inside the site as it is below ``root``, or None if elsewhere.

    For distributions whose front page is a folder of the site. ``path`` may be a
    wildcard, which also reaches a root that begins like it.
    """
    if not root:
        return path
    if path.startswith(f"{API}/"):
        below = inside_root(path[len(API) :], root)
        return None if below is None else f"{API}{'' if below == '/' else below}"
    if path.endswith("*") and root.startswith(path[:-1]):
        return EVERYTHING
    if not path.startswith(root):
        return None
    rest = path[len(root) :]
    if rest[:1] == "?":
        return f"/{rest}"
    return (
        (rest or "/") if rest[:1] in ("", "/") else EVERYTHING if rest == "*" else None
    )


def items_of(
    reached: Iterable[Reached], settings: Settings, shared: Sequence[str]
) -> list[tuple[Reached, str, str]]:
    """Return what was reached, each with a distribution and an item that reaches it there.

    ``shared``: the paths inside the site at which all languages have the same content.
    """
    found = []
    distributions = settings.distributions
    for each in reached:
        kind, path = each.kind, each.path
        if kind is Kind.TAG or kind is Kind.ITEM or kind is Kind.PUBLIC:
            item = normalise(path) if kind is Kind.PUBLIC else path
            # One that serves several folders is named several times
            ids = dict.fromkeys([distribution.id for distribution in distributions])
            found += [(each, name, item) for name in ids]
        elif kind is Kind.FRONT_PAGE:
            if settings.classic:
                for at in distributions:
                    found.append((each, at.id, public_item(at.prefix, path)))
        else:
            for answering in _answering(path, kind, settings, shared):
                for at in distributions:
                    below = inside_root(answering, at.root) if at.root else answering
                    if below is not None:
                        found.append((each, at.id, public_item(at.prefix, below)))
    return found


def _answering(
    path: str, kind: Kind, settings: Settings, shared: Sequence[str]
) -> list[str]:
    """Return the paths inside the site that answer with the same as ``path``."""
    if kind is Kind.CLASSIC and settings.api and not settings.classic:
        return []
    if kind is Kind.API and not settings.api:
        return []
    paths = _in_all_languages(path, shared) if shared else [path]
    if kind is Kind.API:
        return [twin for each in paths for twin in _twins(each)]
    if kind is not Kind.PAGE or not settings.api:
        return paths
    if path == EVERYTHING or path.startswith(API):
        return paths
    return [answering for each in paths for answering in (each, *_twins(each))]


def _in_all_languages(path: str, shared: Sequence[str]) -> list[str]:
    """Return ``path`` and where else the same content is."""
    for folder in shared:
        if path.startswith(folder) and path[len(folder) :][:1] in _ENDS:
            return [each + path[len(folder) :] for each in shared]
    return [path]


def _twins(path: str) -> tuple[str, ...]:
    """Return the paths of the REST API for a path inside the site."""
    if path in ("/", "/?*"):
        # The site's own answer, with and without a slash
        return (f"{API}{path[1:]}", f"{API}{path}")
    return (f"{API}{path}",)
