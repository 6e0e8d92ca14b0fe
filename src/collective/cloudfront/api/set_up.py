"""``@cloudfront/set-up``: what people do in Classic UI's Caching control panel, which
Volto has not.

Like there, to change something is for those who may manage the portal.
"""

from collective.cloudfront.api.action import Action
from collective.cloudfront.api.action import Refusal
from collective.cloudfront.controlpanel.lifetimes import CannotBeChosen
from collective.cloudfront.controlpanel.lifetimes import choose
from collective.cloudfront.controlpanel.lifetimes import chosen
from collective.cloudfront.controlpanel.lifetimes import in_force
from collective.cloudfront.controlpanel.lifetimes import KINDS
from collective.cloudfront.i18n import _
from collective.cloudfront.settings import PURGING_ENABLED
from datetime import datetime
from datetime import timezone
from plone import api
from plone.app.caching.interfaces import ICacheProfiles
from plone.protect.interfaces import IDisableCSRFProtection
from plone.registry.interfaces import IRegistry
from Products.CMFCore.permissions import ManagePortal
from Products.GenericSetup.interfaces import EXTENSION
from typing import Any
from zope.component import getUtility
from zope.interface import alsoProvides

import logging
import transaction


logger = logging.getLogger("collective.cloudfront")

#: The switches of the Caching control panel, by their names in a body.
SWITCHES = {
    "caching": "plone.caching.interfaces.ICacheSettings.enabled",
    "purging": PURGING_ENABLED,
}
#: Where the Caching control panel keeps what was before an import.
SNAPSHOT = "plone.app.caching.beforeimport."


def set_up_of(site: Any) -> dict[str, Any]:
    """Return how the switches and lifetimes are, and which profiles can be imported."""
    registry = getUtility(IRegistry)
    return {
        "@id": f"{site.absolute_url()}/@cloudfront/set-up",
        **{name: bool(registry.get(record)) for name, record in SWITCHES.items()},
        **{name: chosen(registry, kind) for name, kind in KINDS.items()},
        "lifetimes": {
            rule: in_force(registry, rule).seconds
            for kind in KINDS.values()
            for rule in kind.rules
        },
        "profiles": [
            {name: profile[name] for name in ("id", "title", "description")}
            for profile in _profiles()
        ],
    }


def _profiles() -> list[dict[str, Any]]:
    """Return the profiles that the Caching control panel offers."""
    return [
        profile
        for profile in api.portal.get_tool("portal_setup").listProfileInfo(
            ICacheProfiles
        )
        if profile["for"] is not None and profile["type"] == EXTENSION
    ]


class SetUp(Action):
    """Imports a profile, switches caching and purging on or off, and sets lifetimes."""

    fields = {
        "profile": str,
        "snapshot": bool,
        **dict.fromkeys(SWITCHES, bool),
        **dict.fromkeys(KINDS, str),
    }

    def act(self) -> dict[str, Any]:
        """Do what is asked for; return how it is then."""
        self.require(
            ManagePortal,
            self.context,
            _(
                "set_up_denied",
                default="You do not have permission to change how this site is cached.",
            ),
        )
        body = self.body()
        if not body.keys() - {"snapshot"}:
            raise Refusal(
                _(
                    "set_up_nothing",
                    default="Specify at least one of “profile”, “caching”, “purging”, "
                    "“page_lifetime”, and “api_lifetime”.",
                )
            )
        wanted = {name: value for name, value in body.items() if name in KINDS}
        for name, value in wanted.items():
            _require_choice(name, value)
        # The content type has been asked for, which is as good
        alsoProvides(self.request, IDisableCSRFProtection)
        before = transaction.savepoint()
        if "profile" in body:
            self._import(body["profile"], body.get("snapshot", False))
        try:
            choose(getUtility(IRegistry), wanted)
        except CannotBeChosen as error:
            before.rollback()
            raise _no_lifetime(error) from error
        for name in SWITCHES.keys() & body.keys():
            getUtility(IRegistry)[SWITCHES[name]] = body[name]
        logger.info(
            "User %r changed the caching configuration: %s",
            api.user.get_current().getId(),
            body,
        )
        return set_up_of(self.context)

    def _import(self, profile: str, with_snapshot: bool) -> None:
        if profile not in {each["id"] for each in _profiles()}:
            raise Refusal(
                _(
                    "set_up_no_profile",
                    default="“${profile}” is not a profile with caching settings.",
                    mapping={"profile": profile},
                )
            )
        setup = api.portal.get_tool("portal_setup")
        if with_snapshot:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H.%M.%S.%f")
            setup.createSnapshot(SNAPSHOT + now)
        setup.runAllImportStepsFromProfile(f"profile-{profile}")


def _require_choice(name: str, value: str) -> None:
    if value in KINDS[name].choices:
        return
    raise Refusal(
        _(
            "lifetime_unknown",
            default="“${name}” must be one of: ${choices}.",
            mapping={"name": name, "choices": ", ".join(KINDS[name].choices)},
        )
    )


def _no_lifetime(error: CannotBeChosen) -> Refusal:
    return Refusal(
        _(
            "lifetimes_fixed_rules",
            default="The caching operations of these rules have no lifetime for "
            "CloudFront: ${rules}. Import the caching profile “With CloudFront”.",
            mapping={"rules": ", ".join(error.rules)},
        ),
        status=409,
    )
