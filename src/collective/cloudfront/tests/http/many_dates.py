"""Runs in Zope: fill a site with many objects, of which some have dates to come.

``python -m collective.cloudfront.tests.http.many_dates etc/zope.conf 100000 5000``
"""

from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.make_site import main
from DateTime import DateTime
from typing import Any
from zope.component import createObject
from zope.component.hooks import setSite

import sys
import transaction
import uuid


_PER_FOLDER = 500
#: What is asked of the catalog here; to index all takes four times as long.
_INDEXES = [
    *("effective", "expires", "effectiveRange", "path", "UID", "portal_type", "id"),
    *(
        "getId",
        "review_state",
        "object_provides",
        "is_folderish",
        "allowedRolesAndUsers",
    ),
]


def fill(app: Any, objects: str, dated: str) -> None:
    """Add so many objects, every one with a date as far apart as can be."""
    site = app[SITE_ID]
    setSite(site)
    every = int(objects) // int(dated)
    top = _add(site, "Folder", "many")
    for start in range(0, int(objects), _PER_FOLDER):
        folder = _add(top, "Folder", f"folder-{start}")
        for number in range(start, min(start + _PER_FOLDER, int(objects))):
            page = _add(folder, "Document", f"page-{number}", number % every == 0)
            page._p_deactivate()
        transaction.commit()
        site._p_jar.cacheGC()


def _add(container: Any, portal_type: str, name: str, dated: bool = False) -> Any:
    content = createObject(portal_type, id=name, title=name)
    setattr(content, "_plone.uuid", uuid.uuid4().hex)
    if dated:
        content.expiration_date = DateTime() + 30
    container._setObject(name, content, suppress_events=True)
    content = container[name]
    path = "/".join(content.getPhysicalPath())
    content.portal_catalog.catalog_object(content, path, idxs=_INDEXES)
    return content


if __name__ == "__main__":
    from collective.cloudfront.tests.http import many_dates

    def open_and_fill(zope_conf: str, *arguments: str) -> None:
        """Fill the site that there is, instead of making one."""
        main(zope_conf, *arguments, make=many_dates.fill)

    open_and_fill(*sys.argv[1:])
