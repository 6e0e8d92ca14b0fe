"""What belongs to an item that a person names: all below it, and the REST API's twin. Pure."""

from collections.abc import Sequence
from collective.cloudfront.planning.items import API
from collective.cloudfront.planning.items import EVERYTHING
from collective.cloudfront.planning.items import is_wildcard
from collective.cloudfront.planning.items import normalise
from collective.cloudfront.planning.items import subtree


def below(item: str) -> Sequence[str]:
    """Return what reaches the page of an item and all below it, but not what only begins
    in the same way.
    """
    path = item.partition("?")[0]
    if is_wildcard(item) or path != item:
        return [subtree(item)]
    path = path.rstrip("/")
    return [path, f"{path}?*", f"{path}/*"] if path else [EVERYTHING]


def twin(item: str, prefix: str) -> str:
    """Return the item by which the REST API is asked for the same, or ""."""
    if not item.startswith(prefix):
        return ""
    rest = item[len(prefix) :]
    if (
        rest in (EVERYTHING, "*")
        or rest.startswith(API)
        or rest[:1] not in ("", "/", "?")
    ):
        return ""
    # The site's own answer has no slash
    return normalise(f"{prefix}{API}{rest if rest != '/' else ''}")


def reaches_all(item: str, prefix: str) -> bool:
    """Say whether an item reaches every page of a site whose front page is at ``prefix``."""
    return is_wildcard(item) and prefix.startswith(item[:-1].rstrip("/"))
