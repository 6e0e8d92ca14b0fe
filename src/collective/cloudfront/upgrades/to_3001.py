"""From profile version 3000 to 3001: cache tags are used by themselves.

The setting ``cache_tags`` has a new value, ``auto``, which is the default. Where it was off
and tags had not been switched on before, it becomes that.
"""

from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import SINCE
from collective.cloudfront.settings import TAGS_AUTO
from collective.cloudfront.settings import TAGS_OFF
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.component import getUtility


_PROFILE = "profile-collective.cloudfront:default"


def upgrade(setup: Any) -> None:
    """Let the record have the new value, and set it unless somebody has chosen another."""
    setup.runImportStepFromProfile(
        _PROFILE, "plone.app.registry", run_dependencies=False
    )
    registry = getUtility(IRegistry)
    name = f"{PREFIX}.cache_tags"
    if registry[name] == TAGS_OFF and not registry[f"{PREFIX}.{SINCE}"]:
        registry[name] = TAGS_AUTO
