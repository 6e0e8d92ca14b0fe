"""Settings: in plone.registry, each overridable by an environment variable.

::

    schema (records) ──► environment ──► values in force ──► Settings
                                          ▲
     distributions, lifetimes, readers ───┘

Sites have stored names of this module: of the schema (as ``interfaceName``), and of the
constraints (``is_…``), which records refer to. They must stay importable from here.
"""

from collective.cloudfront.settings.alerts import are_addresses
from collective.cloudfront.settings.alerts import is_url_of_plone
from collective.cloudfront.settings.alerts import is_webhook
from collective.cloudfront.settings.distributions import Defaults
from collective.cloudfront.settings.distributions import Distribution
from collective.cloudfront.settings.distributions import read_distributions
from collective.cloudfront.settings.distributions import split_distributions
from collective.cloudfront.settings.distributions import write_distributions
from collective.cloudfront.settings.environment import overrides
from collective.cloudfront.settings.environment import value_in_force
from collective.cloudfront.settings.environment import variable
from collective.cloudfront.settings.invalid import InvalidSetting
from collective.cloudfront.settings.lifetimes import longest_lifetime
from collective.cloudfront.settings.lifetimes import untagged_until
from collective.cloudfront.settings.records import ABOUT
from collective.cloudfront.settings.records import is_installed
from collective.cloudfront.settings.records import is_purging_enabled
from collective.cloudfront.settings.records import PREFIX
from collective.cloudfront.settings.records import PURGING_ENABLED
from collective.cloudfront.settings.records import registry_of
from collective.cloudfront.settings.records import VOLTO
from collective.cloudfront.settings.schema import ICloudFrontSettings
from collective.cloudfront.settings.schema import is_distributions
from collective.cloudfront.settings.schema import is_finite
from collective.cloudfront.settings.schema import is_header
from collective.cloudfront.settings.schema import is_key_id
from collective.cloudfront.settings.schema import is_public_prefix
from collective.cloudfront.settings.schema import is_role
from collective.cloudfront.settings.schema import SINCE
from collective.cloudfront.settings.schema import TAGS_AUTO
from collective.cloudfront.settings.schema import TAGS_INVALIDATE
from collective.cloudfront.settings.schema import TAGS_OFF
from collective.cloudfront.settings.schema import TAGS_SENT
from collective.cloudfront.settings.slack import are_slack_channels
from collective.cloudfront.settings.slack import are_slack_users
from collective.cloudfront.settings.slack import is_slack_team
from collective.cloudfront.settings.values import distributions_in_force
from collective.cloudfront.settings.values import may_renew
from collective.cloudfront.settings.values import new_shares
from collective.cloudfront.settings.values import read_settings
from collective.cloudfront.settings.values import Settings
from collective.cloudfront.settings.values import settings_before
from collective.cloudfront.settings.values import settings_of
from collective.cloudfront.settings.values import tag_headers


__all__ = [
    "ABOUT",
    "Defaults",
    "Distribution",
    "ICloudFrontSettings",
    "InvalidSetting",
    "PREFIX",
    "PURGING_ENABLED",
    "SINCE",
    "Settings",
    "TAGS_AUTO",
    "TAGS_INVALIDATE",
    "TAGS_OFF",
    "TAGS_SENT",
    "VOLTO",
    "are_addresses",
    "are_slack_channels",
    "are_slack_users",
    "distributions_in_force",
    "is_distributions",
    "is_finite",
    "is_header",
    "is_installed",
    "is_key_id",
    "is_public_prefix",
    "is_purging_enabled",
    "is_role",
    "is_slack_team",
    "is_url_of_plone",
    "is_webhook",
    "longest_lifetime",
    "may_renew",
    "new_shares",
    "overrides",
    "read_distributions",
    "read_settings",
    "registry_of",
    "settings_before",
    "settings_of",
    "split_distributions",
    "tag_headers",
    "untagged_until",
    "value_in_force",
    "variable",
    "write_distributions",
]
