"""What the catalog knows of dates."""

from DateTime import DateTime
from typing import Any


#: The catalog's indexes of dates, and by how much (seconds) they may differ from what the
#: object says: they know minutes, and of events that last for whole days only the day.
_INDEXES = {"effective": 3600, "expires": 3600, "start": 2 * 86400, "end": 2 * 86400}
#: What never expires does so later.
_NEVER = DateTime(2499, 1, 1)


def dated_paths(site: Any, since: float) -> list[str]:
    """Return the physical paths of what may have a date ``since`` then (Unix seconds), in
    order. None of it is looked at.
    """
    catalog = site["portal_catalog"]
    known = catalog.indexes()
    found: set[str] = set()
    for name, margin in _INDEXES.items():
        if name in known:
            times = (DateTime(since - margin), _NEVER)
            query = {name: {"query": times, "range": "minmax"}}
            brains = catalog.unrestrictedSearchResults(**query)
            found.update(brain.getPath() for brain in brains)
    return sorted(found)


def path_of_uid(site: Any, uid: str) -> str | None:
    """Return the physical path of the content with this UID, or None."""
    brains = site["portal_catalog"].unrestrictedSearchResults(UID=uid)
    return brains[0].getPath() if brains else None
