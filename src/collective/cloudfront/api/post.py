"""``POST @cloudfront/…``: finds what is asked for."""

from collections.abc import Callable
from collective.cloudfront.api.action import Action
from collective.cloudfront.api.alert import TestAlert
from collective.cloudfront.api.connection import TestConnection
from collective.cloudfront.api.purge import Purge
from collective.cloudfront.api.set_up import SetUp
from plone.restapi.services import Service
from typing import Any
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces import NotFound


#: By name in the URL. Each asks for permissions of its own.
ACTIONS: dict[str, Callable[[Any, Any], Action]] = {
    "purge": Purge,
    "set-up": SetUp,
    "test-alert": TestAlert,
    "test-connection": TestConnection,
}


@implementer(IPublishTraverse)
class Post(Service):
    """Does what its URL names."""

    name = ""

    def publishTraverse(self, request: Any, name: str) -> "Post":
        """Take the name from the URL."""
        if self.name or name not in ACTIONS:
            raise NotFound(self.context, name, request)
        self.name = name
        return self

    def reply(self) -> Any:
        """Do it."""
        if not self.name:
            raise NotFound(self.context, "", self.request)
        return ACTIONS[self.name](self.context, self.request).reply()
