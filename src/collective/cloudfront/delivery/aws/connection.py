"""Test the connection to a distribution: ten checks, each with a sentence.

::

    credentials ──► identity ──► distribution ──► hosts, cache tags, query strings
                                      │
                                      └──► permissions ──► clock

Nothing is changed, invalidated or billed. It stops at the first call that gets no
answer, and where every other call would be refused for the same reason; what was not
checked then says so. AWS's limits on calls count these few as well.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.gateway import Credentials
from collective.cloudfront.delivery.aws.gateway import is_tenant
from collective.cloudfront.delivery.aws.gateway import Outcome
from collective.cloudfront.delivery.aws.gateway import Probe
from collective.cloudfront.delivery.aws.gateway import QueryStrings
from collective.cloudfront.delivery.aws.gateway import Reply
from collective.cloudfront.delivery.aws.gateway import UNEXPECTED
from collective.cloudfront.delivery.aws.gateway import UNREACHABLE
from dataclasses import dataclass
from dataclasses import field
from enum import Enum
from string import Template

import logging
import threading
import time
import traceback


logger = logging.getLogger("collective.cloudfront")

#: Seconds for all checks. Timeouts of single calls do not bound the resolving of
#: names, a ``credential_process``, or answers that come drop by drop.
LIMIT = 18.0

#: Seconds. AWS refuses signatures that are 5 minutes off (IAM user guide, "Signature
#: Version 4 request signing": "timestamp … within five minutes").
SKEW_WARNING = 60
SKEW_ERROR = 300


class Level(str, Enum):
    """How bad it is. The control panel sorts and colours by it."""

    OK = "ok"
    #: Nobody knows; purging may well work.
    UNKNOWN = "unknown"
    #: Purging works, but not as well as it could.
    WARNING = "warning"
    #: Purging does not work.
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence, and one that says what to do; ``${name}`` is from the mapping."""

    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. It shows no secret.

    ``name`` is a key of ``CHECKS``, ``code`` one of ``MESSAGES``: both are stable, for
    translations. ``text`` and ``advice`` are the English ones; advice may be empty.
    """

    name: str
    level: Level
    code: str
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What was found."""
        return Template(MESSAGES[self.code].text).safe_substitute(self.mapping)

    @property
    def advice(self) -> str:
        """What to do; empty if there is nothing to do."""
        return Template(MESSAGES[self.code].advice).safe_substitute(self.mapping)


#: The checks in the order of their findings, with their English labels.
CHECKS = {
    "credentials": "Credentials",
    "identity": "Identity",
    "distribution": "Distribution",
    "hosts": "Host names",
    "cache_tags": "Cache tags",
    "permission_create": "Permission to invalidate",
    "permission_look_up": "Permission to follow invalidations",
    "permission_describe": "Permission to read the distribution",
    "query_strings": "Query strings in the cache key",
    "clock": "Clock",
}

_GIVE = (
    "Give Zope AWS credentials: a role for the machine or container, environment "
    "variables, a profile, or as a last resort a key pair in the settings."
)
_AGAIN = "Test again in a minute."
_CHECK_CLOCK = "Synchronise this machine's clock, with NTP for example."
_INCLUDE = (
    "Put all query strings into the cache key of the default behaviour, for example "
    "with the managed cache policy UseOriginCacheControlHeaders-QueryStrings. "
    "Otherwise visitors get each other's pages of batches, searches and REST API "
    "calls (b_start:int, SearchableText, expand)."
)

