"""Make a Plone site without any of ours, as somebody does who has just installed Plone.

Run as ``python -m collective.cloudfront.tests.http.fresh etc/zope.conf``.
"""

from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import SITE_ID
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.demo.make_site import main
from typing import Any

import sys
import transaction


def make_site(app: Any) -> None:
    """Make a user and a site, and commit."""
    from AccessControl.SecurityManagement import newSecurityManager
    from Products.CMFPlone.factory import addPloneSite

    app.acl_users.userFolderAddUser(USER, PASSWORD, ["Manager"], [])
    newSecurityManager(None, app.acl_users.getUser(USER).__of__(app.acl_users))
    addPloneSite(app, SITE_ID, title="Fresh", distribution_name="classic")
    transaction.commit()


if __name__ == "__main__":
    main(*sys.argv[1:], make=make_site)
