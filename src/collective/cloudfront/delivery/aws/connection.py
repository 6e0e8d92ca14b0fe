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
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.described import QueryStrings
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.delivery.aws.described import UNREACHABLE
from collective.cloudfront.delivery.aws.findings import CHECKS
from collective.cloudfront.delivery.aws.findings import Finding
from collective.cloudfront.delivery.aws.findings import Level
from collective.cloudfront.delivery.aws.judging import cause_of
from collective.cloudfront.delivery.aws.judging import judge_cache_tags
from collective.cloudfront.delivery.aws.judging import judge_clock
from collective.cloudfront.delivery.aws.judging import judge_hosts
from collective.cloudfront.delivery.aws.judging import judge_query_strings
from collective.cloudfront.delivery.aws.judging import level_of
from collective.cloudfront.delivery.aws.judging import why_unsigned
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import is_tenant
from collective.cloudfront.delivery.aws.probe import Probe
from collective.cloudfront.delivery.calls import Call
from collective.cloudfront.delivery.calls import THREAD

import logging
import threading
import time
import traceback


logger = logging.getLogger("collective.cloudfront")

#: Seconds for all checks. Timeouts of single calls do not bound the resolving of
#: names, a ``credential_process``, or answers that come drop by drop.
LIMIT = 18.0

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

#: After these every other call would fail for the same reason.
_FATAL = frozenset(
    {"unreachable", "missing", "key_unknown", "signature", "expired", "clock_refused"}
)

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
MANAGED_POLICIES = {
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
    call = Call(examination.run)
    thread = threading.Thread(
        target=call.run, name=f"{THREAD} connection test", daemon=True
    )
    try:
        thread.start()
    except RuntimeError as error:
        # There are no threads to be had, or Python is shutting down.
        return _complete([], "unexpected", {"reason": type(error).__name__})
    if not call.wait(LIMIT):
        examination.given_up = True
        call.give_up()  # what it waits for is closed, and its thread ends
        limit = {"seconds": f"{LIMIT:g}"}
        return _complete(examination.findings.copy(), "timed_out", limit)
    return _complete(examination.findings)


# Or pytest would take it for a test wherever it is imported.
setattr(test_connection, "__test__", False)  # noqa: B010


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
        if cause_of(described) in _FATAL:
            return
        holder = self._find_holder(described)
        self._check_hosts(described)
        self._check_cache_tags(holder)
        if holder.error == UNREACHABLE or not self._check_permissions():
            return
        self._check_query_strings(holder)

    # Who we are

    def _check_credentials(self) -> bool:
        reply = self._note(self._probe.sign())
        if reply.error:
            code, level = why_unsigned(reply)
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
        reply = self._note(self._probe.identity())
        if reply.error:
            # STS need not be reachable where CloudFront is.
            reason = reply.reason
            self._add("identity", Level.UNKNOWN, "identity_unknown", reason=reason)
        else:
            self._add("identity", Level.OK, "identity", arn=reply.found)

    # What the distribution is like

    def _describe(self) -> Reply:
        """Return what is known of the distribution or tenant."""
        tenant = is_tenant(self._distribution)
        ask = self._probe.tenant if tenant else self._probe.distribution
        reply = self._note(ask(self._distribution))
        cause = cause_of(reply)
        if cause in ("", "denied"):
            self._judge_permission("permission_describe", reply)
        if cause == "denied" and not is_tenant(self._distribution):
            config = self._note(self._probe.configuration(self._distribution))
            # Of two refusals the first one has named the permission to ask for.
            reply = reply if cause_of(config) == "denied" else config
        self._judge_distribution(reply)
        return reply

    def _judge_distribution(self, reply: Reply) -> None:
        described = reply.found
        if described is None and cause_of(reply) == "denied":
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
        return self._note(self._probe.distribution(described.found.parent))

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
            key = MANAGED_POLICIES.get(policy)
        if policy and key is None:
            reply = self._note(self._probe.cache_policy(policy))
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
            reply = self._note(ask(self._distribution))
            self._judge_permission(name, reply)
            if reply.error == UNREACHABLE:
                return False
        return True

    def _judge_permission(self, name: str, reply: Reply) -> None:
        as_hoped = not reply.error or reply.error in _REFUSED_AS_HOPED.get(name, ())
        if as_hoped:
            self._report(name, Level.OK, "allowed", action=self._action(name))
        elif name == "permission_create" and cause_of(reply) == "denied":
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

    def _note(self, reply: Reply) -> Reply:
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
        cause = cause_of(reply)
        level = level_of(name, cause, reply)
        self._report(name, level, cause, reason=reply.reason, action=action)

    def _not_readable(
        self, name: str, reply: Reply, action: str = _GET_DISTRIBUTION
    ) -> None:
        if reply.operation == "GetDistributionTenant":
            action = self._action("permission_describe")
        if cause_of(reply) == "denied":
            self._add(
                name, Level.UNKNOWN, "not_readable", reason=reply.reason, action=action
            )
        else:
            self._add(name, Level.UNKNOWN, "not_told", reason=reply.reason)

    def _has(self, name: str) -> bool:
        return any(finding.name == name for finding in self.findings)
