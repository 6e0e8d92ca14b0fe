"""The message factory of every user-visible string."""

from collections.abc import Mapping
from zope.i18nmessageid import Message
from zope.i18nmessageid import MessageFactory


DOMAIN = "collective.cloudfront"

_ = MessageFactory(DOMAIN)


def message_id(identifier: str, default: str, mapping: Mapping[str, object]) -> Message:
    """Return a message whose id or default is not written down beside it.

    ``scripts/i18n.py`` and ``tests/test_locales.py`` list these, from where they come.
    """
    return Message(identifier, DOMAIN, default, dict(mapping))
