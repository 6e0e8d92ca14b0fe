"""Settings: in plone.registry, each overridable by an environment variable.

The record ``collective.cloudfront.window`` is overridden by ``CLOUDFRONT_WINDOW``,
and so on. So a production database copied to a staging machine does not purge
production: there, set ``CLOUDFRONT_ENABLED=false`` or another distribution id.
"""

from collections.abc import Mapping
from collective.cloudfront.delivery.aws.gateway import Credentials
from collective.cloudfront.delivery.courier import HISTORY_DAYS
from collective.cloudfront.delivery.courier import Target
from collective.cloudfront.i18n import _
from collective.cloudfront.planning.items import encode
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from plone.registry.interfaces import IRegistry
from typing import Any
from zope import schema
from zope.i18n import interpolate
from zope.interface import Interface
from zope.interface import Invalid
from zope.schema.vocabulary import SimpleTerm
from zope.schema.vocabulary import SimpleVocabulary

import logging
import math
import os
import re


logger = logging.getLogger("collective.cloudfront")

PREFIX = "collective.cloudfront"

#: Caching control panel, "Enable purging".
PURGING_ENABLED = "plone.cachepurging.interfaces.ICachePurgingSettings.enabled"

#: Values of the setting ``cache_tags``: neither sent nor purged by; both.
TAGS_OFF, TAGS_INVALIDATE = "off", "invalidate"

#: The setting that nobody edits: it is noted when another one changes.
SINCE = "cache_tags_since"

#: Settings of the Caching control panel, how long answers may be kept among them.
CACHING = "plone.app.caching."
_STABLE = "plone.stableResource"
#: Seconds; what CloudFront keeps an answer for that does not say.
_DAY = 86400.0
#: CloudFront keeps nothing for longer (developer guide, "Expiration").
_YEAR = 366 * _DAY

#: Security control panel, "Allow anyone to view 'about' information"
ABOUT = "plone.allow_anon_views_about"

#: A record of plone.volto.
VOLTO = "volto.frontend_domain"

_DISTRIBUTION = re.compile(r"(E[A-Z0-9]+|dt_[A-Za-z0-9]+)\Z")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}\Z")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


class InvalidSetting(schema.ValidationError):
    """What was typed is not valid; the argument is a sentence, a message id.

    Where ``Invalid`` itself is raised, plone.restapi answers with the bare id.
    """

    def doc(self) -> str:
        """Return the sentence, for forms."""
        return self.args[0]

    def __str__(self) -> str:
        """Return the sentence in English, for the log."""
        return interpolate(self.args[0].default, self.args[0].mapping)


def split_served(value: str | None) -> tuple[tuple[str, str], ...]:
    """Return the ids, and what each serves, in a list with commas or white space.

    ``E2ABC/en`` is a distribution whose front page is the folder ``/en`` of the site;
    one that serves the whole site has the empty path.
    """
    words = filter(None, re.split(r"[\s,]+", value or ""))
    pairs = (word.partition("/") for word in words)
    return tuple(
        dict.fromkeys(
            (identifier, encode(f"/{path.strip('/')}") if path.strip("/") else "")
            for identifier, _slash, path in pairs
        )
    )


def split_distributions(value: str | None) -> tuple[str, ...]:
    """Return the ids in a list separated by commas or white space, each once."""
    return tuple(dict.fromkeys(identifier for identifier, _ in split_served(value)))


def is_distributions(value: str | None) -> bool:
    """Constraint: ids of distributions or distribution tenants, or nothing."""
    for identifier in split_distributions(value):
        if not _DISTRIBUTION.match(identifier):
            raise InvalidSetting(
                _(
                    "invalid_distribution",
                    default="“${id}” is not the id of a CloudFront distribution. "
                    "Ids look like E2QWRUHAPOMQZL; those of distribution tenants "
                    "like dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB.",
                    mapping={"id": identifier},
                )
            )
    return True


def is_public_prefix(value: str | None) -> bool:
    """Constraint: a path that starts with a slash and does not end with one."""
    if value and (
        not value.startswith("/")
        or value.endswith("/")
        or "//" in value
        or any(character in value for character in "*?#~ ")
        or any(part in (".", "..") for part in value.split("/"))
    ):
        raise InvalidSetting(
            _(
                "invalid_public_prefix",
                default="“${value}” is not a path prefix. Write it as visitors see "
                "it, starting with a slash and not ending with one, such as "
                "/intranet; leave it empty if the site is at the top.",
                mapping={"value": value},
            )
        )
    return True


