"""Create the two sites of these tests in an empty instance: one where the add-on works,
and a plain one without it.

Run as ``python -m …make_sites etc/zope.conf E123``.
"""

from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.make_site import main
from collective.cloudfront.demo.make_site import make_site
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from typing import Any

import sys
import transaction


DOMAINS = "plone.cachepurging.interfaces.ICachePurgingSettings.domains"
PLAIN = "plain"
#: May configure, and not purge everything.
CONFIGURER = "carla"
#: May edit.
EDITOR = "eddie"


def make_sites(app: Any, distribution: str) -> None:
    """Create both, with people, and commit."""
    from plone import api
    from Products.CMFPlone.factory import addPloneSite
    from zope.component.hooks import setSite

    make_site(app, distribution)
    site = app["Plone"]
    for name, role in ((CONFIGURER, "Site Administrator"), (EDITOR, "Editor")):
        site.acl_users.userFolderAddUser(name, PASSWORD, ["Member", role], [])
    site.manage_permission(PURGE_EVERYTHING, ["Manager"], acquire=0)
    # In the registry, since the page lists what the environment overrides.
    for name, value in {"window": 0.3, "site_purge_interval": 0.0}.items():
        api.portal.set_registry_record(f"collective.cloudfront.{name}", value)
    # What is not one of its domains is a mistake in "Purge pages".
    api.portal.set_registry_record(DOMAINS, ("https://www.example.com",))
    setSite(None)
    plain = addPloneSite(
        app,
        PLAIN,
        title="A plain site",
        setup_content=False,
        distribution_name="classic",
    )
    setSite(plain)
    plain.portal_workflow.setDefaultChain("simple_publication_workflow")
    transaction.commit()


if __name__ == "__main__":
    main(*sys.argv[1:], make=make_sites)
