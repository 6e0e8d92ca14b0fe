"""From 2.0 (profile versions 1000 and 1001) to 3.0.

What 2.0 left in a site, and what becomes of it:

===========================================  ====================================
registry records of its own interface        carried over and removed
``portal_properties.cloudfront_properties``  the same, for what was not in records
browser layer ``collective.cloudfront``      replaced; the old interface is an
                                             alias, so that old sites load
configlet ``CloudFrontConfiguration``        replaced
roles of its permission                      kept: the permission is the same one;
                                             they may still purge everything, too,
                                             and see the status
===========================================  ====================================
"""

from AccessControl.Permission import pname
from Acquisition import aq_base
from collective.cloudfront.interfaces import MANAGE_PURGING
from collective.cloudfront.interfaces import PERMISSIONS
from collective.cloudfront.interfaces import PURGE_EVERYTHING
from collective.cloudfront.interfaces import VIEW_STATUS
from collective.cloudfront.reach.portlets import remember_all_places
from collective.cloudfront.settings import ICloudFrontSettings
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.tagging.since import begin
from plone import api
from plone.browserlayer.interfaces import ILocalBrowserLayerType
from plone.browserlayer.utils import unregister_layer
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility
from zope.interface import Invalid
from zope.schema import ValidationError

import logging


logger = logging.getLogger("collective.cloudfront")

#: The interface itself is gone; its records are found by name.
OLD_PREFIX = "collective.cloudfront.browser.interfaces.ICloudFrontConfiguration"
OLD_CONFIGLET = "CloudFrontConfiguration"
OLD_SHEET = "cloudfront_properties"
LAYER = "collective.cloudfront"

#: Both releases use the same names.
_NAMES = ("distribution_id", "aws_access_key_id", "aws_secret_access_key")
_PROFILE = "profile-collective.cloudfront:default"
_STEPS = (
    "plone.app.registry",
    "browserlayer",
    "componentregistry",
    "controlpanel",
    "rolemap",
    "actions",
)


def upgrade(setup: Any) -> None:
    """Carry the settings of 2.0 over, and remove what it left."""
    site = api.portal.get()
    old = old_settings(site)
    remove_2_0(site)
    if LAYER in _layer_names(site):
        unregister_layer(LAYER, site.getSiteManager())
    given = roles_given(site)
    for step in _STEPS:
        setup.runImportStepFromProfile(_PROFILE, step, run_dependencies=False)
    give_again(site, given)
    if old:
        carry_over(old)
    begin(getUtility(IRegistry))
    remember_all_places(site)


def roles_given(site: Any) -> dict[str, list[str] | tuple[str, ...]]:
    """Return the roles of those of our permissions that have any of their own.

    A tuple, as Zope has it, where they are not acquired. Whoever had the only
    permission of 2.0 could purge everything with it.
    """
    given = {
        permission: getattr(aq_base(site), pname(permission))
        for permission in PERMISSIONS
        if hasattr(aq_base(site), pname(permission))
    }
    if MANAGE_PURGING in given:
        for permission in (PURGE_EVERYTHING, VIEW_STATUS):
            given.setdefault(permission, given[MANAGE_PURGING])
    return given


def give_again(site: Any, given: dict[str, list[str] | tuple[str, ...]]) -> None:
    """Replace the roles that our profile gives by those that a person gave."""
    for permission, roles in given.items():
        site.manage_permission(permission, list(roles), isinstance(roles, list))


def old_settings(site: Any) -> dict[str, str]:
    """Return what 2.0 knew, without surrounding white space; empty if nothing."""
    records = getUtility(IRegistry).records
    sheet = getattr(_properties(site), OLD_SHEET, None)
    found = {}
    for name in _NAMES:
        record = records.get(f"{OLD_PREFIX}.{name}")
        value = record.value if record is not None else None
        if not value and sheet is not None:
            value = sheet.getProperty(name)
        if value and str(value).strip():
            found[name] = str(value).strip()
    return found


def carry_over(old: dict[str, str]) -> None:
    """Set our records to 2.0's values, as far as they are valid.

    An access key id and its secret go together or not at all.
    """
    valid = {name: value for name, value in old.items() if _is_valid(name, value)}
    pair = {"aws_access_key_id", "aws_secret_access_key"}
    if len(pair & set(valid)) == 1:
        logger.warning(
            "Upgrade from 2.0: the key pair is incomplete or not valid and was "
            "not copied. AWS credentials are now taken from the environment. "
            "If you need the key pair, enter it in the CloudFront control "
            "panel."
        )
        valid = {name: value for name, value in valid.items() if name not in pair}
    if "distribution_id" not in valid:
        logger.warning(
            "Upgrade from 2.0: no valid distribution ID was found, so nothing "
            "is purged. Enter the ID in the CloudFront control panel."
        )
    registry = getUtility(IRegistry)
    for name, value in valid.items():
        registry[f"{PREFIX}.{name}"] = value
    logger.info("Upgrade from 2.0: copied %s.", ", ".join(sorted(valid)) or "nothing")


def _is_valid(name: str, value: str) -> bool:
    try:
        ICloudFrontSettings[name].validate(value)
    except (Invalid, ValidationError):
        # Neither the value nor the error's text: one might be the secret.
        logger.warning("Upgrade from 2.0: the value of %s is not valid.", name)
        return False
    return True


def remove_2_0(site: Any) -> None:
    """Remove 2.0's records, property sheet and configlet, where there are any."""
    records = getUtility(IRegistry).records
    for name in _NAMES:
        if f"{OLD_PREFIX}.{name}" in records:
            del records[f"{OLD_PREFIX}.{name}"]
    properties = _properties(site)
    if getattr(properties, OLD_SHEET, None) is not None:
        properties.manage_delObjects([OLD_SHEET])
    api.portal.get_tool("portal_controlpanel").unregisterConfiglet(OLD_CONFIGLET)


def _properties(site: Any) -> Any:
    """Return the properties tool, which sites made before Plone 6 may have."""
    return getattr(site.aq_explicit, "portal_properties", None)


def _layer_names(site: Any) -> set[str]:
    return {
        registration.name
        for registration in site.getSiteManager().registeredUtilities()
        if registration.provided is ILocalBrowserLayerType
    }