def is_role(value: str | None) -> bool:
    """Constraint: the ARN of an IAM role, or nothing."""
    if value and not _ROLE.match(value):
        raise InvalidSetting(
            _(
                "invalid_role",
                default="“${value}” is not the ARN of an IAM role. ARNs look like "
                "arn:aws:iam::123456789012:role/plone-invalidation.",
                mapping={"value": value},
            )
        )
    return True


def is_key_id(value: str | None) -> bool:
    """Constraint: an AWS access key id, or nothing."""
    if value and not _KEY_ID.match(value):
        raise InvalidSetting(
            _(
                "invalid_key_id",
                default="This is not an AWS access key id. They have 16 or more "
                "capital letters and digits and mostly start with AKIA.",
            )
        )
    return True


def is_header(value: str) -> bool:
    """Constraint: the name of an HTTP header (RFC 9110, token)."""
    if not _HEADER.match(value):
        raise InvalidSetting(
            _(
                "invalid_header",
                default="“${value}” is not the name of a header. Names are letters, "
                "digits and hyphens, such as Cache-Tag.",
                mapping={"value": value},
            )
        )
    return True


def is_finite(value: float) -> bool:
    """Constraint: neither infinite nor "not a number", which is within all limits."""
    return math.isfinite(value)


class ICloudFrontSettings(Interface):
    """The records below ``collective.cloudfront``. Their names are an interface."""

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
            default="The id of the CloudFront distribution (E…) or distribution "
            "tenant (dt_…) that serves this site. Several are separated by spaces. "
            "If one has a folder of the site as its front page, add its path: "
            "E2QWRUHAPOMQZL/en.",
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
            default="If visitors reach the front page of this site below a path, such "
            "as /intranet, that path. Empty if the site is at the top.",
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
            default="Changes are collected for so long and sent as one invalidation. "
            "Longer means fewer calls and later freshness.",
        ),
        default=1.0,
        min=0.0,
        max=60.0,
        required=True,
        constraint=is_finite,
    )

    navigation_changes = schema.Choice(
        title=_("label_navigation_changes", default="Changes of the navigation"),
        description=_(
            "help_navigation_changes",
            default="Every page of a classic site shows the navigation. Purge them all "
            "when something in it changes, or only the pages of the object and its "
            "folder, and let the others expire.",
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
            default="So many seconds lie at least between two purges of every page "
            "because of the navigation. The first one is sent at once, and the "
            "object's own pages always are.",
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
            default="Purge the answers below /++api++ as well. Automatically: where "
            "Volto's add-on plone.volto is installed.",
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
            default="Pages can tell CloudFront what they depend on, so that a change "
            "removes exactly the pages that show it. First send the tags with the "
            "pages, then purge by them.",
        ),
        vocabulary=SimpleVocabulary(
            [
                SimpleTerm(TAGS_OFF, title=_("cache_tags_off", default="Off")),
                SimpleTerm(
                    "headers", title=_("cache_tags_headers", default="Send them")
                ),
                SimpleTerm(
                    TAGS_INVALIDATE,
                    title=_("cache_tags_invalidate", default="Send and purge by them"),
                ),
            ]
        ),
        default=TAGS_OFF,
        required=True,
    )

    tag_header = schema.ASCIILine(
        title=_("label_tag_header", default="Header for cache tags"),
        description=_(
            "help_tag_header",
            default="The header that carries them. The distribution must be set up "
            "with the same name (CacheTagConfig).",
        ),
        default="Cache-Tag",
        required=True,
        constraint=is_header,
    )

    volto_tags = schema.Bool(
        title=_("label_volto_tags", default="Volto forwards tags"),
        description=_(
            "help_volto_tags",
            default="Volto makes its pages from Plone's answers, and sends their tags "
            "only with the middleware that comes with this add-on: “Cache tags” in its "
            "documentation. Switch this on when that runs. Until then Volto's pages are "
            "purged by path as well. It changes nothing in a site without Volto.",
        ),
        default=False,
        required=False,
    )

    cache_tags_since = schema.TextLine(
        title=_("label_cache_tags_since", default="Cache tags since"),
        description=_(
            "help_cache_tags_since",
            default="When pages began to carry tags (ISO 8601, UTC). Older copies at "
            "the edge have none.",
        ),
        default="",
        missing_value="",
        required=False,
    )

    monthly_budget = schema.Int(
        title=_("label_monthly_budget", default="Budget (items a month)"),
        description=_(
            "help_monthly_budget",
            default="AWS bills each item above 1,000 a month in an account. Above this "
            "number fewer and broader items are sent. Purging never stops for it. 0 "
            "is no budget.",
        ),
        default=0,
        min=0,
        required=True,
    )

    history_days = schema.Int(
        title=_("label_history_days", default="History (days)"),
        description=_(
            "help_history_days",
            default="Invalidations, and who purged what and why, are kept so long: at "
            "most the latest 10,000 invalidations.",
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
            default="A profile in the AWS configuration files of the machine that "
            "Plone runs on. Mostly empty: credentials are then found as usual, in "
            "environment variables or from the role of the machine or container.",
        ),
        default="",
        missing_value="",
        required=False,
    )

    aws_role_arn = schema.TextLine(
        title=_("label_aws_role_arn", default="Role to assume"),
        description=_(
            "help_aws_role_arn",
            default="The ARN of an IAM role to assume for purging, if the "
            "distribution belongs to another AWS account.",
        ),
        default="",
        missing_value="",
        required=False,
        constraint=is_role,
    )

    aws_access_key_id = schema.TextLine(
        title=_("label_aws_access_key_id", default="Access key id"),
        description=_(
            "help_aws_access_key_id",
            default="Last resort, for a Plone outside AWS. The pair is stored in "
            "Plone's database, so give it no right but to create invalidations.",
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
            default="It is never shown again. Leave empty to keep the stored one.",
        ),
        default="",
        missing_value="",
        required=False,
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force for one site, environment included."""

    enabled: bool
    distributions: tuple[str, ...]
    window: float
    public_prefix: str
    credentials: Credentials
    site_on_navigation: bool = True
    site_purge_interval: float = 60.0
    api: bool = False
    classic: bool = True
    monthly_budget: int = 0
    history_days: int = HISTORY_DAYS
    #: Purge cache tags, and paths. Both while pages without tags may still be cached.
    by_tags: bool = False
    by_paths: bool = True
    #: Pairs of a distribution's id and the path inside the site that is its root.
    served: tuple[tuple[str, str], ...] = ()

    def targets(self) -> dict[str, Target]:
        """Return what a courier may deliver to for this site, by id."""
        if not self.enabled:
            return {}
        return {
            distribution: Target(
                distribution,
                self.window,
                self.credentials,
                budget=self.monthly_budget,
                history_days=self.history_days,
            )
            for distribution in self.distributions
        }


def registry_of(site: Any) -> IRegistry | None:
    """Return the registry of ``site``, also where another or no site is current.

    By its id: five.localsitemanager wraps what a utility look-up returns in the
    current site and request, and outside a request there may be neither.
    """
    return getattr(site, "portal_registry", None)


def is_installed(registry: IRegistry) -> bool:
    """Say whether the add-on is installed in the site of ``registry``."""
    return f"{PREFIX}.enabled" in registry.records


def is_purging_enabled(registry: IRegistry) -> bool:
    """Say whether purging is enabled in the Caching control panel."""
    return bool(registry.get(PURGING_ENABLED, False))


def read_settings(
    registry: IRegistry | None, environ: Mapping[str, str] = os.environ
) -> Settings | None:
    """Return the settings of a site, or None where the add-on is not installed.

    ``enabled`` is the conjunction of ours and the Caching control panel's.
    """
    if registry is None or not is_installed(registry):
        return None

    def get(name: str) -> Any:
        return value_in_force(registry, name, environ)

    served = split_served(get("distribution_id"))
    by_tags = get("cache_tags") == TAGS_INVALIDATE
    return Settings(
        enabled=get("enabled") and is_purging_enabled(registry),
        distributions=tuple(dict.fromkeys(identifier for identifier, _ in served)),
        served=served,
        window=get("window"),
        public_prefix=encode(get("public_prefix")),
        site_on_navigation=get("navigation_changes") == "site",
        site_purge_interval=get("site_purge_interval"),
        api=_has_api(registry, get("api_paths")),
        classic=VOLTO not in registry.records,
        by_tags=by_tags,
        by_paths=not (by_tags and _are_all_tagged(registry, environ)),
        monthly_budget=get("monthly_budget"),
        history_days=get("history_days"),
        credentials=Credentials(
            profile=get("aws_profile"),
            role_arn=get("aws_role_arn"),
            access_key_id=get("aws_access_key_id"),
            secret_access_key=get("aws_secret_access_key"),
        ),
    )


def _are_all_tagged(registry: IRegistry, environ: Mapping[str, str]) -> bool:
    """Say whether every cached answer of the site carries tags.

    Volto's pages are made by another program, which sends none unless it is taught to.
    """
    if VOLTO in registry.records and not value_in_force(
        registry, "volto_tags", environ
    ):
        return False
    return have_untagged_expired(registry, environ)


def have_untagged_expired(
    registry: IRegistry, environ: Mapping[str, str] = os.environ
) -> bool:
    """Say whether what was cached before responses carried tags has expired."""
    try:
        since = datetime.fromisoformat(value_in_force(registry, SINCE, environ))
    except ValueError:
        return False
    if since.tzinfo is None:
        since = since.replace(tzinfo=timezone.utc)
    age = (datetime.now(timezone.utc) - since).total_seconds()
    # To look at all settings takes long, and mostly it is long ago
    return age > _YEAR or age > longest_lifetime(registry)


def longest_lifetime(registry: IRegistry) -> float:
    """Return for how long (seconds) pages may be at the edge: a day, or what is set in
    the Caching control panel if that is longer.

    Resources whose URLs change with them do not count.
    """
    lifetimes = (
        record.value
        for name, record in registry.records.items(CACHING, f"{CACHING}~")
        if name.endswith((".smaxage", ".maxage")) and _STABLE not in name
    )
    return max([_DAY, *(each for each in lifetimes if isinstance(each, int))])


def _has_api(registry: IRegistry, choice: str) -> bool:
    return choice == "on" or choice == "auto" and VOLTO in registry.records


def value_in_force(
    registry: IRegistry, name: str, environ: Mapping[str, str] = os.environ
) -> Any:
    """Return the value that is used for a setting, the environment's if there is one."""
    raw = environ.get(variable(name))
    if raw is not None:
        return _from_environment(name, raw.strip())
    field = ICloudFrontSettings[name]
    value = registry.get(f"{PREFIX}.{name}", field.default)
    return field.default if value is None else value


def variable(name: str) -> str:
    """Return the environment variable that overrides the record ``name``."""
    return f"CLOUDFRONT_{name.upper()}"


def overrides(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the records that the environment overrides."""
    return tuple(
        name
        for name in schema.getFieldNames(ICloudFrontSettings)
        if variable(name) in environ
    )


def _from_environment(name: str, raw: str) -> Any:
    field = ICloudFrontSettings[name]
    try:
        value = _parse(field, raw)
        field.validate(value)
    except (ValueError, Invalid, schema.ValidationError) as error:
        _complain(name, raw, error)
        # An unreadable override must rather purge nothing than the wrong thing.
        return _fallback(field)
    return value


def _parse(field: schema.interfaces.IField, raw: str) -> Any:
    if isinstance(field, schema.Bool):
        if raw.lower() in _TRUE:
            return True
        if raw.lower() in _FALSE:
            return False
        raise ValueError("use true or false")
    if isinstance(field, schema.Float):
        return float(raw)
    if isinstance(field, schema.Int):
        return int(raw)
    return raw


def _fallback(field: schema.interfaces.IField) -> Any:
    return False if isinstance(field, schema.Bool) else field.default


_complained: set[tuple[str, str]] = set()


def _complain(name: str, raw: str, error: Exception) -> None:
    if (name, raw) in _complained:
        return
    _complained.add((name, raw))
    shown = "its value" if "secret" in name else repr(raw)
    logger.error(
        "Environment variable %s: %s is not valid (%s); %r is used instead. Correct "
        "it and restart.",
        variable(name),
        shown,
        error,
        _fallback(ICloudFrontSettings[name]),
    )