#: Every code of a finding. Codes that several checks share come first.
MESSAGES = {
    "not_checked": Message("This was not checked, because another check failed."),
    "timed_out": Message(
        "AWS did not answer all questions within ${seconds} seconds.",
        "Check this machine's network and name server, and test again.",
    ),
    "unexpected": Message(
        "The check failed with an unexpected error (${reason}).",
        "Please report it, with the traceback in the log.",
    ),
    "unreachable": Message(
        "AWS cannot be reached: ${reason}",
        "Let this machine reach AWS by HTTPS, through a proxy (HTTPS_PROXY) if need "
        "be.",
    ),
    "throttled": Message("AWS limits the rate of calls (${reason}).", _AGAIN),
    "aws_failed": Message("AWS failed to answer (${reason}).", _AGAIN),
    "refused": Message(
        "AWS refuses the call (${reason}).",
        "Check the CloudFront settings and the AWS credentials.",
    ),
    "denied": Message(
        "AWS denies ${action} (${reason}).",
        "Allow ${action} on this distribution to the credentials that Zope uses.",
    ),
    "allowed": Message("${action} is allowed."),
    "not_told": Message("This cannot be told (${reason}).", _AGAIN),
    "not_readable": Message(
        "This cannot be told (${reason}).",
        "If you want it checked, allow ${action} to the credentials that Zope uses.",
    ),
    "missing": Message(
        "AWS knows no distribution ${distribution} in this account (${reason}).",
        "Check the distribution id in the CloudFront settings, and that the "
        "credentials belong to its AWS account.",
    ),
    "key_unknown": Message(
        "AWS does not know the access key id (${reason}).",
        "Check the access key id, and that nobody has deleted or deactivated it.",
    ),
    "signature": Message(
        "The signature does not match (${reason}).",
        "Check the secret access key, and this machine's clock.",
    ),
    "expired": Message(
        "The temporary credentials have expired (${reason}).",
        "Renew the temporary credentials.",
    ),
    "clock_refused": Message(
        "AWS refuses the time of the signature (${reason}).", _CHECK_CLOCK
    ),
    # credentials
    "credentials_settings": Message(
        "The key pair in the settings is used; its id ends in ${key}."
    ),
    "credentials_env": Message(
        "Credentials come from environment variables; the key id ends in ${key}."
    ),
    "credentials_shared": Message(
        "Credentials come from the shared credentials file; the key id ends in ${key}."
    ),
    "credentials_config": Message(
        "Credentials come from the AWS configuration file; the key id ends in ${key}."
    ),
    "credentials_machine": Message(
        "Credentials come from the role of this machine; the key id ends in ${key}."
    ),
    "credentials_container": Message(
        "Credentials come from the role of this container; the key id ends in ${key}."
    ),
    "credentials_role": Message(
        "The role ${role} is assumed; its key id ends in ${key}."
    ),
    "credentials_assumed": Message(
        "The role of an AWS profile is assumed; its key id ends in ${key}."
    ),
    "credentials_web_identity": Message(
        "A role is assumed with a web identity token; its key id ends in ${key}."
    ),
    "credentials_other": Message(
        "Credentials were found (${method}); the key id ends in ${key}."
    ),
    "credentials_none": Message("There are no AWS credentials.", _GIVE),
    "credentials_partial": Message(
        "The AWS credentials are not complete: ${reason}",
        "Give both, the access key id and the secret access key, or neither.",
    ),
    "credentials_profile": Message(
        "The AWS profile cannot be found: ${reason}",
        "Check the profile in the CloudFront settings, and the AWS configuration "
        "files of the user that runs Zope.",
    ),
    "credentials_failed": Message(
        "The AWS credentials cannot be used: ${reason}",
        "Check the CloudFront settings and the AWS configuration of this machine.",
    ),
    "role_denied": Message(
        "The role cannot be assumed (${reason}).",
        "Check the role to assume, let it trust the credentials that Zope uses, and "
        "allow sts:AssumeRole on it to them.",
    ),
    # identity
    "identity": Message("AWS knows these credentials as ${arn}."),
    "identity_unknown": Message(
        "Whose credentials these are cannot be told: ${reason}",
        "Nothing is to be done: this is not needed for purging.",
    ),
    # distribution
    "distribution": Message("${distribution} exists, is deployed and enabled."),
    "distribution_no_status": Message(
        "${distribution} exists and is enabled. Whether it is deployed cannot be told."
    ),
    "distribution_deploying": Message(
        "${distribution} is being deployed (${status}): a change of its configuration "
        "has not arrived everywhere.",
        "Wait for some minutes, and test again.",
    ),
    "distribution_disabled": Message(
        "${distribution} is disabled: it answers nobody.",
        "Enable the distribution in the CloudFront console, or set another one.",
    ),
    # hosts
    "hosts_listed": Message("The distribution answers to ${names}."),
    "hosts_all": Message("The distribution answers to ${hosts}."),
    "hosts_some": Message(
        "The distribution answers to ${hosts}, and not to ${others}."
    ),
    "hosts_none": Message(
        "The distribution answers to ${names}, and not to ${hosts}.",
        "Check that this is the site's distribution, or add the host name to its "
        "alternate domain names.",
    ),
    # cache_tags
    "cache_tags": Message("Cache tags are read from the header ${header}."),
    "cache_tags_off": Message("Cache tags are not used."),
    "cache_tags_unused": Message(
        "Cache tags are not used, though the distribution reads them from the header "
        "${header}."
    ),
    "cache_tags_missing": Message(
        "The distribution reads no cache tags: invalidations by tag do nothing.",
        "Configure ${wanted} as the header of the distribution's cache tags.",
    ),
    "cache_tags_other": Message(
        "The distribution reads cache tags from the header ${header}, and Plone sends "
        "them in ${wanted}: invalidations by tag do nothing.",
        "Use the same header in the distribution's configuration and in the CloudFront "
        "settings.",
    ),
    # permission_create
    "create_denied": Message(
        "AWS denies ${action} (${reason}): nothing can be purged.",
        "Allow ${action} on this distribution to the credentials that Zope uses. If "
        "it is allowed, check the distribution id and the AWS account.",
    ),
    # query_strings
    "query_strings_all": Message("All query strings are in the cache key."),
    "query_strings_except": Message(
        "All query strings but ${names} are in the cache key."
    ),
    "query_strings_some": Message(
        "Only the query strings ${names} are in the cache key.", _INCLUDE
    ),
    "query_strings_none": Message("No query strings are in the cache key.", _INCLUDE),
    "query_strings_uncached": Message(
        "The default cache behaviour keeps nothing, so query strings cannot be mixed up."
    ),
    "query_strings_untold": Message(
        "The default cache behaviour does not say what is in the cache key.",
        "Check in the CloudFront console that all query strings are.",
    ),
    # clock
    "clock": Message("The clock agrees with AWS's (${seconds} seconds off)."),
    "clock_off": Message("The clock is ${seconds} seconds off AWS's.", _CHECK_CLOCK),
    "clock_wrong": Message(
        "The clock is ${seconds} seconds off AWS's: AWS refuses what is signed so.",
        _CHECK_CLOCK,
    ),
    "clock_untold": Message("AWS did not tell the time."),
}

