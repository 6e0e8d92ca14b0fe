"""Tells a distribution in which header to look for cache tags: CacheTagConfig.

::

    python set_cache_tag_config.py E2QWRUHAPOMQZL Cache-Tag

It changes nothing else, and nothing at all where that is set. It needs boto3 1.43 or
later and the permissions cloudfront:GetDistributionConfig and
cloudfront:UpdateDistribution. Of distribution tenants, name the distribution.
"""

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

import boto3
import sys


def main(distribution: str, header: str = "Cache-Tag") -> str:
    """Set the header; return what was done, in a sentence."""
    # All of CloudFront is configured in this region
    cloudfront = boto3.client("cloudfront", region_name="us-east-1")
    model = cloudfront.meta.service_model
    if "CacheTagConfig" not in model.shape_for("DistributionConfig").members:
        # It would send back a configuration without what it does not know
        sys.exit(f"boto3 {boto3.__version__} does not know CacheTagConfig: update it.")
    found = cloudfront.get_distribution_config(Id=distribution)
    config, version = found["DistributionConfig"], found["ETag"]
    wanted = {"HeaderName": header}
    if config.get("CacheTagConfig") == wanted:
        return f"{distribution} reads cache tags from {header} already."
    config["CacheTagConfig"] = wanted
    # Refused if somebody else has changed the distribution meanwhile
    cloudfront.update_distribution(
        Id=distribution, IfMatch=version, DistributionConfig=config
    )
    return f"{distribution} reads cache tags from {header} once it is deployed."


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        print(main(*sys.argv[1:]))
    except (BotoCoreError, ClientError) as error:
        sys.exit(str(error))
