"""Since when all responses carry tags.

Older copies at the edge have no tags, so they are also purged by path until they have
expired.
"""

from collective.cloudfront.changes.guard import never_failing
from collective.cloudfront.changes.guard import purge_all_after_commit
from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import read_distributions
from collective.cloudfront.settings import SINCE
from collective.cloudfront.settings import TAGS_OFF
from collective.cloudfront.settings import value_in_force
from datetime import datetime
from datetime import timezone
from plone.registry.interfaces import IRecordModifiedEvent
from plone.registry.interfaces import IRegistry
from zope.component import adapter


_SINCE = f"{PREFIX}.{SINCE}"


@adapter(IRecordModifiedEvent)
@never_failing(purge_all_after_commit)
def on_setting(event: IRecordModifiedEvent) -> None:
    """Note the time when tags, purging by them, a header or Volto's tags are new."""
    name, registry = event.record.__name__, event.record.__parent__
    if _SINCE not in getattr(registry, "records", ()):
        return
    if name == f"{PREFIX}.cache_tags":
        if event.newValue == TAGS_OFF:
            registry[_SINCE] = ""
        elif event.newValue != event.oldValue:
            # Also when purging by them begins. Only then do we know that the
            # distribution reads them; it may have stored earlier copies without
            registry[_SINCE] = _now()
    elif not registry[_SINCE]:
        return
    elif (
        _is_another_header(event, name)
        or _has_new_header(event, name)
        or _is_switched_on(event, name)
    ):
        registry[_SINCE] = _now()


def begin(registry: IRegistry) -> None:
    """Note that responses carry tags from now on, unless they do already."""
    if value_in_force(registry, "cache_tags") != TAGS_OFF and not registry[_SINCE]:
        registry[_SINCE] = _now()


def _is_another_header(event: IRecordModifiedEvent, name: str) -> bool:
    # A form that is saved as it came tells of every record
    return name == f"{PREFIX}.tag_header" and event.newValue != event.oldValue


def _has_new_header(event: IRecordModifiedEvent, name: str) -> bool:
    # A header of its own for a distribution
    if name != f"{PREFIX}.distribution_id":
        return False
    old, new = (
        {each.tag_header for each in read_distributions(text)}
        for text in (event.oldValue, event.newValue)
    )
    return not new <= old


def _is_switched_on(event: IRecordModifiedEvent, name: str) -> bool:
    # Until then Volto's pages had no tags
    return name == f"{PREFIX}.volto_tags" and event.newValue and not event.oldValue


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