#: botocore's name for where credentials come from, and our code.
_METHODS = {
    "explicit": "credentials_settings",
    "env": "credentials_env",
    "shared-credentials-file": "credentials_shared",
    "config-file": "credentials_config",
    "iam-role": "credentials_machine",
    "container-role": "credentials_container",
    "assume-role": "credentials_assumed",
    "assume-role-with-web-identity": "credentials_web_identity",
}

#: AWS's error codes (without "Exception") and botocore's exceptions, and our code.
_CAUSES = {
    UNREACHABLE: "unreachable",
    UNEXPECTED: "unexpected",
    "AccessDenied": "denied",
    "UnauthorizedOperation": "denied",
    "NotAuthorized": "denied",
    "InvalidAccessKeyId": "key_unknown",
    "InvalidClientTokenId": "key_unknown",
    "UnrecognizedClient": "key_unknown",
    "IncompleteSignature": "signature",
    "SignatureDoesNotMatch": "signature",
    "ExpiredToken": "expired",
    "TokenRefreshRequired": "expired",
    "RequestExpired": "clock_refused",
    "RequestTimeTooSkewed": "clock_refused",
    "EntityNotFound": "missing",
    "NoSuchDistribution": "missing",
    # botocore refuses to send such an id.
    "ParamValidationError": "missing",
}

