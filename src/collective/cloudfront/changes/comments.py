"""Comments change the page they are on. Loaded only with plone.app.discussion."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collective.cloudfront.changes.subscribers import changes_here
from collective.cloudfront.changes.subscribers import never_failing
from collective.cloudfront.changes.subscribers import note
from collective.cloudfront.reach.by_tag import change_of_comment
from collective.cloudfront.reach.showing import robots_maps
from collective.cloudfront.reach.visible import is_public
from plone.app.discussion.interfaces import IComment
from Products.CMFCore.interfaces import IContentish
from typing import Any
from zope.component import adapter
from zope.interface.interfaces import IObjectEvent


@adapter(IComment, IObjectEvent)
@never_failing
def on_comment(comment: Any, event: IObjectEvent) -> None:
    """A comment came, went, was edited or approved: its page shows it."""
    parent = getattr(event, "oldParent", None) or aq_parent(aq_inner(comment))
    while parent is not None and not IContentish.providedBy(parent):
        parent = aq_parent(aq_inner(parent))
    changes = changes_here()
    if parent is not None and changes is not None:
        note(parent, edited=True)
        # Comments are in the catalog, and so in the site map for robots
        if changes.settings.by_paths:
            changes.add_coalesced(robots_maps(parent, changes.site))
        if changes.settings.by_tags:
            hidden = not is_public(parent)
            changes.add_change(*change_of_comment(comment, parent, hidden))
