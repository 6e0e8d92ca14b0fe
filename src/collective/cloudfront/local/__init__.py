"""A CloudFront of your own: API and caching edge in one process, on loopback only.

For development, demos and tests; **not for production**. It is stricter than a mock: it
refuses what CloudFront refuses, and keeps a page stale if an invalidation is missing. To
see how to start it, run ``python -m collective.cloudfront.local --help``.

::

    boto3 ──► api ──► control ──► cache ◄── edge ◄── viewers
              (XML)   (rules,      ▲          │
                       quotas)     └──────────┴────► origin (Plone)
    you ────► admin (JSON, below /_local/)

``control`` has the rules, with ``checks`` of a call, a ``ledger`` for each distribution,
``quotas`` and ``faults``. ``records`` are the values that they exchange.
"""

from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.server import LocalCloudFront


__all__ = ["ApiError", "ControlPlane", "LocalCloudFront", "Options"]