#: Why a check of the credentials themselves failed, where it is not in ``_CAUSES``.
_NO_SIGNER = {
    "NoCredentialsError": "credentials_none",
    "PartialCredentialsError": "credentials_partial",
    "ProfileNotFound": "credentials_profile",
}

#: After these every other call would fail for the same reason.
_FATAL = frozenset(
    {"unreachable", "missing", "key_unknown", "signature", "expired", "clock_refused"}
)

#: The worst that can be found where purging does not depend on it. Otherwise ERROR.
_WORST = {
    "permission_look_up": Level.WARNING,
    "permission_describe": Level.WARNING,
}
_ORDER = tuple(Level)

#: What AWS says to our impossible requests once they are authorised.
_REFUSED_AS_HOPED = {
    "permission_create": frozenset(
        {
            "InconsistentQuantities",
            "InvalidArgument",
            "InvalidationBatchAlreadyExists",
            "TooManyInvalidationsInProgress",
        }
    ),
    "permission_look_up": frozenset({"NoSuchInvalidation", "InvalidArgument"}),
}

#: IAM actions by check: for distributions, and for their tenants (service
#: authorization reference, "Actions defined by Amazon CloudFront").
_ACTIONS = {
    "permission_create": (
        "cloudfront:CreateInvalidation",
        "cloudfront:CreateInvalidationForDistributionTenant",
    ),
    "permission_look_up": (
        "cloudfront:GetInvalidation",
        "cloudfront:GetInvalidationForDistributionTenant",
    ),
    "permission_describe": (
        "cloudfront:GetDistribution",
        "cloudfront:GetDistributionTenant",
    ),
}
_GET_DISTRIBUTION = "cloudfront:GetDistribution"
_GET_CACHE_POLICY = "cloudfront:GetCachePolicy"

#: AWS's managed cache policies, which nobody can change (developer guide, "Use managed
#: cache policies"): no permission is needed to know them.
_MANAGED_POLICIES = {
    # CachingOptimized, CachingOptimizedForUncompressedObjects
    "658327ea-f89d-4fab-a63d-7e88639e58f6": QueryStrings("none"),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": QueryStrings("none"),
    # CachingDisabled
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": QueryStrings("none", caches=False),
    # UseOriginCacheControlHeaders, and the same with -QueryStrings
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": QueryStrings("none"),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": QueryStrings("all"),
    # Amplify
    "2e54312d-136d-493c-8eb9-b001f22f67d2": QueryStrings("all"),
}


def test_connection(
    distribution: str,
    credentials: Credentials,
    hosts: Collection[str],
    tag_header: str,
    clock: Callable[[], float] = time.time,  # noqa: PT028 - it is no test
) -> list[Finding]:
    """Return one finding for each of ``CHECKS``, in their order.

    ``hosts`` are the names that visitors use for the site, ``tag_header`` is the
    header that Plone sends cache tags in (empty: none); ``clock`` returns seconds
    since the epoch. It raises nothing and takes at most ``LIMIT`` seconds, in another
    thread, and there is no reason to call it where somebody else waits.
    """
    examination = _Examination(distribution, credentials, hosts, tag_header, clock)
    thread = threading.Thread(
        target=examination.run, name="collective.cloudfront.connection", daemon=True
    )
    try:
        thread.start()
    except RuntimeError as error:
        # There are no threads to be had, or Python is shutting down.
        return _complete([], "unexpected", {"reason": type(error).__name__})
    thread.join(LIMIT)
    if thread.is_alive():
        examination.given_up = True
        limit = {"seconds": f"{LIMIT:g}"}
        return _complete(examination.findings.copy(), "timed_out", limit)
    return _complete(examination.findings)


# Or pytest would take it for a test wherever it is imported.
test_connection.__test__ = False


def _complete(
    findings: list[Finding], code: str = "", mapping: Mapping[str, str] | None = None
) -> list[Finding]:
    """Put the findings in order, with one for each check that has none.

    The first of these says why, if there is a ``code`` for it.
    """
    found = {finding.name: finding for finding in findings}
    for name in CHECKS:
        if name in found:
            continue
        if code:
            found[name] = Finding(name, Level.ERROR, code, mapping or {})
        else:
            found[name] = Finding(name, Level.UNKNOWN, "not_checked")
        code = ""
    return [found[name] for name in CHECKS]


