"""Records of plone.registry that are not ours, and the registry of a site."""

from plone.registry.interfaces import IRegistry
from typing import Any
from typing import NamedTuple


PREFIX = "collective.cloudfront"

#: Caching control panel, "Enable purging".
PURGING_ENABLED = "plone.cachepurging.interfaces.ICachePurgingSettings.enabled"

#: Settings of the Caching control panel, how long answers may be kept among them.
CACHING = "plone.app.caching."

#: Security control panel, "Allow anyone to view 'about' information"
ABOUT = "plone.allow_anon_views_about"

#: A record of plone.volto.
VOLTO = "volto.frontend_domain"


def registry_of(site: Any) -> IRegistry | None:
    """Return the registry of ``site``, also where another or no site is current.

    By its id: five.localsitemanager wraps what a utility look-up returns in the
    current site and request, and outside a request there may be neither. As an item: for
    an attribute Dexterity first asks schemas for defaults, which takes ten times as long.
    """
    return None if site is None else site.get("portal_registry", None)


def is_installed(registry: IRegistry) -> bool:
    """Say whether the add-on is installed in the site of ``registry``."""
    return switches_of(registry).installed


def is_purging_enabled(registry: IRegistry) -> bool:
    """Say whether purging is enabled in the Caching control panel."""
    return switches_of(registry).purging


def has_volto(registry: IRegistry) -> bool:
    """Say whether Volto's add-on for Plone is installed in the site of ``registry``."""
    return switches_of(registry).volto


class Switches(NamedTuple):
    """What decides in a site whether, and for which front end, we purge."""

    installed: bool
    #: "Enable purging" in the Caching control panel
    purging: bool
    #: Volto's add-on for Plone is installed
    volto: bool


def switches_of(registry: IRegistry) -> Switches:
    """Return the switches of a site, all at once: a save waits for this."""
    return Switches(
        f"{PREFIX}.enabled" in registry.records,
        bool(registry.get(PURGING_ENABLED, False)),
        VOLTO in registry.records,
    )
