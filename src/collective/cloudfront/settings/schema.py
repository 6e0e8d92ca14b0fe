"""The settings: records below ``collective.cloudfront``, and what they may hold.

The constraints are stored with the records, by their dotted names: those names stay
importable from ``collective.cloudfront.settings``.
"""

from collective.cloudfront.i18n import _
from collective.cloudfront.settings.alerts import IAlertSettings
from collective.cloudfront.settings.distributions import DEFAULT_HEADER
from collective.cloudfront.settings.distributions import first_flaw
from collective.cloudfront.settings.distributions import is_header_name
from collective.cloudfront.settings.distributions import is_path_prefix
from collective.cloudfront.settings.distributions import is_role_arn
from collective.cloudfront.settings.distributions import Problem
from collective.cloudfront.settings.invalid import InvalidSetting
from collective.cloudfront.settings.slack import ISlackSettings
from zope import schema
from zope.i18nmessageid import Message
from zope.schema.vocabulary import SimpleTerm
from zope.schema.vocabulary import SimpleVocabulary

import math
import re


#: Values of the setting ``cache_tags``: sent, and purged by where a distribution reads them;
#: neither; only sent; both.
TAGS_AUTO, TAGS_OFF, TAGS_SENT, TAGS_INVALIDATE = "auto", "off", "headers", "invalidate"

#: The setting that nobody edits: it is noted when another one changes.
SINCE = "cache_tags_since"

#: Days for which the history is kept.
HISTORY_DAYS = 180

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}\Z")


def is_distributions(value: str | None) -> bool:
    """Constraint: ids of distributions or distribution tenants, with valid options, or
    nothing.
    """
    flaw = first_flaw(value)
    if flaw is None:
        return True
    if flaw.problem is Problem.ID:
        raise InvalidSetting(
            _(
                "invalid_distribution",
                default="“${id}” is not the ID of a CloudFront distribution. Distribution "
                "IDs look like E2QWRUHAPOMQZL. IDs of distribution tenants look "
                "like dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB.",
                mapping={"id": flaw.value},
            )
        )
    if flaw.problem is Problem.UNKNOWN_OPTION:
        raise InvalidSetting(
            _(
                "invalid_distribution_option",
                default="“${option}” is not an option of a distribution. The options are "
                "role, prefix, and header, for example "
                "E2QWRUHAPOMQZL;header=X-Tags.",
                mapping={"option": flaw.value},
            )
        )
    if flaw.problem is Problem.CONTRADICTION:
        raise InvalidSetting(
            _(
                "invalid_distribution_twice",
                default="${id} is listed more than once, with different values of "
                "“${option}”.",
                mapping={"id": flaw.distribution, "option": flaw.value},
            )
        )
    raise InvalidSetting(_SENTENCES[flaw.problem](flaw.value))


def is_public_prefix(value: str | None) -> bool:
    """Constraint: a path that starts with a slash and does not end with one."""
    if value and not is_path_prefix(value):
        raise InvalidSetting(_invalid_prefix(value))
    return True


def is_role(value: str | None) -> bool:
    """Constraint: the ARN of an IAM role, or nothing."""
    if value and not is_role_arn(value):
        raise InvalidSetting(_invalid_role(value))
    return True


def is_header(value: str) -> bool:
    """Constraint: the name of an HTTP header (RFC 9110, token)."""
    if not is_header_name(value):
        raise InvalidSetting(_invalid_header(value))
    return True


def is_key_id(value: str | None) -> bool:
    """Constraint: an AWS access key id, or nothing."""
    if value and not _KEY_ID.match(value):
        raise InvalidSetting(
            _(
                "invalid_key_id",
                default="This is not an AWS access key ID. An access key ID has at least "
                "16 capital letters and digits, and usually starts with AKIA.",
            )
        )
    return True


def is_finite(value: float) -> bool:
    """Constraint: neither infinite nor "not a number", which is within all limits."""
    return math.isfinite(value)


def _invalid_prefix(value: str) -> Message:
    return _(
        "invalid_public_prefix",
        default="“${value}” is not a valid path prefix. Enter the path that "
        "visitors see. It must start with a slash and must not end with "
        "one, for example /intranet. Leave this field empty if the site is "
        "at the top.",
        mapping={"value": value},
    )


def _invalid_role(value: str) -> Message:
    return _(
        "invalid_role",
        default="“${value}” is not the ARN of an IAM role. ARNs look like "
        "arn:aws:iam::123456789012:role/plone-invalidation.",
        mapping={"value": value},
    )