class _GivenUp(Exception):
    """Nobody waits any more."""


class _Examination:
    """The checks in the order in which they build on each other, for one thread."""

    def __init__(
        self,
        distribution: str,
        credentials: Credentials,
        hosts: Collection[str],
        tag_header: str,
        clock: Callable[[], float],
    ) -> None:
        self.findings: list[Finding] = []
        #: Set to True when nobody waits any more.
        self.given_up = False
        self._distribution = distribution
        self._credentials = credentials
        self._hosts = hosts
        self._tag_header = tag_header
        self._clock = clock
        #: Seconds by which our clock is ahead of AWS's.
        self._skew: float | None = None
        self._answered = False
        self._probe = Probe(credentials)

    def run(self) -> None:
        """Check; whatever goes wrong becomes a finding, too."""
        try:
            self._go_as_far_as_possible()
            self._check_clock()
        except _GivenUp:
            pass
        except Exception as error:
            # The message could be anything; the traceback shows no values.
            logger.error(
                "Testing the connection failed.\n%s",
                "".join(traceback.format_tb(error.__traceback__)),
            )
            missing = [name for name in CHECKS if not self._has(name)]
            for name in missing[:1]:
                reason = type(error).__name__
                self._add(name, Level.ERROR, "unexpected", reason=reason)

    def _go_as_far_as_possible(self) -> None:
        if not self._check_credentials():
            return
        self._check_identity()
        described = self._describe()
        if _cause_of(described) in _FATAL:
            return
        holder = self._find_holder(described)
        self._check_hosts(described)
        self._check_cache_tags(holder)
        if holder.error == UNREACHABLE or not self._check_permissions():
            return
        self._check_query_strings(holder)

    # Who we are

    def _check_credentials(self) -> bool:
        reply = self._hear(self._probe.sign())
        if reply.error:
            code, level = _why_unsigned(reply)
            self._add("credentials", level, code, reason=reply.reason)
            return False
        signer = reply.found
        code = _METHODS.get(signer.method, "credentials_other")
        if code == "credentials_assumed" and self._credentials.role_arn:
            code = "credentials_role"
        self._add(
            "credentials",
            Level.OK,
            code,
            key=signer.key_ending,
            method=signer.method,
            role=self._credentials.role_arn,
        )
        return True

    def _check_identity(self) -> None:
        reply = self._hear(self._probe.identity())
        if reply.error:
            # STS need not be reachable where CloudFront is.
            reason = reply.reason
            self._add("identity", Level.UNKNOWN, "identity_unknown", reason=reason)
        else:
            self._add("identity", Level.OK, "identity", arn=reply.found)

    # What the distribution is like

    def _describe(self) -> Reply:
        """Return what is known of the distribution or tenant."""
        ask = self._probe.distribution
        if is_tenant(self._distribution):
            ask = self._probe.tenant
        reply = self._hear(ask(self._distribution))
        cause = _cause_of(reply)
        if cause in ("", "denied"):
            self._judge_permission("permission_describe", reply)
        if cause == "denied" and not is_tenant(self._distribution):
            config = self._hear(self._probe.configuration(self._distribution))
            # Of two refusals the first one has named the permission to ask for.
            reply = reply if _cause_of(config) == "denied" else config
        self._judge_distribution(reply)
        return reply

    def _judge_distribution(self, reply: Reply) -> None:
        described = reply.found
        if described is None and _cause_of(reply) == "denied":
            self._not_readable("distribution", reply)
        elif described is None:
            self._fail("distribution", reply)
        elif not described.enabled:
            self._report("distribution", Level.WARNING, "distribution_disabled")
        elif not described.status:
            self._report("distribution", Level.OK, "distribution_no_status")
        elif described.status != "Deployed":
            status = described.status
            self._report(
                "distribution", Level.WARNING, "distribution_deploying", status=status
            )
        else:
            self._report("distribution", Level.OK, "distribution")

    def _find_holder(self, described: Reply) -> Reply:
        """Return what is known of the distribution that holds the configuration."""
        if described.found is None or not described.found.parent:
            return described
        return self._hear(self._probe.distribution(described.found.parent))

    def _check_hosts(self, described: Reply) -> None:
        if described.found is None:
            self._not_readable("hosts", described)
            return
        level, code, mapping = judge_hosts(described.found.hosts, self._hosts)
        self._add("hosts", level, code, **mapping)

    def _check_cache_tags(self, holder: Reply) -> None:
        if holder.found is None and self._tag_header:
            self._not_readable("cache_tags", holder)
            return
        found = holder.found.tag_header if holder.found else ""
        level, code = judge_cache_tags(found, self._tag_header)
        self._add("cache_tags", level, code, header=found, wanted=self._tag_header)

    def _check_query_strings(self, holder: Reply) -> None:
        if holder.found is None:
            self._not_readable("query_strings", holder)
            return
        key = holder.found.query_strings
        policy = holder.found.cache_policy
        if policy:
            key = _MANAGED_POLICIES.get(policy)
        if policy and key is None:
            reply = self._hear(self._probe.cache_policy(policy))
            key = reply.found
            if key is None:
                self._not_readable("query_strings", reply, _GET_CACHE_POLICY)
                return
        level, code = judge_query_strings(key)
        names = ", ".join(key.names) if key else ""
        self._add("query_strings", level, code, names=names)

    # What is allowed

    def _check_permissions(self) -> bool:
        """Return whether AWS could be reached."""
        asked = {
            "permission_create": self._probe.try_create,
            "permission_look_up": self._probe.try_look_up,
        }
        for name, ask in asked.items():
            reply = self._hear(ask(self._distribution))
            self._judge_permission(name, reply)
            if reply.error == UNREACHABLE:
                return False
        return True

    def _judge_permission(self, name: str, reply: Reply) -> None:
        as_hoped = not reply.error or reply.error in _REFUSED_AS_HOPED.get(name, ())
        if as_hoped:
            self._report(name, Level.OK, "allowed", action=self._action(name))
        elif name == "permission_create" and _cause_of(reply) == "denied":
            self._report(
                name,
                Level.ERROR,
                "create_denied",
                action=self._action(name),
                reason=reply.reason,
            )
        else:
            self._fail(name, reply)

    def _action(self, name: str) -> str:
        return _ACTIONS[name][is_tenant(self._distribution)]

    # What time it is

    def _hear(self, reply: Reply) -> Reply:
        """Note the time of an answer, and return the answer."""
        if self.given_up:
            raise _GivenUp
        if reply.date is not None and self._skew is None:
            self._skew = self._clock() - reply.date
        self._answered = self._answered or reply.status > 0
        return reply

    def _check_clock(self) -> None:
        if self._skew is not None:
            level, code = judge_clock(self._skew)
            self._add("clock", level, code, seconds=f"{abs(self._skew):.0f}")
        elif self._answered:
            self._add("clock", Level.UNKNOWN, "clock_untold")

    # Findings

    def _add(self, name: str, level: Level, code: str, **mapping: str) -> None:
        self.findings.append(Finding(name, level, code, mapping))

    def _report(self, name: str, level: Level, code: str, **mapping: str) -> None:
        self._add(name, level, code, distribution=self._distribution, **mapping)

    def _fail(self, name: str, reply: Reply) -> None:
        action = self._action(name) if name in _ACTIONS else ""
        cause = _cause_of(reply)
        level = _level_of(name, cause, reply)
        self._report(name, level, cause, reason=reply.reason, action=action)

    def _not_readable(
        self, name: str, reply: Reply, action: str = _GET_DISTRIBUTION
    ) -> None:
        if reply.operation == "GetDistributionTenant":
            action = self._action("permission_describe")
        if _cause_of(reply) == "denied":
            self._add(
                name, Level.UNKNOWN, "not_readable", reason=reply.reason, action=action
            )
        else:
            self._add(name, Level.UNKNOWN, "not_told", reason=reply.reason)

    def _has(self, name: str) -> bool:
        return any(finding.name == name for finding in self.findings)


