"""CloudFront beside Plone's caching proxies: what a person has purged from those with Plone's
own *Purge caching proxy*, or with ``@@plone.cachepurging.purge``, is purged here, too.

::

    the tab, the view ──► IPurger of the site ──┬──► Plone's own, for real proxies
                                                └──► one purge request, after the commit

Both ask ``IPurger`` and raise no event. What Plone purges because of an event is ours already
when it asks: that is after the commit, and nothing is added then.
"""

from collective.cloudfront.changes.causes import current_user
from collective.cloudfront.changes.transaction import current_site
from collective.cloudfront.changes.transaction import never_failing
from collective.cloudfront.manual.lines import read_paths
from collective.cloudfront.manual.purge import ManualPurge
from collective.cloudfront.manual.purge import NothingToPurge
from collective.cloudfront.manual.purge import NotPurging
from collective.cloudfront.settings import registry_of
from plone.cachepurging.interfaces import IPurger
from plone.protect.authenticator import check
from transaction.interfaces import TransientError
from typing import Any
from zExceptions import Forbidden
from zope.component import getGlobalSiteManager
from zope.globalrequest import getRequest
from zope.interface import implementer
from ZPublisher.interfaces import IPubBeforeCommit

import logging
import re
import transaction
import zope.component


logger = logging.getLogger("collective.cloudfront")

#: Stands for a proxy where a site has none but CloudFront.
PSEUDO_PROXY = "cloudfront:"
#: Browsers send it to another site only if that site allows it.
HEADER = "X-Requested-With"
#: Of an HTTP response: taken, and done later.
ACCEPTED = 202

_PROXIES = "plone.cachepurging.interfaces.ICachePurgingSettings.cachingProxies"
_REASON = "Purge caching proxy"
# What proxies see in front of a path inside the virtual host
_VIRTUAL = re.compile(r"/VirtualHostBase/.*?/VirtualHostRoot(?:/_vh_[^/]*)*(?=/|\Z)")
#: Name of the variable of a request that is about to be committed.
_OVER = "collective.cloudfront.over"
# Identifies our data among a transaction's; any object with an identity serves.
_KEY = object()


@implementer(IPurger)
class Purger:
    """The purger of a site in which the add-on is installed."""

    errorHeaders = ("x-squid-error",)
    http_1_1 = True

    def __reduce__(self) -> str:
        # The site keeps the name, and no state
        return "PURGER"

    def purgeAsync(self, url: str, httpVerb: str = "PURGE") -> None:
        """See ``IPurger``."""
        if _safely(url):
            _plones().purgeAsync(url, httpVerb)

    def purgeSync(self, url: str, httpVerb: str = "PURGE") -> tuple[Any, str, str]:
        """See ``IPurger``."""
        if _safely(url):
            return _plones().purgeSync(url, httpVerb)
        return ACCEPTED, "", ""

    def stopThreads(self, wait: bool = False) -> Any:
        """See ``IPurger``."""
        return _plones().stopThreads(wait)


PURGER = Purger()


def _plones() -> Any:
    return getGlobalSiteManager().getUtility(IPurger)


def _safely(url: str) -> bool:
    """Do ``hand_over``. Real proxies are asked whatever happens: Plone calls this after a
    commit, too.
    """
    try:
        return hand_over(url)
    except TransientError:
        raise
    except Exception:
        logger.exception("CloudFront does not purge what proxies purge: %s", url)
        return True


def hand_over(url: str) -> bool:
    """Have CloudFront purge what a proxy is asked to; say whether to ask the proxy as
    well: not where CloudFront stands for it, or is what the URL leads to.
    """
    site = current_site()
    if site is None:
        return True
    proxies = [each.rstrip("/") for each in registry_of(site).get(_PROXIES) or ()]
    for proxy in (*proxies, PSEUDO_PROXY):
        if url.startswith(f"{proxy}/"):
            _add(site, _inside(site, url[len(proxy) :]), "")
            return proxy != PSEUDO_PROXY
    item = _public(site, url)
    if item:
        _add(site, "", item)
    return not item


def _inside(site: Any, path: str) -> str:
    """Return the path inside the site that Plone names by the path at a proxy."""
    path = _VIRTUAL.sub("", path)
    own = f"/{site.virtual_url_path()}".rstrip("/")
    if own and (path == own or path.startswith(f"{own}/")):
        path = path[len(own) :]
    return path or "/"


def _public(site: Any, url: str) -> str:
    """Return the item of a URL of the site, as visitors have it; or ""."""
    # Not above: sentences of the control panel are not needed for a save
    from collective.cloudfront.controlpanel.sentences import known_hosts

    (line,) = read_paths([url], known_hosts(site))
    return "" if line.problem else line.item


# --- one purge request for a transaction ---------------------------------------------


class _Asked:
    """What was asked for in a transaction."""

    def __init__(self, site: Any):
        self.site = site
        self.user = current_user()
        self.paths: dict[str, None] = {}
        self.items: dict[str, None] = {}


def _add(site: Any, path: str, item: str) -> None:
    if not may_hand_over():
        return
    current = transaction.get()
    try:
        asked = current.data(_KEY)
    except KeyError:
        asked = _Asked(site)
        current.set_data(_KEY, asked)
        current.addBeforeCommitHook(_send, (asked,))
    if path:
        asked.paths[path] = None
    if item:
        asked.items[item] = None


@never_failing
def _send(asked: _Asked) -> None:
    try:
        purge = ManualPurge(asked.site)
        purge.add_paths(asked.paths)
        purge.add_items(asked.items)
        purge.send(asked.user, _REASON)
    except (NotPurging, NothingToPurge):
        pass


def may_hand_over() -> bool:
    """Say whether a person means it now: by a form with an authenticator, or a program by
    a header that no link or form of somebody else's can send; and not after the commit,
    when Plone's events come.
    """
    request = getRequest()
    if request is None:
        return True
    if request.other.get(_OVER):
        return False
    authorization = getattr(request, "_auth", None) or ""
    if request.getHeader(HEADER) or authorization.lower().startswith("bearer "):
        return True
    if request.method != "POST":
        return False
    try:
        check(request)
    except Forbidden:
        return False
    return True


@zope.component.adapter(IPubBeforeCommit)
def note_end(event: Any) -> None:
    """What purges from now on does so because of events."""
    event.request.set(_OVER, True)
