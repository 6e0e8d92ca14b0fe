"""What the sites of a Zope deliver to, as couriers want it."""

from collections.abc import Callable
from collections.abc import Iterable
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.targets import merged
from collective.cloudfront.delivery.targets import Target
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import Settings
from collective.cloudfront.settings import settings_of
from collective.cloudfront.sites import root_of
from collective.cloudfront.sites import sites_below
from collective.cloudfront.sites import warn_of_2_0
from typing import Any


def read_targets(
    database: Any, sites: Callable[[Any], Iterable[Any]] = sites_below
) -> dict[str, Target]:
    """Read the distributions of all sites out of ``database``, by id. ``sites`` returns
    the Plone sites in Zope's root. May be called from any thread.
    """
    with root_of(database) as app:
        found: list[Settings] = []
        for site in sites(app):
            settings = settings_of(site)
            if settings is not None:
                found.append(settings)
            else:
                warn_of_2_0(site)
        return targets_of(found)


def targets_of(all_settings: Iterable[Settings]) -> dict[str, Target]:
    """Return what a courier may deliver to for sites with these settings, by id."""
    return merged(
        Target(
            distribution.id,
            settings.window,
            (credentials_of(settings, distribution),),
            budget=settings.monthly_budget,
            history_days=settings.history_days,
            again_after=settings.again_after,
            finds_tags=settings.finds_tags,
        )
        for settings in all_settings
        if settings.enabled
        for distribution in settings.distributions
    )


def credentials_of(settings: Settings, distribution: Distribution) -> Credentials:
    """Return how a site signs calls for one of its distributions."""
    return Credentials(
        profile=settings.aws_profile,
        role_arn=distribution.role_arn,
        access_key_id=settings.aws_access_key_id,
        secret_access_key=settings.aws_secret_access_key,
    )
