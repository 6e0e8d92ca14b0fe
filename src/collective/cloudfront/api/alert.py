"""``POST @cloudfront/test-alert``: what "Send a test alert" does."""

from collective.cloudfront.alerts.trial import NOBODY
from collective.cloudfront.alerts.trial import send_test
from collective.cloudfront.api.action import Action
from collective.cloudfront.api.action import Refusal
from collective.cloudfront.i18n import _
from collective.cloudfront.interfaces import MANAGE_PURGING
from typing import Any


class TestAlert(Action):
    """Sends a test to everybody who gets alerts."""

    #: For pytest
    __test__ = False

    def act(self) -> dict[str, Any]:
        """Return what came of it, for each receiver."""
        self.require(
            MANAGE_PURGING,
            self.context,
            _(
                "test_alert_denied",
                default="You do not have permission to send a test alert.",
            ),
        )
        self.body()
        trials = send_test(self.context)
        if not trials:
            raise Refusal(NOBODY, status=409)
        return {
            "items": [
                {
                    "receiver": each.receiver,
                    "sent": each.is_sent,
                    "text": self.text(each.text),
                }
                for each in trials
            ]
        }
