"""Runs in Zope: make the site of the benchmark, or take the add-on out of it.

``python -m bench_site etc/zope.conf make E123 1000 60 10000`` or ``… uninstall``.
"""

from collections.abc import Iterator
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.demo.make_site import make_site
from contextlib import contextmanager
from typing import Any

import sys
import transaction


#: Saved in turns, because each save makes Plone's history of a page longer, and the
#: next one slower.
PAGES = tuple(f"saved-{number}" for number in range(10))
#: Renamed, and published.
LARGE, SIXTY = "large", "sixty"
#: Their titles are edited.
HUGE, EMPTY = "huge", "empty"

_PER_FOLDER = 100
#: Purges of every page are held back this long: one that came due meanwhile would be
#: counted with whatever is measured just then.
_DAY = 86400.0
_TEXT = "<p>" + "All that is here may be cached for a day. " * 40 + "</p>"


def make(
    app: Any, distribution: str, descendants: str, pages: str, objects: str
) -> None:
    """Make the demo's site, and add what is saved, renamed, edited and published."""
    make_site(app, distribution)
    site = app[SITE_ID]
    site.portal_registry["collective.cloudfront.site_purge_interval"] = _DAY
    for name in PAGES:
        _publish(site, _add(site, "Document", name))
    _add_descendants(_add(site, "Folder", LARGE), int(descendants))
    sixty = _add(site, "Folder", SIXTY)
    for number in range(int(pages)):
        _add(sixty, "Document", f"page-{number}")
    if int(objects):
        _add_huge(site, int(objects))
        _publish(site, _add(site, "Folder", EMPTY))
    transaction.commit()


def _add_huge(site: Any, count: int) -> None:
    huge = _add(site, "Folder", HUGE)
    # Before there is anything below whose security is indexed again.
    _publish(site, huge)
    with without_versions(site):
        _add_descendants(huge, count)
    found = site.portal_catalog.unrestrictedSearchResults(path=f"/{SITE_ID}/{HUGE}")
    if len(found) != count + 1:
        raise RuntimeError(f"{len(found) - 1} objects below {HUGE}, not {count}.")


@contextmanager
def without_versions(site: Any) -> Iterator[None]:
    """Keep no first version of what is made meanwhile: it takes half of the time."""
    repository = site.portal_repository
    types = repository.getVersionableContentTypes()
    repository.setVersionableContentTypes([])
    yield
    repository.setVersionableContentTypes(types)


def _add_descendants(container: Any, count: int) -> None:
    while count > 0:
        folder = _add(container, "Folder", f"folder-{count}")
        for number in range(min(count, _PER_FOLDER) - 1):
            _add(folder, "Document", f"page-{number}")
        count -= _PER_FOLDER
        transaction.savepoint(optimistic=True)


def _add(container: Any, portal_type: str, name: str) -> Any:
    from plone.app.textfield.value import RichTextValue
    from plone.dexterity.utils import createContentInContainer

    fields = {"id": name, "title": name.replace("-", " ").title()}
    if portal_type == "Document":
        fields["text"] = RichTextValue(_TEXT, "text/html", "text/x-html-safe")
    return createContentInContainer(
        container, portal_type, checkConstraints=False, **fields
    )


def _publish(site: Any, content: Any) -> None:
    site.portal_workflow.doActionFor(content, "publish")


def uninstall(app: Any) -> None:
    """Take the add-on out of the site."""
    from plone.base.utils import get_installer

    site = app[SITE_ID]
    if not get_installer(site, app.REQUEST).uninstall_product("collective.cloudfront"):
        raise RuntimeError("The add-on cannot be uninstalled.")
    transaction.commit()


def main(zope_conf: str, action: str, *arguments: str) -> None:
    """Start Zope without a server, and do it as the site's manager."""
    from AccessControl.SecurityManagement import newSecurityManager
    from collective.cloudfront import life
    from Testing.makerequest import makerequest
    from zope.component.hooks import setSite
    from zope.globalrequest import setRequest
    from Zope2.Startup.run import make_wsgi_app

    import Zope2

    make_wsgi_app({}, zope_conf)
    app = makerequest(Zope2.app())
    app.REQUEST["PARENTS"] = [app]
    setRequest(app.REQUEST)
    if SITE_ID in app.objectIds():
        setSite(app[SITE_ID])
        newSecurityManager(None, app.acl_users.getUser(USER).__of__(app.acl_users))
    {"make": make, "uninstall": uninstall}[action](app, *arguments)
    # Threads of ours may be reading; and a database that is closed meanwhile fails
    life.stop()
    Zope2.DB.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
