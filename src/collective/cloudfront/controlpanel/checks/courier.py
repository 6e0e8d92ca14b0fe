"""Who delivers, where this Zope does not (``CLOUDFRONT_COURIER=off``)?"""

from collective.cloudfront.controlpanel.checks import Level
from collective.cloudfront.controlpanel.checks.ours import SiteCheck
from collective.cloudfront.controlpanel.headline import START_WORKER
from collective.cloudfront.controlpanel.overview import deliverers
from collective.cloudfront.delivery.presence import Kind
from collective.cloudfront.i18n import _
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.process import this_process
from collective.cloudfront.settings import read_settings
from functools import cached_property
from typing import Any


class Courier(SiteCheck):
    """Is there a worker, and can it deliver for this site?"""

    title = _("check_courier", default="Workers")

    @cached_property
    def kinds(self) -> dict[Kind, str]:
        """What delivers, and one of the hosts where it runs."""
        try:
            return {each.kind: each.host for each in deliverers(this_process())}
        except OutboxUnavailable:
            return {}

    @cached_property
    def needs_keys(self) -> bool:
        """Whether only a Zope can sign for this site, and none delivers."""
        settings = read_settings(self.registry)
        has_keys = settings is not None and bool(settings.aws_access_key_id)
        return has_keys and Kind.ZOPE not in self.kinds

    @property
    def level(self) -> Level:
        """An error where nobody can deliver."""
        return Level.OK if self.kinds and not self.needs_keys else Level.ERROR

    @property
    def text(self) -> str:
        """Who delivers, or why nobody does."""
        if self.needs_keys:
            return _(
                "check_courier_keys",
                default="The settings of this site contain a key pair, which workers do not "
                "get. They can send nothing for this site.",
            )
        if not self.kinds:
            return _(
                "check_courier_none",
                default="CLOUDFRONT_COURIER is off in this Zope process, and no worker has "
                "been seen for a minute.",
            )
        return _(
            "check_courier_ok",
            default="Other processes deliver, for example on ${host}.",
            mapping={"host": next(iter(self.kinds.values()))},
        )

    @property
    def advice(self) -> str:
        """A worker, or other credentials."""
        if self.needs_keys:
            return _(
                "advice_courier_keys",
                default="Use a role or a profile that exists where the workers run, and "
                "remove the key pair. Or set CLOUDFRONT_COURIER=on and restart Zope.",
            )
        return "" if self.kinds else START_WORKER


def courier(site: Any, request: Any) -> Courier | None:
    """Return the check, where this Zope leaves the delivery to others."""
    return Courier(site, request) if this_process().is_courier_off else None
