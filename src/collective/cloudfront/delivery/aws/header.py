"""Look which header a distribution reads cache tags from (CacheTagConfig)."""

from collections.abc import Sequence
from collective.cloudfront.delivery.aws.described import Reply
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.aws.probe import Probe
from collective.cloudfront.planning.reading import Seen


def look(distribution: str, credentials: Sequence[Credentials]) -> Seen | str:
    """Return what the configuration of a distribution, or of a tenant's, says; or AWS's
    error code. ``credentials`` are tried in their order. Nothing is raised, or changed.

    cloudfront:GetDistribution or cloudfront:GetDistributionConfig is needed, and
    cloudfront:GetDistributionTenant for a tenant.
    """
    code = ""
    for each in credentials:
        reply = _ask(distribution, Probe(each))
        if reply.found is not None:
            described = reply.found
            deployed = described.status == "Deployed" if described.status else None
            return Seen(described.tag_header, deployed)
        code = code or reply.error
    return code


def _ask(distribution: str, probe: Probe) -> Reply:
    signed = probe.sign()
    return signed if signed.error else probe.describe(distribution).holder
