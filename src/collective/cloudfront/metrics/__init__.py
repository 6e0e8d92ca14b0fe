"""Figures for Prometheus: what a process counts, and what the outbox holds.

::

    changes/timed ────┐
    tagging/header ───┼─► counts ──┐
    delivery/counted ─┘            ├─► serving ──► ``@@cloudfront-metrics``, a port
    outbox ────────────► backlog ──┘

It knows no Zope, and lies below ``delivery``, which counts by it: a worker and a Zope process
count, and show, the same. ``prometheus_client`` is imported when counting is switched on, and
not before: a process that is not watched neither loads nor counts anything.
"""
