"""Dependencies that add-ons report: with a function, adapters, collective.purgebyid."""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.interfaces import IDependencies
from collective.cloudfront.tagging.recording.queries import Fact
from collective.cloudfront.tagging.recording.readset import readset_of
from collective.cloudfront.tagging.vocabulary.dependencies import Kind
from typing import Any
from zope.annotation.interfaces import IAnnotations
from zope.component import subscribers
from zope.globalrequest import getRequest


#: The annotation in which collective.purgebyid keeps the ids of a response.
PURGE_BY_ID = "collective.purgebyid.involved"


def note(request: Any, objects: Iterable[Any], tags: Iterable[str]) -> None:
    """Add facts to the read-set of a request; see ``tagging.depends_on``."""
    readset = readset_of(getRequest() if request is None else request)
    if readset is not None:
        readset.note(*_facts(objects, tags))


def facts_of_integrators(request: Any, context: Any) -> Iterator[Fact]:
    """Yield what adapters and collective.purgebyid report."""
    for reported in subscribers((context, request), IDependencies):
        yield from _facts(reported.objects(), reported.tags())
    annotations = IAnnotations(request, None) or {}
    yield from _facts((), annotations.get(PURGE_BY_ID) or ())


def _facts(objects: Iterable[Any], tags: Iterable[str]) -> Iterator[Fact]:
    for each in objects:
        if isinstance(each, str):
            yield Fact(Kind.OWN, each, is_uid=True)
        else:
            yield Fact(Kind.OWN, "/".join(each.getPhysicalPath()))
    for name in tags:
        yield Fact(Kind.FOREIGN, str(name))
