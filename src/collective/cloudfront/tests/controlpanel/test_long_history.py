"""The page reads what it shows, however long the history is.

Not times, which depend on the machine, but what SQLite does is counted: statements, rows
that it hands over, and the steps of its virtual machine, which grow with all that it
looks at.
"""

from collective.cloudfront.controlpanel.invalidations import ROWS
from collective.cloudfront.testing import DISTRIBUTION
from collective.cloudfront.testing import use_distributions
from collective.cloudfront.tests.outbox.long import fill
from contextlib import contextmanager
from dataclasses import dataclass
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

import pytest


MANY = 10_000
#: As many as the longest page reads.
FEW = ROWS + 2


@dataclass
class Reading:
    """What was read."""

    statements: int = 0
    rows: int = 0
    steps: int = 0


@contextmanager
def reading(outbox):
    """Count what this thread reads of an outbox."""
    outbox.work()
    db = outbox.store._local.db
    found = Reading()

    def count_statement(statement):
        found.statements += 1

    def count_step():
        found.steps += 1

    def count_row(cursor, row):
        found.rows += 1
        return row

    db.set_trace_callback(count_statement)
    db.set_progress_handler(count_step, 1)
    db.row_factory = count_row
    try:
        yield found
    finally:
        db.set_trace_callback(None)
        db.set_progress_handler(None, 0)
        db.row_factory = None


@pytest.fixture
def read(portal, http_request, process):
    """Return what a view reads of an outbox with a history of that length."""
    registry = getUtility(IRegistry)
    use_distributions()
    registry["collective.cloudfront.window"] = 0.0

    def look(view, count):
        fill(process.outbox, count, DISTRIBUTION)
        http_request.form["id"] = f"I{count - 1}"  # for the page of one
        with reading(process.outbox) as found:
            assert portal.restrictedTraverse(f"@@{view}")()
        return found

    return look


@pytest.mark.parametrize(
    "view",
    [
        "cloudfront-controlpanel",
        "cloudfront-state",
        "cloudfront-history",
        "cloudfront-log",
        "cloudfront-invalidation",
    ],
)
def test_a_long_history_is_not_read(read, view):
    few, many = read(view, FEW), read(view, MANY)
    assert many.statements == few.statements
    assert many.rows == few.rows
    assert many.steps <= 1.1 * few.steps
