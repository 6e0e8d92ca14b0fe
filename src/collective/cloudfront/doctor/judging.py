"""What to think of what AWS answered: pure functions, for the connection test."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.blueprint.right import ERRORS
from collective.cloudfront.delivery.aws.causes import cause_of
from collective.cloudfront.delivery.aws.described import ERROR_TTL
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.doctor.findings import Level


#: Seconds. AWS refuses signatures that are 5 minutes off (IAM user guide, "Signature
#: Version 4 request signing": "timestamp … within five minutes").
SKEW_WARNING = 60
SKEW_ERROR = 300

#: Why a check of the credentials themselves failed, where it is not in ``CAUSES``.
_NO_SIGNER = {
    "NoCredentialsError": "credentials_none",
    "PartialCredentialsError": "credentials_partial",
    "ProfileNotFound": "credentials_profile",
}

#: The worst that can be found where purging does not depend on it. Otherwise ERROR.
_WORST = {
    "permission_look_up": Level.WARNING,
    "permission_describe": Level.WARNING,
}
_ORDER = tuple(Level)


def judge_hosts(
    names: Collection[str], hosts: Collection[str]
) -> tuple[Level, str, dict[str, str]]:
    """Say which of a site's ``hosts`` a distribution with these ``names`` answers to.

    A name ``*.example.com`` stands for one label before the dot. Ports and case do
    not matter.
    """
    if not names:
        # GetDistributionConfig says nothing of the name that AWS gives each one.
        return Level.UNKNOWN, "hosts_untold", {}
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


def judge_cache_tags(
    found: str, wanted: str, finds_tags: bool = False
) -> tuple[Level, str]:
    """Compare the header of the distribution with ours; empty: there is none.

    ``finds_tags``: where the distribution reads no tags, changes are purged by path.
    """
    if not wanted:
        return Level.OK, "cache_tags_unused" if found else "cache_tags_off"
    if not found:
        if finds_tags:
            return Level.INFO, "cache_tags_by_path"
        return Level.WARNING, "cache_tags_missing"
    if found.lower() != wanted.lower():
        return Level.WARNING, "cache_tags_other"
    return Level.OK, "cache_tags"


def judge_errors(ttls: Mapping[int, int]) -> dict[int, int]:
    """Return for how many seconds errors are right that a distribution keeps too long."""
    right = {each.error_code: each.error_caching_min_ttl for each in ERRORS}
    return {
        status: right.get(status, ERROR_TTL)
        for status, seconds in sorted(ttls.items())
        if seconds > max(ERROR_TTL, right.get(status, 0))
    }


def judge_clock(skew: float) -> tuple[Level, str]:
    """Say what so many seconds between our clock and AWS's mean."""
    if abs(skew) > SKEW_ERROR:
        return Level.ERROR, "clock_wrong"
    if abs(skew) > SKEW_WARNING:
        return Level.WARNING, "clock_off"
    return Level.OK, "clock"


def level_of(name: str, cause: str, reply: Reply) -> Level:
    """Return how bad it is that the check ``name`` got no answer."""
    if cause in ("throttled", "aws_failed"):
        return Level.UNKNOWN
    # What AWS did not understand says nothing about what is allowed.
    if cause == "refused" and reply.status not in (401, 403):
        return Level.UNKNOWN
    return min(Level.ERROR, _WORST.get(name, Level.ERROR), key=_ORDER.index)


def why_unsigned(reply: Reply) -> tuple[str, Level]:
    """Return our code for why there are no credentials, and how bad that is."""
    cause = _NO_SIGNER.get(reply.error) or cause_of(reply)
    if cause in ("denied", "missing") and reply.operation.startswith("AssumeRole"):
        cause = "role_denied"
    elif cause in ("denied", "missing", "refused", "unexpected"):
        cause = "credentials_failed"
    passing = cause in ("throttled", "aws_failed")
    return cause, Level.UNKNOWN if passing else Level.ERROR
