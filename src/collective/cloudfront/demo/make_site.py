"""Create the Plone site of the demo and the tests in an empty instance.

Run as ``python -m collective.cloudfront.demo.make_site etc/zope.conf E123``.
"""

from collections.abc import Callable
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.instance import USER
from typing import Any

import os
import sys
import transaction


_PROFILES = (
    "plone.app.caching:default",
    "plone.restapi:default",
    "collective.cloudfront:default",
    "collective.cloudfront:with-cloudfront",
)

_PAGE = "<p>{}</p>"
_NEWS = 3


def make_site(app: Any, distribution: str, kind: str = "classic") -> None:
    """Create users, site, add-on, settings and some content, and commit.

    ``kind``: Plone's name for a kind of site, ``classic`` or ``volto``.
    """
    from AccessControl.SecurityManagement import newSecurityManager
    from Products.CMFPlone.factory import addPloneSite

    app.acl_users.userFolderAddUser(USER, PASSWORD, ["Manager"], [])
    newSecurityManager(None, app.acl_users.getUser(USER).__of__(app.acl_users))
    site = addPloneSite(
        app,
        SITE_ID,
        title="Behind CloudFront",
        setup_content=False,
        distribution_name=kind,
    )
    for profile in _PROFILES:
        site.portal_setup.runAllImportStepsFromProfile(f"profile-{profile}")
    _configure(distribution)
    _add_content(site, "Document" if kind == "volto" else "Folder")
    transaction.commit()


def _configure(distribution: str) -> None:
    from plone import api

    settings = {
        "plone.caching.interfaces.ICacheSettings.enabled": True,
        "plone.cachepurging.interfaces.ICachePurgingSettings.enabled": True,
        "collective.cloudfront.distribution_id": distribution,
    }
    for name, value in settings.items():
        api.portal.set_registry_record(name, value)
    site = api.portal.get()
    site.portal_workflow.setDefaultChain("simple_publication_workflow")


def _add_content(site: Any, folders: str) -> None:
    from plone import api
    from plone.app.textfield.value import RichTextValue

    def add(container: Any, portal_type: str, title: str, text: str = "") -> Any:
        content = api.content.create(container, portal_type, title=title)
        if text:
            content.text = RichTextValue(
                _PAGE.format(text), "text/html", "text/x-html-safe"
            )
            content.reindexObject()
        api.content.transition(content, "publish")
        return content

    add(site, "Document", "Welcome", "This page waits for your edit.")
    add(site, "Document", "About", "A page about nothing in particular.")
    news = add(site, folders, "News")
    for number in range(1, _NEWS + 1):
        add(news, "News Item", f"Story {number}", f"The text of story {number}.")


def main(
    zope_conf: str,
    *arguments: str,
    make: Callable[..., None] = make_site,
) -> None:
    """Start Zope without a server, and let ``make`` create the site."""
    from collective.cloudfront import life
    from Testing.makerequest import makerequest
    from zope.globalrequest import setRequest
    from Zope2.Startup.run import make_wsgi_app

    import Zope2

    # Nothing is cached yet, so there is nothing to purge.
    os.environ["CLOUDFRONT_ENABLED"] = "false"
    make_wsgi_app({}, zope_conf)
    app = makerequest(Zope2.app())
    app.REQUEST["PARENTS"] = [app]
    setRequest(app.REQUEST)
    make(app, *arguments)
    # Threads of ours may be reading; and a database that is closed meanwhile fails
    life.stop()
    Zope2.DB.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