def _invalid_header(value: str) -> Message:
    return _(
        "invalid_header",
        default="“${value}” is not a valid header name. Use letters, digits, and "
        "hyphens, for example Cache-Tag.",
        mapping={"value": value},
    )


_SENTENCES = {
    Problem.ROLE: _invalid_role,
    Problem.PREFIX: _invalid_prefix,
    Problem.HEADER: _invalid_header,
}


class ICloudFrontSettings(IAlertSettings, ISlackSettings):
    """The records below ``collective.cloudfront``. Their names are an interface."""

    # Registries of sites know it under this name.
    __module__ = "collective.cloudfront.settings"

    enabled = schema.Bool(
        title=_("label_enabled", default="Purge from CloudFront"),
        description=_(
            "help_enabled",
            default="Purging must also be enabled in the Caching control panel.",
        ),
        default=True,
        required=False,
    )

    distribution_id = schema.TextLine(
        title=_("label_distribution_id", default="Distribution"),
        description=_(
            "help_distribution_id",
            default="The ID of the CloudFront distribution (E…) or distribution tenant "
            "(dt_…) that serves this site. Separate several IDs with spaces. "
            "If the front page of a distribution is a folder of the site, add "
            "the path of the folder: E2QWRUHAPOMQZL/en. Add options for a "
            "single distribution after semicolons: "
            "E2QWRUHAPOMQZL;prefix=/intranet;header=X-Tags;role=arn:….",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_distributions,
    )

    public_prefix = schema.TextLine(
        title=_("label_public_prefix", default="Public path prefix"),
        description=_(
            "help_public_prefix",
            default="The path at which visitors reach the front page of this site, for "
            "example /intranet. Leave this field empty if the site is at the "
            "top.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_public_prefix,
    )

    window = schema.Float(
        title=_("label_window", default="Coalescing window (seconds)"),
        description=_(
            "help_window",
            default="How long to collect changes before they are sent as one "
            "invalidation. A longer window means fewer requests to AWS, but "
            "visitors see changes later. If several sites use the same "
            "distribution, the shortest window applies.",
        ),
        default=1.0,
        min=0.0,
        max=60.0,
        required=True,
        constraint=is_finite,
    )

    navigation_changes = schema.Choice(
        title=_("label_navigation_changes", default="Navigation changes"),
        description=_(
            "help_navigation_changes",
            default="Every page displays the navigation. When something in it changes, "
            "you can purge every page, or purge only the object and its folder "
            "and let the other pages expire. When an object is retracted or "
            "otherwise hidden from visitors, every page that may display it is "
            "purged, whatever you select here.",
        ),
        vocabulary=SimpleVocabulary(
            [
                SimpleTerm("site", title=_("navigation_site", default="Every page")),
                SimpleTerm(
                    "object",
                    title=_("navigation_object", default="The object and its folder"),
                ),
            ]
        ),
        default="site",
        required=True,
    )

    site_purge_interval = schema.Float(
        title=_("label_site_purge_interval", default="Site purge interval (seconds)"),
        description=_(
            "help_site_purge_interval",
            default="Minimum number of seconds between two site-wide purges because of "
            "the navigation. The first one is sent at once. The pages of the "
            "changed object never wait.",
        ),
        default=60.0,
        min=0.0,
        max=86400.0,
        required=True,
        constraint=is_finite,
    )

    api_paths = schema.Choice(
        title=_("label_api_paths", default="REST API for Volto"),
        description=_(
            "help_api_paths",
            default="Also purge the REST API responses below /++api++. “Automatically” "
            "purges them if Volto's add-on plone.volto is installed.",
        ),
        vocabulary=SimpleVocabulary(
            [
                SimpleTerm("auto", title=_("api_paths_auto", default="Automatically")),
                SimpleTerm("on", title=_("api_paths_on", default="Always")),
                SimpleTerm("off", title=_("api_paths_off", default="Never")),
            ]
        ),
        default="auto",
        required=True,
    )

    cache_tags = schema.Choice(
        title=_("label_cache_tags", default="Cache tags"),
        description=_(
            "help_cache_tags",
            default="Pages carry cache tags that tell CloudFront what they depend on, "
            "so that a change purges exactly the pages that display the "
            "changed content. “Automatically” purges by tag if all "
            "distributions read the header below (CacheTagConfig), and by path "
            "otherwise.",
        ),
        vocabulary=SimpleVocabulary(
            [
                SimpleTerm(
                    TAGS_AUTO, title=_("cache_tags_auto", default="Automatically")
                ),
                SimpleTerm(TAGS_OFF, title=_("cache_tags_off", default="Off")),
                SimpleTerm(
                    TAGS_SENT, title=_("cache_tags_headers", default="Send tags only")
                ),
                SimpleTerm(
                    TAGS_INVALIDATE,
                    title=_(
                        "cache_tags_invalidate", default="Send tags and purge by tag"
                    ),
                ),
            ]
        ),
        default=TAGS_AUTO,
        required=True,
    )

    tag_header = schema.ASCIILine(
        title=_("label_tag_header", default="Header for cache tags"),
        description=_(
            "help_tag_header",
            default="The response header that carries the cache tags. The "
            "CacheTagConfig of the distribution must name the same header.",
        ),
        default=DEFAULT_HEADER,
        required=True,
        constraint=is_header,
    )

    volto_tags = schema.Bool(
        title=_("label_volto_tags", default="Volto forwards tags"),
        description=_(
            "help_volto_tags",
            default="Select this when you have installed the middleware that adds "
            "cache tags to the pages that Volto renders. See “Cache tags” in "
            "the documentation of this add-on. Until then, Volto's pages are "
            "purged by path as well. This setting has no effect in a site "
            "without Volto.",
        ),
        default=False,
        required=False,
    )

    cache_tags_since = schema.TextLine(
        title=_("label_cache_tags_since", default="Cache tags since"),
        description=_(
            "help_cache_tags_since",
            default="When pages began to carry tags (ISO 8601, UTC). Older copies in "
            "CloudFront have none.",
        ),
        default="",
        missing_value="",
        required=False,
    )

    monthly_budget = schema.Int(
        title=_("label_monthly_budget", default="Monthly budget (items)"),
        description=_(
            "help_monthly_budget",
            default="AWS bills each item above 1,000 a month per account. Once this "
            "many items have been sent in a month, fewer and broader items are "
            "sent. Purging never stops. Enter 0 for no budget. If several "
            "sites use the same distribution, the smallest budget applies.",
        ),
        default=0,
        min=0,
        required=True,
    )

    again_after = schema.Float(
        title=_("label_again_after", default="Purge again after (seconds)"),
        description=_(
            "help_again_after",
            default="A page that is on its way while it is purged can reach CloudFront "
            "after the invalidation. Urgent items, and items that such a page "
            "may bring back, are therefore purged a second time. Enter the "
            "longest time that a response needs from Zope to CloudFront. Enter "
            "0 to purge nothing twice.",
        ),
        default=10.0,
        min=0.0,
        max=180.0,
        required=True,
        constraint=is_finite,
    )

    history_days = schema.Int(
        title=_("label_history_days", default="History (days)"),
        description=_(
            "help_history_days",
            default="How long to keep invalidations, and who purged what and why. At "
            "most 10,000 invalidations are kept.",
        ),
        default=HISTORY_DAYS,
        min=1,
        max=3650,
        required=True,
    )

    aws_profile = schema.TextLine(
        title=_("label_aws_profile", default="AWS profile"),
        description=_(
            "help_aws_profile",
            default="A profile in the AWS configuration files of the machine that runs "
            "Plone. Usually left empty; boto3's default credential chain is "
            "used, which reads environment variables and the role of the "
            "machine or container.",
        ),
        default="",
        missing_value="",
        required=False,
    )

    aws_role_arn = schema.TextLine(
        title=_("label_aws_role_arn", default="Role to assume"),
        description=_(
            "help_aws_role_arn",
            default="The ARN of an IAM role to assume for purging if the distribution "
            "belongs to another AWS account.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_role,
    )

    aws_access_key_id = schema.TextLine(
        title=_("label_aws_access_key_id", default="Access key ID"),
        description=_(
            "help_aws_access_key_id",
            default="Use a key pair only if nothing else is possible, for example "
            "outside AWS. It is stored in Plone's database, so give it no permission other "
            "than to create invalidations.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_key_id,
    )

    aws_secret_access_key = schema.Password(
        title=_("label_aws_secret_access_key", default="Secret access key"),
        description=_(
            "help_aws_secret_access_key",
            default="The stored key is never shown. Leave this field empty to keep it.",
        ),
        default="",
        missing_value="",
        required=False,
    )
