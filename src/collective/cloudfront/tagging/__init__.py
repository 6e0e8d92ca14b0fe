"""Cache tags: what a response depends on, sent to CloudFront in a header.

The way of a response::

    request ──► recording: noted while Plone makes the page
                   │ begin, patches, ram_cache, integrators ──► readset (facts)
                   ▼
    response ─► header ──► recording.published: what the URL depends on
                   │  ───► recording.resolution, places: UIDs for paths
                   │  ───► vocabulary: dependencies become at most 50 tags
                   ▼
                Cache-Tag: …      (or: Cache-Control: private)

``vocabulary``
    the words, for responses and for changes. Pure; ``reach`` uses it, too
``recording``
    what a response was made from
``header``
    the transform, and the events for responses that do not pass the transforms
``inherited``
    whose fields REST's ``@inherit`` shows
``unreached``
    which answers of REST no path of a purge leads to
``places``
    UIDs for paths, and navigation by Plone's settings. ``reach`` uses it, too
``since``
    the time since when all responses carry tags
``anonymous``
    whether somebody is logged in
"""

from collections.abc import Iterable
from typing import Any


def depends_on(
    request: Any = None, objects: Iterable[Any] = (), tags: Iterable[str] = ()
) -> None:
    """Declare what the response depends on besides what Plone searches and opens.

    ``objects``: content objects or UIDs, of which the response may show anything.
    ``tags``: names of your own; purge them with ``purge.purge_tag``. Inside a function
    that ``plone.memoize.ram`` caches, the dependencies are kept with its result. If the
    site sends no tags, nothing happens.
    """
    # Imported here, because the vocabulary is also used where there is no Zope
    from collective.cloudfront.tagging.recording import integrators

    integrators.note(request, objects, tags)
