"""Code of Plone that reads an object or a date and shows no more of it than a label.

Plone's listing opens each object to see if it is an event, and reads when it was changed
even if it does not show that. Without this module, an edit of a text would purge every
listing of it. We recognise the caller by the call stack.

The law (``tests/tagging/test_callers.py``): we answer yes only if we recognise every
frame from the reader to Plone's own template, portlet or function, and the class of the
view. Anything else makes the tags broader and never narrower: another template, a
subclass, a patch, a new version of Plone that has moved its code.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from plone.app.layout.viewlets.common import GlobalSectionsViewlet
from types import FrameType


def _template(package: str, name: str) -> str:
    """Return the path of a template; of none if Plone has moved the package."""
    try:
        found = find_spec(package)
    except ModuleNotFoundError:
        found = None
    return str(Path((found and found.origin) or "nowhere").parent / "templates" / name)


_LISTINGS = "plone.app.contenttypes.browser"
#: The template that shows labels of what it lists. Others use its macros.
LISTING = _template(_LISTINGS, "listing.pt")
#: Templates that use its macros or are around it, and show no more than labels either.
AROUND = (
    _template(_LISTINGS, "listing_summary.pt"),
    _template(_LISTINGS, "listing_album.pt"),
    _template("Products.CMFPlone.browser", "main_template.pt"),
)

#: Modules whose classes show titles, dates, places and images of events. They also use
#: ``modified`` in the keys of results that are kept in memory.
PORTLETS = frozenset(
    {
        "plone.app.event.portlets.portlet_calendar",
        "plone.app.event.portlets.portlet_events",
    }
)
#: Functions that make such keys, or that write a link to what they open.
FUNCTIONS = frozenset(
    {
        ("plone.app.portlets.cache", "add"),
        ("plone.namedfile.scaling", "_scale_cachekey"),
        ("plone.outputfilters.filters.resolveuid_and_caption", "_render_resolveuid"),
    }
)

#: Modules between the reader and those: they hand on what they are asked for.
_HAND_ON = (
    "OFS.Traversable",
    "Products.CMFCore.",
    "Products.CMFPlone.CatalogTool",
    "Products.PageTemplates.",
    "Products.ZCatalog.",
    "ZTUtils.",
    "chameleon.",
    "plone.app.contentlisting.",
    "plone.app.contenttypes.behaviors.",
    "plone.app.contenttypes.browser.",
    "plone.app.event.",
    "plone.app.querystring.",
    "plone.app.uuid.",
    "plone.batching.",
    "plone.memoize.",
    "plone.namedfile.scaling",
    "plone.outputfilters.filters.resolveuid_and_caption",
    "z3c.pt.",
    "zope.tales.",
)
#: Chameleon compiles an expression into a module without a name.
_EXPRESSION = ""

#: The method that renders the template of a view, and has the view as ``instance``.
_RENDERING = "Products.Five.browser.pagetemplatefile"

#: Modules of the classes that Plone's own listings are made of.
_VIEWS = ("plone.app.contenttypes.browser.", "Products.Five.", "zope.", "builtins")


def shows_labels_only(
    frame: FrameType | None,
    anonymous_see_dates: bool,
    listings: dict[FrameType, bool] | None = None,
) -> bool:
    """Say whether the code that called from ``frame`` certainly shows only labels.

    ``anonymous_see_dates``: listings show when something was changed (Security control
    panel, "Allow anyone to view 'about' information"). ``listings`` remembers of frames of
    Plone's listing whether they are in a view of Plone's own: a listing opens many objects,
    and it is a long way up.
    """
    while frame is not None:
        names = frame.f_globals
        template = names.get("__filename")
        if template is not None:
            if template != LISTING or anonymous_see_dates:
                return False
            known = {} if listings is None else listings
            if frame not in known:
                known[frame] = _is_in_own_view(frame.f_back)
            return known[frame]
        module = names.get("__name__") or _EXPRESSION
        if (module, frame.f_code.co_name) in FUNCTIONS:
            return True
        if module in PORTLETS:
            renderer = frame.f_locals.get("self")
            if renderer is not None:
                return type(renderer).__module__ == module
        elif not module.startswith(_HAND_ON) and module is not _EXPRESSION:
            return False
        frame = frame.f_back
    return False


def _is_in_own_view(frame: FrameType | None) -> bool:
    """Say whether a listing that was called from ``frame`` is in views of Plone's own."""
    own_view = False
    while frame is not None:
        names = frame.f_globals
        template = names.get("__filename")
        if template is not None:
            if template != LISTING and template not in AROUND:
                return False
        elif names.get("__name__") == _RENDERING:
            view = frame.f_locals.get("instance")
            if view is not None:
                if not _is_of_plone(type(view)):
                    return False
                own_view = True
        frame = frame.f_back
    return own_view


@lru_cache(256)
def _is_of_plone(view: type) -> bool:
    # Zope makes a class for each view in ZCML and names it after the module of the class
    # that it was given
    return all(each.__module__.startswith(_VIEWS) for each in view.__mro__)


#: Modules between a search and ZCatalog's inner catalog; ours is around the tool's methods.
_CATALOG = (
    "Products.ZCatalog.",
    "Products.CMFCore.",
    "Products.CMFPlone.CatalogTool",
    "collective.cloudfront.tagging.recording.patches",
)


def shows_titles(frame: FrameType | None) -> bool:
    """Say whether Plone's own tabs search from ``frame``: they show titles only.

    An add-on may have tabs that show more.
    """
    while frame is not None and _module(frame).startswith(_CATALOG):
        frame = frame.f_back
    if frame is None or _module(frame) != GlobalSectionsViewlet.__module__:
        return False
    tabs = type(frame.f_locals.get("self"))
    more = getattr(tabs, "customize_entry", None)
    return (
        frame.f_code.co_name == "navtree"
        and getattr(more, "__module__", None) == GlobalSectionsViewlet.__module__
    )


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__") or _EXPRESSION
