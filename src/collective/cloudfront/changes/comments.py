"""Comments change the page they are on. Loaded only with plone.app.discussion."""

from Acquisition import aq_inner
from Acquisition import aq_parent
from collective.cloudfront.changes.transaction import changes_here
from collective.cloudfront.changes.transaction import never_failing
from collective.cloudfront.reach.change import CommentChange
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
        changes.note_own(parent, edited=True)
        changes.read(CommentChange(comment, parent))
