"""When all responses began to carry tags.

Older copies at the edge have none, so that they are purged by path until they expired.
"""

from collective.cloudfront.settings import PREFIX
from collective.cloudfront.settings import SINCE
from collective.cloudfront.settings import TAGS_OFF
from datetime import datetime
from datetime import timezone
from plone.registry.interfaces import IRecordModifiedEvent
from zope.component import adapter


_SINCE = f"{PREFIX}.{SINCE}"


@adapter(IRecordModifiedEvent)
def on_setting(event: IRecordModifiedEvent) -> None:
    """Note when tags are sent, purged by, get another header, or come from Volto."""
    name, registry = event.record.__name__, event.record.__parent__
    if _SINCE not in getattr(registry, "records", ()):
        return
    if name == f"{PREFIX}.cache_tags":
        if event.newValue == TAGS_OFF:
            registry[_SINCE] = ""
        elif event.newValue != event.oldValue:
            # Also when purging by them begins: only then the distribution certainly
            # reads them, and what it stored before has none
            registry[_SINCE] = _now()
    elif not registry[_SINCE]:
        return
    elif name == f"{PREFIX}.tag_header" or _is_switched_on(event, name):
        registry[_SINCE] = _now()


def _is_switched_on(event: IRecordModifiedEvent, name: str) -> bool:
    # Until then Volto's pages had none
    return name == f"{PREFIX}.volto_tags" and event.newValue and not event.oldValue


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
