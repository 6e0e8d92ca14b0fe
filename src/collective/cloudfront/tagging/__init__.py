"""What a response depends on, told to CloudFront as cache tags.

::

    names ◄── budget ◄─┐
      ▲                ├── header ── the transform and what does not pass it
    queries ◄── reading ┤
      ▲           ▲    ├── published, integrators: what nothing else tells
    patches    fragments

``names``, ``budget`` and ``bulk`` are pure.
"""

from collections.abc import Iterable
from typing import Any


def depends_on(
    request: Any = None, objects: Iterable[Any] = (), tags: Iterable[str] = ()
) -> None:
    """Tell that the response depends on more than what was searched and opened.

    ``objects``: content, of which anything may be shown, or its UIDs. ``tags``: names
    of your own, for ``purge.purge_tag`` when something changes. Where no tags are sent,
    nothing happens. What is told inside of ``plone.memoize.ram`` is kept with the
    result.
    """
    # The pure modules of this room are imported where there is no Zope
    from collective.cloudfront.tagging.recording import integrators

    integrators.note(request, objects, tags)
