"""Who opens objects, or asks for dates, and shows no more of them than labels.

Plone's listing opens each object to see whether it is an event, and asks when it was
changed even where it does not show that. Without this, an edit of a text would purge
every listing of it. Told by the stack, and only for Plone's own code as it is: another
template, a subclass, and whoever calls these from elsewhere show what they like.
"""

from plone.app.layout.viewlets.common import GlobalSectionsViewlet
from types import FrameType
from typing import Any


_LISTINGS = "plone/app/contenttypes/browser/templates/"

#: Templates that show labels of what they list. The first one lists; the others use its
#: macros, or are around it.
_LISTING = f"{_LISTINGS}listing.pt"
_AROUND = (
    f"{_LISTINGS}listing_summary.pt",
    f"{_LISTINGS}listing_album.pt",
    "Products/CMFPlone/browser/templates/main_template.pt",
)

#: Modules whose classes show titles, dates, places and images of events, and make keys
#: of ``modified`` for what is kept in memory.
_PORTLETS = frozenset(
    {
        "plone.app.event.portlets.portlet_calendar",
        "plone.app.event.portlets.portlet_events",
    }
)
#: Functions that make such keys, and that write a link to what they open.
_FUNCTIONS = frozenset(
    {
        ("plone.app.portlets.cache", "add"),
        ("plone.namedfile.scaling", "_scale_cachekey"),
        ("plone.outputfilters.filters.resolveuid_and_caption", "_render_resolveuid"),
    }
)


def only_skims(frame: FrameType | None, anonymous_see_dates: bool) -> bool:
    """Say whether who called from ``frame`` shows labels only.

    ``anonymous_see_dates``: listings show when something was changed (Security control
    panel, "Allow anyone to view 'about' information").
    """
    listing = False
    while frame is not None:
        template = frame.f_globals.get("__filename")
        if template is not None:
            if template.endswith(_LISTING):
                listing = True
            elif not listing or not template.endswith(_AROUND):
                return False
        elif not listing:
            module = frame.f_globals.get("__name__")
            if (module, frame.f_code.co_name) in _FUNCTIONS:
                return True
            if module in _PORTLETS:
                return _is_own(frame.f_locals.get("self"), module)
        frame = frame.f_back
    return listing and not anonymous_see_dates


#: What is between who searches and the catalog's inner one.
_CATALOG = ("Products.ZCatalog.", "Products.CMFCore.", "Products.CMFPlone.CatalogTool")


def shows_titles(frame: FrameType | None) -> bool:
    """Say whether who searches from ``frame`` are Plone's tabs themselves; an add-on may
    have made ones that show more.
    """
    while frame is not None and _module(frame).startswith(_CATALOG):
        frame = frame.f_back
    if frame is None or _module(frame) != GlobalSectionsViewlet.__module__:
        return False
    tabs = type(frame.f_locals.get("self"))
    return (
        frame.f_code.co_name == "navtree"
        and getattr(tabs, "customize_entry", None)
        is GlobalSectionsViewlet.customize_entry
    )


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__") or ""


def _is_own(renderer: Any, module: str) -> bool:
    return renderer is None or type(renderer).__module__ == module
