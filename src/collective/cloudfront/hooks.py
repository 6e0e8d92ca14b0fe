"""Everything in other packages that we rely on without a promise: the one list.

A *hook* is a method that we wrap, a private name that we read, or code that we recognise
on the call stack. A new release may change each without a notice. So each stands here:
what it is, who uses it for what, and what breaks without it. The check "Hooks into
Plone" shows those that are not in place, so that a person notices and not a visitor with
an old page. If you rely on something new, add it here.

``missing`` looks at the code only. ``tagging.recording.selfcheck`` also tries out the
recording points.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

import inspect
import sys


@dataclass(frozen=True, slots=True)
class Hook:
    """Something that we rely on."""

    #: ``module:Class.attribute``. With ``#name`` at the end: the code of that function
    #: uses this name. ``package/file``: a file
    name: str
    #: The module that uses it, and for what
    why: str
    #: What is wrong without it
    breaks: str
    #: The first parameters of the function
    takes: tuple[str, ...] = ()
    #: Do not import it for the check: it takes long, or is not always installed
    if_loaded: bool = False


_STALE = "pages with cache tags stay stale"
_BROADER = "tags become broader: more is purged in vain"
_UNSEEN = "changes that no event announces are not purged"
_LOOKUP = (
    "what shows a changed object is not found: it stays stale, or the site is purged"
)

HOOKS = (
    # --- recording points, wrapped by tagging.recording.patches
    Hook(
        "Products.ZCatalog.Catalog:Catalog.search",
        "tagging.recording.patches: every search passes it",
        _STALE,
        takes=("self", "query", "sort_index"),
    ),
    Hook(
        "Products.CMFPlone.CatalogTool:CatalogTool.searchResults",
        "tagging.recording.patches: searches that another engine answers",
        _STALE,
        takes=("self",),
    ),
    Hook(
        "Products.CMFPlone.CatalogTool:CatalogTool.unrestrictedSearchResults",
        "tagging.recording.patches: searches that another engine answers",
        _STALE,
        takes=("self", "REQUEST"),
    ),
    Hook(
        "collective.solr.solr:SolrConnection.search",
        "tagging.recording.patches: searches that pass by the catalog tool",
        "what is made from them stays stale",
        if_loaded=True,
    ),
    Hook(
        "OFS.Traversable:Traversable.unrestrictedTraverse",
        "tagging.recording.patches: objects are reached through it",
        _STALE,
        takes=("self", "path"),
    ),
    Hook(
        "plone.app.uuid.utils:uuidToPhysicalPath",
        "tagging.recording.patches: UIDs are looked up through it",
        _STALE,
        takes=("uuid",),
    ),
    Hook(
        "Products.ZCatalog.Catalog:Catalog.useBrains#AbstractCatalogBrain",
        "tagging.recording.patches: properties of search results for some columns",
        _STALE,
    ),
    Hook(
        "plone.memoize.interfaces:ICacheChooser",
        "tagging.recording.ram_cache: results keep what they depend on",
        _STALE,
    ),
    Hook(
        "plone.app.caching.operations.utils:PAGE_CACHE_KEY",
        "tagging.recording.ram_cache: whole responses have their header already",
        _STALE,
    ),
    Hook(
        "plone.caching.hooks:MutatorTransform.order",
        "tagging.header: our transform comes later and finds Cache-Control",
        "private pages may get tags",
    ),
    Hook(
        "plone.app.caching.operations.ramcache:Store.order",
        "tagging.header: our transform comes earlier, and the header is stored",
        _STALE,
    ),
    Hook(
        "five.intid.keyreference:KeyReferenceToPersistent.__init__#object",
        "tagging.intids: the object of a number",
        "responses and saves take longer",
    ),
    Hook(
        "plone.rest.traverse:RESTWrapper",
        "tagging.recording.begin: the content of a request by REST",
        _STALE,
    ),
    # --- the snapshot that a response shows
    Hook(
        "ZODB.Connection:Connection.__init__#_storage",
        "tagging.snapshot: the storage of a connection",
        "answers that come too late stay at the edge",
    ),
    Hook(
        "ZODB.mvccadapter:MVCCAdapterInstance.poll_invalidations#_start",
        "tagging.snapshot: where the snapshot ends",
        "answers that come too late stay at the edge",
    ),
    Hook(
        "relstorage.storage:RelStorage.__init__#_cache",
        "tagging.snapshot: what RelStorage polled last",
        "answers that come too late stay at the edge, with RelStorage and a replica",
        if_loaded=True,
    ),
    Hook(
        "relstorage.storage:RelStorage.lastTransaction#highest_visible_tid",
        "tagging.snapshot: what RelStorage polled last",
        "answers that come too late stay at the edge, with RelStorage and a replica",
        if_loaded=True,
    ),
    # --- code on the call stack, tagging.recording.callers
    Hook(
        "plone.app.contenttypes.browser/templates/listing.pt",
        "tagging.recording.callers: shows only labels of what it opens",
        _BROADER,
    ),
    Hook(
        "plone.app.contenttypes.browser/templates/listing_summary.pt",
        "tagging.recording.callers: uses its macros",
        _BROADER,
    ),
    Hook(
        "plone.app.contenttypes.browser/templates/listing_album.pt",
        "tagging.recording.callers: uses its macros",
        _BROADER,
    ),
    Hook(
        "Products.CMFPlone.browser/templates/main_template.pt",
        "tagging.recording.callers: is around it",
        _BROADER,
    ),
    Hook(
        "Products.Five.browser.pagetemplatefile:ViewPageTemplateFile.__call__#instance",
        "tagging.recording.callers: the view of a template",
        _BROADER,
    ),
    Hook(
        "plone.app.event.portlets.portlet_calendar:Renderer",
        "tagging.recording.callers: shows only labels of events",
        _BROADER,
    ),
    Hook(
        "plone.app.event.portlets.portlet_events:Renderer",
        "tagging.recording.callers: shows only labels of events",
        _BROADER,
    ),
    Hook(
        "plone.app.portlets.cache:render_cachekey#add",
        "tagging.recording.callers: reads dates for the key of a result",
        _BROADER,
    ),
    Hook(
        "plone.namedfile.scaling:NavigationRootScaling._scale_cachekey",
        "tagging.recording.callers: reads dates for the key of a result",
        _BROADER,
    ),
    Hook(
        "plone.outputfilters.filters.resolveuid_and_caption"
        ":ResolveUIDAndCaptionFilter._render_resolveuid",
        "tagging.recording.callers: writes a link to what it opens",
        _BROADER,
    ),
    Hook(
        "plone.app.layout.viewlets.common:GlobalSectionsViewlet.navtree",
        "tagging.recording.callers: tabs show titles only",
        _BROADER,
    ),
    Hook(
        "plone.app.layout.viewlets.common:GlobalSectionsViewlet.customize_entry",
        "tagging.recording.callers: an add-on's tabs may show more",
        _BROADER,
    ),
    # --- the catalog's own tables
    Hook(
        "Products.ZCatalog.ZCatalog:ZCatalog.__init__#_catalog",
        "tagging.recording.readset, reach: ZCatalog's inner catalog",
        _LOOKUP,
    ),
    Hook(
        "Products.ZCatalog.Catalog:Catalog.clear#uids",
        "tagging.places: numbers for paths",
        _STALE,
    ),
    Hook(
        "Products.ZCatalog.Catalog:Catalog.clear#paths",
        "tagging.places: paths for numbers",
        _STALE,
    ),
    Hook(
        "Products.PluginIndexes.UUIDIndex.UUIDIndex:UUIDIndex.clear#_index",
        "tagging.places: numbers for UIDs",
        _STALE,
    ),
    Hook(
        "Products.PluginIndexes.UUIDIndex.UUIDIndex:UUIDIndex.clear#_unindex",
        "tagging.places: UIDs for numbers",
        _STALE,
    ),
    Hook(
        "Products.PluginIndexes.unindex:UnIndex.clear#_index",
        "reach.languages, reach.collections, changes.subscribers: values of an index",
        _LOOKUP,
    ),
    Hook(
        "Products.ZCatalog.query:IndexQuery",
        "tagging.recording.queries: a query as an index understands it",
        _STALE,
    ),
    Hook(
        "Products.ZCatalog.CatalogBrains:AbstractCatalogBrain._unrestrictedGetObject",
        "reach.portlets: the object of a search result",
        _LOOKUP,
    ),
    Hook(
        "OFS.ObjectManager:ObjectManager._getOb",
        "manual.purge: a child by its name; tagging.recording.readset: the catalog",
        "pages of a section cannot be purged by hand, and pages get no cache tags",
    ),
    Hook(
        "Products.BTreeFolder2.BTreeFolder2:BTreeFolder2Base._tree",
        "reach.urls: the names in a folder, without reading all of them",
        "saving in a very large folder takes longer",
    ),
    # --- what a transaction will store, changes.unannounced and reach.stored
    Hook(
        "zope.interface.registry:Components._init_registrations#_utility_registrations",
        "changes.parts: the utilities that a site has of its own",
        _UNSEEN,
    ),
    Hook(
        "ZODB.Connection:Connection.__init__#_registered_objects",
        "changes.unannounced: what a transaction has changed",
        _UNSEEN,
    ),
    Hook(
        "ZODB.Connection:Connection.__init__#_savepoint_storage",
        "changes.unannounced: what it had changed before a savepoint",
        _UNSEEN,
    ),
    Hook(
        "ZODB.Connection:Connection.__init__#_normal_storage",
        "reach.stored: what the database holds of an object",
        _UNSEEN,
    ),
    Hook(
        "ZODB.Connection:Connection.__init__#_reader",
        "reach.stored: the attributes of what is stored",
        _UNSEEN,
    ),
    Hook(
        "ZODB.serialize:ObjectReader.getState",
        "reach.stored: the attributes of what is stored",
        _UNSEEN,
    ),
    Hook(
        "App.Undo:UndoSupport.manage_undo_transactions",
        "changes.unannounced: the name of the request that undoes",
        "what is undone stays stale",
    ),
    # --- other
    Hook(
        "z3c.form.browser.widget:HTMLInputWidget._html_attributes",
        "controlpanel.form: browsers do not fill in the secret",
        "browsers may offer to fill in the secret",
    ),
    Hook(
        "botocore.session:Session.__init__#_credentials",
        "delivery.aws: credentials of a role, which renew themselves",
        "purging with a role to assume is paused",
        if_loaded=True,
    ),
    Hook(
        "botocore.credentials:AssumeRoleProvider.__init__#_prompter",
        "delivery.aws.bounds: nobody is asked for the code of an MFA device",
        "the courier waits for a code that nobody types",
        if_loaded=True,
    ),
    Hook(
        "botocore.credentials:AssumeRoleProvider.__init__#_profile_provider_builder",
        "delivery.aws.bounds: a credential_process of a source_profile is ended",
        "a program for credentials that hangs is never ended",
        if_loaded=True,
    ),
    Hook(
        "botocore.credentials:ProfileProviderBuilder._create_process_provider",
        "delivery.aws.bounds: a credential_process of a source_profile is ended",
        "a program for credentials that hangs is never ended",
        takes=("self", "profile_name"),
        if_loaded=True,
    ),
    Hook(
        "botocore.httpsession:URLLib3Session.__init__#_pool_classes_by_scheme",
        "delivery.aws.bounds: the connection of a call that is given up is closed",
        "threads of calls that hang end late",
        if_loaded=True,
    ),
    Hook(
        "botocore.endpoint:Endpoint._do_get_response#customized_response_dict",
        "delivery.aws.bounds: what a proxy says in the place of CloudFront",
        "the reason names the status only",
        if_loaded=True,
    ),
)


@cache
def missing() -> tuple[Hook, ...]:
    """Return the hooks that are not in place in this process; asked once."""
    return tuple(hook for hook in HOOKS if not is_in_place(hook))


def is_in_place(hook: Hook) -> bool:
    """Say whether a hook is what we expect. What is not loaded counts as in place."""
    if "/" in hook.name:
        return _is_file(hook.name)
    module, _colon, rest = hook.name.partition(":")
    path, _hash, used = rest.partition("#")
    if hook.if_loaded and module not in sys.modules:
        return True
    try:
        found: Any = import_module(module)
        for name in path.split("."):
            found = _attribute(found, name)
    except (ImportError, AttributeError):
        return False
    found = inspect.unwrap(found)
    if used and used not in set(_names_in(getattr(found, "__code__", None))):
        return False
    return not hook.takes or _parameters(found)[: len(hook.takes)] == hook.takes


def _attribute(owner: Any, name: str) -> Any:
    if not isinstance(owner, type):
        return getattr(owner, name)
    # As it is written: a property is not asked, a function not bound
    for each in owner.__mro__:
        if name in vars(each):
            return vars(each)[name]
    raise AttributeError(name)


def _is_file(name: str) -> bool:
    package, _slash, path = name.partition("/")
    try:
        folder = Path(import_module(package).__file__ or "").parent
    except ImportError:
        return False
    return (folder / path).is_file()


def _names_in(code: CodeType | None) -> Iterator[str]:
    if code is not None:
        yield from code.co_names
        yield from code.co_varnames


def _parameters(function: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)
