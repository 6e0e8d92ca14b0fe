"""The message factory of every user-visible string."""

from zope.i18nmessageid import MessageFactory


_ = MessageFactory("collective.cloudfront")
