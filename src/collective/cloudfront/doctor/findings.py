"""What the doctor finds, in the words that people read."""

from collections.abc import Mapping
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.site_messages import SITE_MESSAGES
from collective.cloudfront.doctor.wording import Wording
from dataclasses import dataclass
from dataclasses import field
from enum import Enum
from string import Template


class Level(str, Enum):
    """How bad it is. The control panel sorts and colours by it."""

    OK = "ok"
    #: It works, and could be better.
    INFO = "info"
    #: Nobody knows; purging may well work.
    UNKNOWN = "unknown"
    #: Purging works, but not as well as it could.
    WARNING = "warning"
    #: Purging does not work.
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. It shows no secret.

    ``name`` is a key of ``CHECKS`` or ``SITE_CHECKS``, ``code`` one of their messages: both are stable, for
    translations. ``text`` and ``advice`` are the English ones; advice may be empty.
    ``edits`` are what the advice says, for machines, on ``distribution``.
    """

    name: str
    level: Level
    code: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    #: The distribution that holds the configuration, or the tenant that has domains.
    distribution: str = ""

    @property
    def text(self) -> str:
        """What was found."""
        return Template(_wording(self.code).text).safe_substitute(self.mapping)

    @property
    def advice(self) -> str:
        """What to do; empty if there is nothing to do."""
        return Template(_wording(self.code).advice).safe_substitute(self.mapping)


def _wording(code: str) -> Wording:
    return MESSAGES[code] if code in MESSAGES else SITE_MESSAGES[code]


#: The checks in the order of their findings, with their English labels.
CHECKS = {
    "credentials": "Credentials",
    "identity": "Identity",
    "distribution": "Distribution",
    "hosts": "Host names",
    "cache_tags": "Cache tags",
    "permission_create": "Permission to create invalidations",
    "permission_look_up": "Permission to read invalidations",
    "permission_describe": "Permission to read the distribution",
    "query_strings": "Query strings in the cache key",
    "cookies": "Cookies in the cache key",
    "authorization": "Authorization in the cache key",
    "host": "Host name for Plone",
    "minimum_ttl": "Minimum TTL",
    "lifetime": "Lifetime at the edge",
    "errors": "Lifetime of errors",
    "methods": "Allowed HTTP methods",
    "protocol": "HTTPS for visitors",
    "compression": "Compression",
    "api": "Cache behavior of the REST API",
    "legacy": "Cache policies",
    "tag_header": "Cache tags hidden from visitors",
    "clock": "Clock",
}

_GIVE = (
    "Provide AWS credentials for Zope: a role for the machine or container, environment "
    "variables, or a profile. If none of these is possible, enter a key pair in the "
    "settings."
)
_AGAIN = "Test again in a minute."
_CHECK_CLOCK = "Synchronize the clock of this machine, for example with NTP."
_INCLUDE = "Include all query strings in the cache policy of these cache behaviors."
_ELSEWHERE = "or do not forward it, and let editors use another host name."

#: Every code of a finding. Codes that several checks share come first.
MESSAGES = {
    "not_checked": Wording("This was not checked, because another check failed."),
    "timed_out": Wording(
        "AWS did not answer all requests within ${seconds} seconds.",
        "Check the network and the name server of this machine, and test again.",
    ),
    "unexpected": Wording(
        "The check failed with an unexpected error (${reason}).",
        "Report this as a bug, with the traceback from the log.",
    ),
    "unreachable": Wording(
        "AWS cannot be reached: ${reason}",
        "Allow this machine to connect to AWS over HTTPS, through a proxy "
        "(HTTPS_PROXY) if necessary.",
    ),
    "throttled": Wording("AWS is throttling requests (${reason}).", _AGAIN),
    "aws_failed": Wording("AWS returned an error (${reason}).", _AGAIN),
    "refused": Wording(
        "AWS refused the request (${reason}).",
        "Check the CloudFront settings and the AWS credentials.",
    ),
    "denied": Wording(
        "AWS denies ${action} (${reason}).",
        "Allow ${action} on this distribution for the credentials that Zope uses.",
    ),
    "allowed": Wording("${action} is allowed."),
    "not_told": Wording("This could not be determined (${reason}).", _AGAIN),
    "not_readable": Wording(
        "Not checked: the permission ${action} is missing (${reason}).",
        "To include this check, allow ${action} for the credentials that Zope uses.",
    ),
    "missing": Wording(
        "The distribution ${distribution} does not exist in this AWS "
        "account (${reason}).",
        "Check the distribution ID in the CloudFront settings, and check "
        "that the credentials belong to the right AWS account.",
    ),
    "key_unknown": Wording(
        "AWS does not recognize the access key ID (${reason}).",
        "Check the access key ID, and check that nobody has deleted or deactivated it.",
    ),
    "signature": Wording(
        "The signature does not match (${reason}).",
        "Check the secret access key and the clock of this machine.",
    ),
    "expired": Wording(
        "The temporary credentials have expired (${reason}).",
        "Renew the temporary credentials.",
    ),
    "clock_refused": Wording(
        "AWS refused the time of the signature (${reason}).", _CHECK_CLOCK
    ),
    # credentials
    "credentials_settings": Wording(
        "The key pair in the settings is used. Its access key ID ends in ${key}."
    ),
    "credentials_env": Wording(
        "The credentials come from environment variables. The access key "
        "ID ends in ${key}."
    ),
    "credentials_shared": Wording(
        "The credentials come from the shared credentials file. The access "
        "key ID ends in ${key}."
    ),
    "credentials_config": Wording(
        "The credentials come from the AWS configuration file. The access "
        "key ID ends in ${key}."
    ),
    "credentials_machine": Wording(
        "The credentials come from the role of this machine. The access "
        "key ID ends in ${key}."
    ),
    "credentials_container": Wording(
        "The credentials come from the role of this container. The access "
        "key ID ends in ${key}."
    ),
    "credentials_role": Wording(
        "The role ${role} is assumed. Its access key ID ends in ${key}."
    ),
    "credentials_assumed": Wording(
        "The role of an AWS profile is assumed. Its access key ID ends in ${key}."
    ),
    "credentials_web_identity": Wording(
        "A role is assumed with a web identity token. Its access key ID ends in ${key}."
    ),
    "credentials_other": Wording(
        "Credentials were found (${method}). The access key ID ends in ${key}."
    ),
    "credentials_none": Wording("No AWS credentials were found.", _GIVE),
    "credentials_partial": Wording(
        "The AWS credentials are incomplete: ${reason}",
        "Provide both the access key ID and the secret access key, or neither.",
    ),
    "credentials_profile": Wording(
        "The AWS profile was not found: ${reason}",
        "Check the profile in the CloudFront settings and the AWS "
        "configuration files of the user that runs Zope.",
    ),
    "credentials_failed": Wording(
        "The AWS credentials cannot be used: ${reason}",
        "Check the CloudFront settings and the AWS configuration of this machine.",
    ),
    "role_denied": Wording(
        "The role cannot be assumed (${reason}).",
        "Check the role to assume. Its trust policy must allow the "
        "credentials that Zope uses, and these credentials need permission "
        "for sts:AssumeRole on the role.",
    ),
    # identity
    "identity": Wording("AWS identifies these credentials as ${arn}."),
    "identity_unknown": Wording(
        "AWS did not identify these credentials: ${reason}",
        "You do not need to do anything. Purging works without this.",
    ),
    # distribution
    "distribution": Wording("${distribution} exists, is deployed, and is enabled."),
    "distribution_no_status": Wording(
        "${distribution} exists and is enabled. Its deployment status is unknown."
    ),
    "distribution_deploying": Wording(
        "${distribution} is being deployed (${status}). A configuration "
        "change has not reached all edge locations.",
        "Wait a few minutes, and test again.",
    ),
    "distribution_staging": Wording(
        "Visitors may get old pages from the primary distribution, because "
        "${distribution} is a staging distribution.",
        "Enter the ID of the primary distribution in the CloudFront settings, too.",
    ),
    "distribution_disabled": Wording(
        "${distribution} is disabled and does not serve requests.",
        "Enable the distribution in the CloudFront console, or enter another one.",
    ),
    # hosts
    "hosts_listed": Wording("The distribution serves ${names}."),
    "hosts_all": Wording("The distribution serves ${hosts}."),
    "hosts_some": Wording("The distribution serves ${hosts}, but not ${others}."),
    "hosts_none": Wording(
        "The distribution serves ${names}, but not ${hosts}.",
        "Check that this is the distribution of this site, or add the host "
        "name to its alternate domain names.",
    ),
    "hosts_untold": Wording(
        "It is not known which host names the distribution serves. It has "
        "no alternate domain names, and the credentials are not allowed to "
        "read its own domain name.",
        "Allow cloudfront:GetDistribution on this distribution for the "
        "credentials that Zope uses.",
    ),
    # cache_tags
    "cache_tags": Wording(
        "The distribution reads cache tags from the header ${header}."
    ),
    "cache_tags_off": Wording("Cache tags are not used."),
    "cache_tags_unused": Wording(
        "Cache tags are not used, although the distribution reads them "
        "from the header ${header}."
    ),
    "cache_tags_by_path": Wording(
        "The distribution does not read cache tags, so changes are purged by path.",
        "To purge exactly the pages that display a change, set the header ${wanted} in "
        "the CacheTagConfig of the distribution.",
    ),
    "cache_tags_missing": Wording(
        "The distribution does not read cache tags, so invalidations by "
        "tag have no effect.",
        "Set the header ${wanted} in the CacheTagConfig of the distribution.",
    ),
    "cache_tags_other": Wording(
        "The distribution reads cache tags from the header ${header}, but "
        "Plone sends them in ${wanted}, so invalidations by tag have no "
        "effect.",
        "Use the same header in the distribution's configuration and in the CloudFront "
        "settings.",
    ),
    # permission_create
    "create_denied": Wording(
        "AWS denies ${action} (${reason}), so nothing can be purged.",
        "Allow ${action} on this distribution for the credentials that "
        "Zope uses. If it is already allowed, check the distribution ID "
        "and the AWS account.",
    ),
    # What all checks of cache behaviors share
    "behaviors_none": Wording("No cache behavior serves pages of the site."),
    "behaviors_uncached": Wording(
        "CloudFront keeps no answers of these cache behaviors: ${behaviors}."
    ),
    "behaviors_untold": Wording(
        "AWS does not say what is in the cache key of these cache behaviors: "
        "${behaviors}.",
        "Check these cache behaviors in the CloudFront console.",
    ),
    # query_strings
    "query_strings_all": Wording("The cache key includes all query strings."),
    "query_strings_except": Wording(
        "All query strings but these are in the cache key: ${behaviors}."
    ),
    "query_strings_some": Wording(
        "Visitors get wrong search results, batches and answers of the REST API, "
        "because only some query strings are in the cache key: ${behaviors}.",
        _INCLUDE,
    ),
    "query_strings_none": Wording(
        "Visitors get wrong search results, batches and answers of the REST API, "
        "because no query strings are in the cache key: ${behaviors}.",
        _INCLUDE,
    ),
    # cookies
    "cookies_key": Wording(
        "The cookie ${cookie} is in the cache key, so people who are logged in get "
        "their own pages."
    ),
    "cookies_removed": Wording(
        "CloudFront removes the cookie ${cookie}, so nobody can log in through it. "
        "Editors need another host name."
    ),
    "cookies_all": Wording(
        "Plone answers many visitors itself, because each cookie, for example of web "
        "analytics, makes another copy of a page: ${behaviors}.",
        "Include only these cookies in the cache policy of these cache behaviors: "
        "${cookies}.",
    ),
    "cookies_lost": Wording(
        "Nobody can log in with the login form, because CloudFront removes the cookie "
        "${cookie}: ${behaviors}.",
        "Include the cookie ${cookie} in the cache policy of these cache behaviors, or "
        "leave the header Authorization out, and let editors use another host name.",
    ),
    "cookies_shared": Wording(
        "People who are logged in see the pages that are cached for visitors, because "
        "the cookie ${cookie} is forwarded and is not in the cache key: ${behaviors}.",
        "Include the cookie ${cookie} in the cache policy of these cache behaviors, "
        + _ELSEWHERE,
    ),
    # authorization
    "authorization_key": Wording(
        "The header Authorization is in the cache key, so clients of the REST API that "
        "log in get their own answers."
    ),
    "authorization_removed": Wording(
        "CloudFront removes the header Authorization, so clients of the REST API "
        "cannot log in through it. They need another host name."
    ),
    "authorization_lost": Wording(
        "Clients of the REST API that log in, Volto among them, are answered as "
        "visitors, because CloudFront removes the header Authorization: ${behaviors}.",
        "Include the header Authorization in the cache policy of these cache "
        "behaviors.",
    ),
    "authorization_shared": Wording(
        "Clients of the REST API that log in get the answers that are cached for "
        "visitors, because the header Authorization is forwarded and is not in the "
        "cache key: ${behaviors}.",
        "Include the header Authorization in the cache policy of these cache "
        "behaviors, " + _ELSEWHERE,
    ),
    # host
    "host_path": Wording(
        "The origin path has the public host name for Plone, and the header Host is not "
        "forwarded."
    ),
    "host_forwarded": Wording("Plone gets the public host name in the header Host."),
    "host_unexpected": Wording(
        "Visitors may get an error (502) or another site, because the origin gets their "
        "host name, which it may not know: ${behaviors}.",
        "Do not forward the header Host in these cache behaviors, for example with the "
        "managed origin request policy AllViewerExceptHostHeader. The origin path has "
        "the public host name.",
    ),
    "host_missing": Wording(
        "Visitors get links and redirects to the origin instead of the public host name, "
        "because Plone does not learn it: ${behaviors}.",
        "Forward the header Host in these cache behaviors, or write the path of the "
        "VirtualHostMonster into the origin path.",
    ),
    # minimum_ttl
    "minimum_ttl": Wording("The minimum TTL is 0."),
    "minimum_ttl_above": Wording(
        "Visitors may get a page that Plone marked as private, because CloudFront "
        "keeps every answer for the minimum TTL: ${behaviors}.",
        "Set the minimum TTL of these cache behaviors to 0.",
    ),
    # lifetime
    "lifetime": Wording("CloudFront keeps pages for as long as Cache-Control says."),
    "lifetime_none": Wording(
        "Plone answers every visitor itself, because CloudFront keeps no page: "
        "${behaviors}.",
        "Use a cache policy with a maximum TTL of at least a day (86400 seconds).",
    ),
    "lifetime_short": Wording(
        "Plone answers more visitors than it needs to, because CloudFront keeps pages "
        "for the maximum TTL only: ${behaviors}.",
        "Set the maximum TTL of these cache behaviors to at least a day (86400 "
        "seconds).",
    ),
    "lifetime_default": Wording(
        "Visitors may get an old answer where Plone sends no Cache-Control header, "
        "because CloudFront keeps it for the default TTL: ${behaviors}.",
        "Set the default TTL of these cache behaviors to 0.",
    ),
    "lifetime_volto": Wording(
        "Volto answers every visitor itself, because its pages have no Cache-Control "
        "header and the default TTL is 0: ${behaviors}.",
        "Set the default TTL of these cache behaviors to a day (86400 seconds), and "
        "leave the minimum TTL at 0.",
    ),
    # errors
    "errors": Wording("CloudFront keeps errors for seconds only."),
    "errors_long": Wording(
        "Visitors see an error long after it is corrected, because CloudFront keeps it: "
        "${errors}.",
        "Set the error caching minimum TTL of these error responses to ${wanted}.",
    ),
    # protocol
    "protocol": Wording("Visitors use HTTPS."),
    "protocol_open": Wording(
        "Passwords and cookies of visitors can be read on the way, because CloudFront "
        "serves HTTP as well: ${behaviors}.",
        "Set the viewer protocol policy of these cache behaviors to “Redirect HTTP to "
        "HTTPS”.",
    ),
    # compression
    "compression": Wording("Pages are compressed."),
    "compression_off": Wording(
        "Visitors wait longer than they need to, because CloudFront does not compress "
        "pages: ${behaviors}.",
        "Switch on “Compress objects automatically” in these cache behaviors, and Gzip "
        "and Brotli in their cache policies.",
    ),
    # api
    "api": Wording("The REST API has a cache behavior: ${behaviors}."),
    "api_classic": Wording(
        "Plone makes the pages, so that the REST API needs no cache behavior of its own."
    ),
    "api_missing": Wording(
        "Visitors may get answers of the REST API that are a day old, because no cache "
        "behavior separates them from the pages of Volto.",
        "Add a cache behavior for ${pattern} before the others, with the origin of Plone, "
        "a default TTL of 0, and the headers Accept, Origin and Authorization in its "
        "cache policy.",
    ),
    # legacy
    "legacy_none": Wording("All cache behaviors have cache policies."),
    "legacy": Wording(
        "Visitors get pages without Brotli compression, because these cache behaviors "
        "have the legacy cache settings: ${behaviors}.",
        "Choose a cache policy with the same settings for these cache behaviors.",
    ),
    # methods
    "methods": Wording("All HTTP methods are allowed."),
    "methods_cached": Wording(
        "Browsers of visitors may refuse answers of the REST API, because CloudFront "
        "keeps answers to OPTIONS that were made for another website: ${behaviors}.",
        "Do not cache OPTIONS in these cache behaviors.",
    ),
    "methods_few": Wording(
        "Visitors cannot send forms, and editors cannot save, because CloudFront "
        "refuses POST, PUT, PATCH and DELETE: ${behaviors}.",
        "Allow GET, HEAD, OPTIONS, PUT, POST, PATCH and DELETE in these cache "
        "behaviors. You can leave it if editors use another host name and the site "
        "has no forms.",
    ),
    # tag_header
    "tag_header": Wording("A response headers policy removes the header ${header}."),
    "tag_header_sent": Wording(
        "Visitors receive the header ${header} with internal IDs, which "
        "they do not need: ${behaviors}.",
        "Attach a response headers policy that removes ${header} to these cache "
        "behaviors.",
    ),
    # clock
    "clock": Wording("The clock agrees with AWS (difference: ${seconds} s)."),
    "clock_off": Wording("The clock differs from AWS by ${seconds} s.", _CHECK_CLOCK),
    "clock_wrong": Wording(
        "The clock differs from AWS by ${seconds} s, so AWS refuses signed requests.",
        _CHECK_CLOCK,
    ),
    "clock_untold": Wording("AWS did not send its time."),
}
