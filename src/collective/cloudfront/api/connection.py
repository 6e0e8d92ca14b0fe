"""``POST @cloudfront/test-connection``: what "Test connection" shows."""

from collective.cloudfront.api.action import Action
from collective.cloudfront.api.action import Refusal
from collective.cloudfront.controlpanel.connection import connection_rows
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import MANAGE_PURGING
from typing import Any


class TestConnection(Action):
    """Asks AWS, and changes nothing there."""

    #: For pytest
    __test__ = False

    def act(self) -> dict[str, Any]:
        """Return what was found, by distribution."""
        self.require(
            MANAGE_PURGING,
            self.context,
            _(
                "test_denied",
                default="You do not have permission to test the connection.",
            ),
        )
        self.body()
        found = connection_rows(self.context)
        if not found:
            raise Refusal(
                _("tags_need_distribution", default="Enter a distribution first."),
                status=409,
            )
        return {
            "distributions": [
                {
                    "distribution": distribution,
                    "items": [
                        {
                            "name": row.name,
                            "level": row.finding_level,
                            "code": row.code,
                            "title": self.text(row.label),
                            "text": self.text(row.text),
                            "advice": self.text(row.advice),
                            "change": row.change,
                        }
                        for row in rows
                    ],
                }
                for distribution, rows in found
            ]
        }
