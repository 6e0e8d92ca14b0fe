"""The questions to AWS about a distribution, and what to think of the answers.

::

    credentials ──► identity ──► distribution ──► hosts, cache tags
                                      │
                                      └──► permissions ──► cache behaviors ──► clock
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collective.cloudfront.delivery.aws.causes import cause_of
from collective.cloudfront.delivery.aws.described import Described
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.delivery.aws.described import UNREACHABLE
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.port import is_tenant
from collective.cloudfront.delivery.aws.probe import Probe
from collective.cloudfront.delivery.aws.probe import Way
from collective.cloudfront.doctor.changes import Edit
from collective.cloudfront.doctor.changes import Kind
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.judging import judge_cache_tags
from collective.cloudfront.doctor.judging import judge_clock
from collective.cloudfront.doctor.judging import judge_errors
from collective.cloudfront.doctor.judging import judge_hosts
from collective.cloudfront.doctor.judging import level_of
from collective.cloudfront.doctor.judging import why_unsigned
from collective.cloudfront.doctor.reading import resolve
from collective.cloudfront.doctor.rules import BEHAVIOR_CHECKS
from collective.cloudfront.doctor.rules import judge_behaviors
from collective.cloudfront.doctor.wanted import Use

import logging
import traceback


logger = logging.getLogger("collective.cloudfront")

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


class GivenUp(Exception):
    """Nobody waits any more."""


class Examination:
    """The checks in the order in which they build on each other, for one thread."""

    def __init__(
        self,
        distribution: str,
        credentials: Credentials,
        hosts: Collection[str],
        use: Use,
        clock: Callable[[], float],
    ) -> None:
        self.findings: list[Finding] = []
        #: Set to True when nobody waits any more.
        self.given_up = False
        self._distribution = distribution
        #: The distribution that holds the configuration.
        self._holder = distribution
        self._credentials = credentials
        self._hosts = hosts
        self._use = use
        self._clock = clock
        #: Seconds by which our clock is ahead of AWS's.
        self._skew: float | None = None
        self._answered = False
        self._probe = Probe(credentials, self._note)

    def run(self, job: Callable[[], None]) -> None:
        """Do one of the jobs below; whatever goes wrong becomes a finding, too."""
        try:
            job()
        except GivenUp:
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

    def examine(self) -> None:
        """Make all checks."""
        self._go_as_far_as_possible()
        self._check_clock()

    def try_to_create(self) -> None:
        """Find the credentials, and ask whether they may create invalidations."""
        if self._check_credentials():
            self._check_permission("permission_create", self._probe.try_create)

    def _go_as_far_as_possible(self) -> None:
        if not self._check_credentials():
            return
        self._check_identity()
        way = self._describe()
        if cause_of(way.own) in _FATAL:
            return
        self._check_hosts(way.own)
        self._check_cache_tags(way.holder)
        if way.holder.error == UNREACHABLE or not self._check_permissions():
            return
        self._check_behaviors(way.holder)

    # Who we are

    def _check_credentials(self) -> bool:
        reply = self._probe.sign()
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
        reply = self._probe.identity()
        if reply.error:
            # STS need not be reachable where CloudFront is.
            reason = reply.reason
            self._add("identity", Level.UNKNOWN, "identity_unknown", reason=reason)
        else:
            self._add("identity", Level.OK, "identity", arn=reply.found)

    # What the distribution is like

    def _describe(self) -> Way:
        """Return what is known of the distribution or tenant."""
        way = self._probe.describe(self._distribution)
        if cause_of(way.first) in ("", "denied"):
            self._judge_permission("permission_describe", way.first)
        if way.own.found is not None and way.own.found.parent:
            self._holder = way.own.found.parent
        self._judge_distribution(way.own)
        return way

    def _judge_distribution(self, reply: Reply) -> None:
        described = reply.found
        if described is None and cause_of(reply) == "denied":
            self._not_readable("distribution", reply)
        elif described is None:
            self._fail("distribution", reply)
        elif not described.enabled:
            own = is_tenant(self._distribution)
            kind = Kind.TENANT if own else Kind.DISTRIBUTION
            edit = Edit(kind, ("Enabled",), True)
            self._report("distribution", Level.WARNING, "distribution_disabled", edit)
        elif described.is_staging:
            self._report("distribution", Level.WARNING, "distribution_staging")
        elif not described.status:
            self._report("distribution", Level.OK, "distribution_no_status")
        elif described.status != "Deployed":
            status = described.status
            self._report(
                "distribution", Level.WARNING, "distribution_deploying", status=status
            )
        else:
            self._report("distribution", Level.OK, "distribution")

    def _check_hosts(self, described: Reply) -> None:
        if described.found is None:
            self._not_readable("hosts", described)
            return
        level, code, mapping = judge_hosts(described.found.hosts, self._hosts)
        edits: tuple[Edit, ...] = ()
        if code == "hosts_none":
            edits = self._with_hosts(described.found)
        self._add("hosts", level, code, *edits, **mapping)

    def _with_hosts(self, described: Described) -> tuple[Edit, ...]:
        if is_tenant(self._distribution):
            names = [*described.aliases, *self._hosts]
            domains = [{"Domain": name} for name in names]
            return (Edit(Kind.TENANT, ("Domains",), domains),)
        return tuple(
            Edit(Kind.DISTRIBUTION, ("Aliases", name), name) for name in self._hosts
        )

    def _check_cache_tags(self, holder: Reply) -> None:
        wanted = self._use.tag_header
        if holder.found is None and wanted:
            self._not_readable("cache_tags", holder)
            return
        found = holder.found.tag_header if holder.found else ""
        level, code = judge_cache_tags(found, wanted, self._use.finds_tags)
        edits: tuple[Edit, ...] = ()
        if level is not Level.OK:
            path = ("CacheTagConfig", "HeaderName")
            edits = (Edit(Kind.DISTRIBUTION, path, wanted),)
        self._add("cache_tags", level, code, *edits, header=found, wanted=wanted)

    def _check_behaviors(self, holder: Reply) -> None:
        if holder.found is None:
            for name in ("errors", *BEHAVIOR_CHECKS):
                self._not_readable(name, holder)
            return
        self._check_errors(holder.found.error_ttls)
        behaviors = resolve(self._probe, holder.found.behaviors)
        for name in BEHAVIOR_CHECKS:
            verdict = judge_behaviors(name, behaviors, self._use)
            if isinstance(verdict, Reply):
                self._not_readable(name, verdict)
            else:
                level, code = verdict.level, verdict.code
                self._add(name, level, code, *verdict.edits, **verdict.mapping)

    def _check_errors(self, ttls: Mapping[int, int]) -> None:
        right = judge_errors(ttls)
        if not right:
            self._add("errors", Level.OK, "errors")
            return
        edits = (
            Edit(
                Kind.DISTRIBUTION,
                ("CustomErrorResponses", str(status), "ErrorCachingMinTTL"),
                seconds,
            )
            for status, seconds in right.items()
        )
        self._add(
            "errors",
            Level.WARNING,
            "errors_long",
            *edits,
            errors="; ".join(f"{status}: {ttls[status]} s" for status in right),
            wanted="; ".join(f"{status}: {ttl} s" for status, ttl in right.items()),
        )

    # What is allowed

    def _check_permissions(self) -> bool:
        """Return whether AWS could be reached."""
        return self._check_permission(
            "permission_create", self._probe.try_create
        ) and self._check_permission("permission_look_up", self._probe.try_look_up)

    def _check_permission(self, name: str, ask: Callable[[str], Reply]) -> bool:
        """Return whether AWS could be reached."""
        reply = ask(self._distribution)
        self._judge_permission(name, reply)
        return reply.error != UNREACHABLE

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

    def _note(self, reply: Reply) -> None:
        """Note the time of an answer."""
        if self.given_up:
            raise GivenUp
        if reply.date is not None and self._skew is None:
            self._skew = self._clock() - reply.date
        self._answered = self._answered or reply.status > 0

    def _check_clock(self) -> None:
        if self._skew is not None:
            level, code = judge_clock(self._skew)
            self._add("clock", level, code, seconds=f"{abs(self._skew):.0f}")
        elif self._answered:
            self._add("clock", Level.UNKNOWN, "clock_untold")

    # Findings

    def _add(
        self, name: str, level: Level, code: str, *edits: Edit, **mapping: str
    ) -> None:
        of_tenant = any(edit.kind is Kind.TENANT for edit in edits)
        changed = self._distribution if of_tenant else self._holder
        distribution = changed if edits else ""
        self.findings.append(Finding(name, level, code, mapping, edits, distribution))

    def _report(
        self, name: str, level: Level, code: str, *edits: Edit, **mapping: str
    ) -> None:
        self._add(name, level, code, *edits, distribution=self._distribution, **mapping)

    def _fail(self, name: str, reply: Reply) -> None:
        action = self._action(name) if name in _ACTIONS else ""
        cause = cause_of(reply)
        level = level_of(name, cause, reply)
        self._report(name, level, cause, reason=reply.reason, action=action)

    def _not_readable(self, name: str, reply: Reply) -> None:
        if cause_of(reply) == "denied":
            # The IAM actions are called like the operations
            action = f"cloudfront:{reply.operation}"
            self._add(
                name, Level.UNKNOWN, "not_readable", reason=reply.reason, action=action
            )
        else:
            self._add(name, Level.UNKNOWN, "not_told", reason=reply.reason)

    def _has(self, name: str) -> bool:
        return any(finding.name == name for finding in self.findings)