# --- what to think of it: pure functions ------------------------------------------------


def judge_hosts(
    names: Collection[str], hosts: Collection[str]
) -> tuple[Level, str, dict[str, str]]:
    """Say which of a site's ``hosts`` a distribution with these ``names`` answers to.

    A name ``*.example.com`` stands for one label before the dot. Ports and case do
    not matter.
    """
    mapping = {"names": _listed(names), "hosts": _listed(hosts)}
    if not hosts:
        return Level.OK, "hosts_listed", mapping
    matching = [host for host in hosts if _answers_to(names, host)]
    others = [host for host in hosts if host not in matching]
    if not matching:
        return Level.WARNING, "hosts_none", mapping
    mapping = {"hosts": _listed(matching), "others": _listed(others)}
    return Level.OK, "hosts_some" if others else "hosts_all", mapping


def _answers_to(names: Iterable[str], host: str) -> bool:
    host = host.strip().lower().partition(":")[0].rstrip(".")
    domain = host.partition(".")[2]
    wanted = {host, f"*.{domain}"} if domain else {host}
    return any(name.lower() in wanted for name in names)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "–"


def judge_cache_tags(found: str, wanted: str) -> tuple[Level, str]:
    """Compare the header of the distribution with ours; empty: there is none."""
    if not wanted:
        return Level.OK, "cache_tags_unused" if found else "cache_tags_off"
    if not found:
        return Level.WARNING, "cache_tags_missing"
    if found.lower() != wanted.lower():
        return Level.WARNING, "cache_tags_other"
    return Level.OK, "cache_tags"


