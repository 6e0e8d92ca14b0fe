"""From profile version 3000 to 3001: cache tags are used by themselves, and to see the
status is a permission of its own.

The setting ``cache_tags`` has a new value, ``auto``, which is the default. Where it was off
and tags had not been switched on before, it becomes that. Whoever may configure may see the
status.
"""

from AccessControl.Permission import pname
from Acquisition import aq_base
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import SINCE
from collective.cloudfront.settings import TAGS_AUTO
from collective.cloudfront.settings import TAGS_OFF
from plone import api
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility


_PROFILE = "profile-collective.cloudfront:default"


def upgrade(setup: Any) -> None:
    """Let the record have the new value, and set it unless somebody has chosen another."""
    _let_see_status(api.portal.get())
    for step in ("plone.app.registry", "controlpanel"):
        setup.runImportStepFromProfile(_PROFILE, step, run_dependencies=False)
    registry = getUtility(IRegistry)
    name = f"{PREFIX}.cache_tags"
    if registry[name] == TAGS_OFF and not registry[f"{PREFIX}.{SINCE}"]:
        registry[name] = TAGS_AUTO


def _let_see_status(site: Any) -> None:
    """Give the permission to the roles that may configure, if no role has it."""
    roles = getattr(aq_base(site), pname(MANAGE_PURGING), None)
    if roles is not None and not hasattr(aq_base(site), pname(VIEW_STATUS)):
        # A tuple, as Zope has it, is not acquired
        site.manage_permission(VIEW_STATUS, list(roles), isinstance(roles, list))
