"""A blueprint in the local CloudFront, by boto3: policies, distribution, tenant."""

from collective.cloudfront.blueprint import Blueprint
from collective.cloudfront.blueprint.values import Behavior
from collective.cloudfront.blueprint.values import CachePolicy
from collective.cloudfront.blueprint.values import Distribution
from collective.cloudfront.blueprint.values import OriginRequestPolicy
from collective.cloudfront.blueprint.values import ResponseHeadersPolicy
from collective.cloudfront.delivery.aws.behaviors import Chosen
from typing import Any


def listed(values: Any) -> dict[str, Any]:
    items = list(values)
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def chosen(kind: str, value: Chosen) -> dict[str, Any]:
    config: dict[str, Any] = {f"{kind}Behavior": value.behavior}
    if value.names:
        config[f"{kind}s"] = listed(value.names)
    return config


def cache_policy_config(policy: CachePolicy, name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "MinTTL": policy.min_ttl,
        "DefaultTTL": policy.default_ttl,
        "MaxTTL": policy.max_ttl,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": policy.gzip,
            "EnableAcceptEncodingBrotli": policy.brotli,
            "HeadersConfig": chosen("Header", policy.headers),
            "CookiesConfig": chosen("Cookie", policy.cookies),
            "QueryStringsConfig": chosen("QueryString", policy.query_strings),
        },
    }


def request_policy_config(policy: OriginRequestPolicy, name: str) -> dict[str, Any]:
    headers = chosen("Header", policy.headers)
    if policy.headers.behavior == "all":
        headers["HeaderBehavior"] = "allViewer"
    return {
        "Name": name,
        "HeadersConfig": headers,
        "CookiesConfig": chosen("Cookie", policy.cookies),
        "QueryStringsConfig": chosen("QueryString", policy.query_strings),
    }


def response_policy_config(policy: ResponseHeadersPolicy, name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "RemoveHeadersConfig": listed({"Header": each} for each in policy.removed),
    }


class Built:
    """A distribution of a blueprint, made by boto3 in place of ``id``."""

    def __init__(self, client: Any, id: str, blueprint: Blueprint, name: str) -> None:
        self.client = client
        self.id = id
        self._name = name
        self._ids: dict[Any, str] = {}
        self.store(self.config(blueprint.distribution))

    @property
    def current(self) -> dict[str, Any]:
        """The configuration of the distribution."""
        return self.client.get_distribution_config(Id=self.id)["DistributionConfig"]

    def store(self, config: dict[str, Any]) -> None:
        """Store a configuration of the distribution."""
        etag = self.client.get_distribution_config(Id=self.id)["ETag"]
        self.client.update_distribution(
            Id=self.id, IfMatch=etag, DistributionConfig=config
        )

    def change_cache_policy(self, name: str, **changes: Any) -> None:
        """Change members of the cache policy ``pages``, ``api`` … of the blueprint."""
        (id,) = [id for policy, id in self._ids.items() if policy == ("cache", name)]
        answer = self.client.get_cache_policy(Id=id)
        config = answer["CachePolicy"]["CachePolicyConfig"]
        key = config["ParametersInCacheKeyAndForwardedToOrigin"]
        for member, value in changes.items():
            (key if member in key else config)[member] = value
        self.client.update_cache_policy(
            Id=id, IfMatch=answer["ETag"], CachePolicyConfig=config
        )

    def config(self, distribution: Distribution) -> dict[str, Any]:
        behaviors = [
            self._behavior(each) | {"PathPattern": each.path_pattern}
            for each in distribution.behaviors
        ]
        tags = distribution.cache_tag_header
        return {
            "CallerReference": "local",
            "Comment": distribution.comment,
            "Enabled": True,
            "Staging": distribution.is_staging,
            "Aliases": listed(distribution.aliases),
            "Origins": listed(
                {
                    "Id": each.id,
                    "DomainName": each.domain_name,
                    "OriginPath": each.origin_path,
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": each.protocol_policy.value,
                    },
                }
                for each in distribution.origins
            ),
            "DefaultCacheBehavior": self._behavior(distribution.default_behavior),
            "CacheBehaviors": listed(behaviors),
            "CustomErrorResponses": listed(
                {
                    "ErrorCode": each.error_code,
                    "ErrorCachingMinTTL": each.error_caching_min_ttl,
                }
                for each in distribution.custom_error_responses
            ),
            **({"CacheTagConfig": {"HeaderName": tags}} if tags else {}),
        }

    def _behavior(self, behavior: Behavior) -> dict[str, Any]:
        config = {
            "TargetOriginId": behavior.origin,
            "ViewerProtocolPolicy": behavior.viewer_protocol_policy,
            "AllowedMethods": listed(behavior.allowed_methods)
            | {"CachedMethods": listed(behavior.cached_methods)},
            "Compress": behavior.compress,
            "CachePolicyId": self._cache_policy(behavior.cache_policy),
            "ResponseHeadersPolicyId": self._response_policy(
                behavior.response_headers_policy
            ),
        }
        if behavior.origin_request_policy is not None:
            policy = self._request_policy(behavior.origin_request_policy)
            config["OriginRequestPolicyId"] = policy
        return config

    def _cache_policy(self, policy: CachePolicy) -> str:
        if policy.id:
            return policy.id
        return self._once("cache", policy.name, cache_policy_config, policy)

    def _request_policy(self, policy: OriginRequestPolicy) -> str:
        if policy.id:
            return policy.id
        return self._once("request", policy.name, request_policy_config, policy)

    def _response_policy(self, policy: ResponseHeadersPolicy) -> str:
        return self._once("response", policy.name, response_policy_config, policy)

    def _once(self, kind: str, name: str, make: Any, policy: Any) -> str:
        if (kind, name) not in self._ids:
            config = make(policy, f"{self._name}-{kind}-{name}")
            create, member = {
                "cache": (self.client.create_cache_policy, "CachePolicy"),
                "request": (
                    self.client.create_origin_request_policy,
                    "OriginRequestPolicy",
                ),
                "response": (
                    self.client.create_response_headers_policy,
                    "ResponseHeadersPolicy",
                ),
            }[kind]
            answer = create(**{f"{member}Config": config})
            self._ids[kind, name] = answer[member]["Id"]
        return self._ids[kind, name]