def judge_query_strings(key: QueryStrings | None) -> tuple[Level, str]:
    """Say whether pages that differ by their query strings are kept apart."""
    if key is None:
        return Level.UNKNOWN, "query_strings_untold"
    if not key.caches:
        return Level.OK, "query_strings_uncached"
    return {
        "all": (Level.OK, "query_strings_all"),
        "allExcept": (Level.OK, "query_strings_except"),
        "whitelist": (Level.WARNING, "query_strings_some"),
        "none": (Level.WARNING, "query_strings_none"),
    }.get(key.behaviour, (Level.UNKNOWN, "query_strings_untold"))


def judge_clock(skew: float) -> tuple[Level, str]:
    """Say what so many seconds between our clock and AWS's mean."""
    if abs(skew) > SKEW_ERROR:
        return Level.ERROR, "clock_wrong"
    if abs(skew) > SKEW_WARNING:
        return Level.WARNING, "clock_off"
    return Level.OK, "clock"


def _cause_of(reply: Reply) -> str:
    """Return our code for why there is no answer; empty if there is one."""
    if not reply.error:
        return ""
    known = _CAUSES.get(reply.error.removesuffix("Exception"))
    if known:
        return known
    if reply.outcome in (Outcome.THROTTLED, Outcome.OVER_QUOTA):
        return "throttled"
    return "aws_failed" if reply.outcome is Outcome.TRANSIENT else "refused"


def _level_of(name: str, cause: str, reply: Reply) -> Level:
    if cause in ("throttled", "aws_failed"):
        return Level.UNKNOWN
    # What AWS did not understand says nothing about what is allowed.
    if cause == "refused" and reply.status not in (401, 403):
        return Level.UNKNOWN
    return min(Level.ERROR, _WORST.get(name, Level.ERROR), key=_ORDER.index)


def _why_unsigned(reply: Reply) -> tuple[str, Level]:
    """Return our code for why there are no credentials, and how bad that is."""
    cause = _NO_SIGNER.get(reply.error) or _cause_of(reply)
    if cause in ("denied", "missing") and reply.operation.startswith("AssumeRole"):
        cause = "role_denied"
    elif cause in ("denied", "missing", "refused", "unexpected"):
        cause = "credentials_failed"
    passing = cause in ("throttled", "aws_failed")
    return cause, Level.UNKNOWN if passing else Level.ERROR
