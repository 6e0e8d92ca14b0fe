"""The check of the Slack command: does what is set up work?"""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import value_in_force
from collective.cloudfront.slack.secret import SECRET
from collective.cloudfront.slack.secret import signing_secret
from enum import Enum
from functools import cached_property
from importlib.util import find_spec


_NAMES = ("slack_team", "slack_channels", "slack_users")


class _State(Enum):
    OFF = "off"
    INCOMPLETE = "incomplete"
    NO_SECRET = "no secret"
    NOT_INSTALLED = "not installed"
    OK = "ok"


class Slack(SiteCheck):
    """Is something missing for /cdn-purge?"""

    title = _("check_slack", default="Slack command")

    @cached_property
    def _state(self) -> _State:
        filled = [bool(value_in_force(self.registry, name)) for name in _NAMES]
        if not any(filled):
            return _State.OFF
        if not all(filled):
            return _State.INCOMPLETE
        if not signing_secret():
            return _State.NO_SECRET
        return _State.OK if find_spec("slack_sdk") else _State.NOT_INSTALLED

    @property
    def level(self) -> Level:
        """A warning where something is missing."""
        fine = self._state in (_State.OFF, _State.OK)
        return Level.OK if fine else Level.WARNING

    @property
    def text(self) -> str:
        """What is missing."""
        return _TEXTS[self._state]

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE.get(self._state, "")


_TEXTS = {
    _State.OFF: _("check_slack_off", default="Nobody can purge from Slack."),
    _State.INCOMPLETE: _(
        "check_slack_incomplete",
        default="The Slack command is turned off because its settings are incomplete.",
    ),
    _State.NO_SECRET: _(
        "check_slack_no_secret",
        default="The Slack command is turned off because this Zope process has no "
        "signing secret.",
    ),
    _State.NOT_INSTALLED: _(
        "check_slack_not_installed",
        default="The Slack command does not work because slack-sdk is not installed.",
    ),
    _State.OK: _(
        "check_slack_ok",
        default="People can purge from Slack with /cdn-purge, as the settings allow.",
    ),
}

_ADVICE = {
    _State.INCOMPLETE: _(
        "advice_slack_incomplete",
        default="In the CloudFront settings, enter the workspace, the channels, and the "
        "users, or clear all three.",
    ),
    _State.NO_SECRET: _(
        "advice_slack_no_secret",
        default="Set the environment variable ${name} to the signing secret of the Slack "
        "app, and restart Zope.",
        mapping={"name": SECRET},
    ),
    _State.NOT_INSTALLED: _(
        "advice_slack_not_installed", default="Install collective.cloudfront[slack]."
    ),
}
