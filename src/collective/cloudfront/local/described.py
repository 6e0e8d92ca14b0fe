"""What the API says of a distribution that comes from a template."""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.local.distribution import CacheBehavior
from collective.cloudfront.local.distribution import DistributionConfig
from collective.cloudfront.local.distribution import Selection
from collective.cloudfront.local.options import DEMO_DISTRIBUTION
from collective.cloudfront.local.options import Options
from typing import Any

import re


def ids_for(configs: Sequence[DistributionConfig], options: Options) -> dict[str, str]:
    """Return the ids of the distributions of a template, by their names there.

    They are those of the options, in the same order. If nobody has chosen any, the first
    is the demo's, and the others are made of their names in the template.
    """
    names = [each.logical_id for each in configs]
    chosen = options.distributions
    if chosen == (DEMO_DISTRIBUTION,):
        chosen = (*chosen, *(_made_id(each) for each in configs[1:]))
    if len(chosen) != len(configs):
        raise ValueError(
            f"Give as many ids as the template has distributions: {', '.join(names)}."
        )
    return dict(zip(names, chosen, strict=True))


def check_options(options: Options) -> None:
    """Raise ValueError if there is an option that a template would make void."""
    for name in ("cache_everything", "forward_cookies"):
        if getattr(options, name):
            raise ValueError(f"A template says what is cached: leave out {name}.")


def _made_id(config: DistributionConfig) -> str:
    letters = re.sub(r"[^A-Za-z0-9]", "", config.logical_id)
    return f"dt_{letters}" if config.is_tenant else f"E{letters.upper()}"


def described(config: DistributionConfig, ids: Iterable[str]) -> dict[str, Any]:
    """Return the options by which the API describes this distribution."""
    default, *others = (_behavior(each) for each in (config.default, *config.behaviors))
    return {
        "distributions": tuple(ids),
        "aliases": config.aliases,
        "enabled": config.enabled,
        "cache_tag_header": config.cache_tag_header,
        "cache_policy": default.pop("cache_policy"),
        "query_strings": default.pop("query_strings"),
        "default_behavior": default,
        "behaviors": others,
    }


def _behavior(behavior: CacheBehavior) -> dict[str, Any]:
    cache, request = behavior.cache, behavior.request
    cache_id, request_id, response_id = behavior.policy_ids
    return {
        "path_pattern": behavior.path_pattern,
        "origin_domain": behavior.origin.domain,
        "origin_path": behavior.origin.path,
        "methods": sorted(behavior.allowed_methods),
        "cached_methods": sorted(behavior.cached_methods),
        "viewer_protocol": behavior.protocol.value,
        "compresses": behavior.compress,
        "cache_policy": cache_id,
        **_selected("query_string", cache.query_strings),
        **_selected("cookie", cache.cookies),
        **_selected("header", cache.headers),
        "min_ttl": int(cache.min_ttl),
        "default_ttl": int(cache.default_ttl),
        "max_ttl": int(cache.max_ttl),
        "request_policy": request_id,
        **_selected("request_cookie", request.cookies),
        **_selected("request_header", request.headers),
        "response_policy": response_id,
        "removed_headers": sorted(behavior.response.removed),
    }


def _selected(name: str, selection: Selection) -> dict[str, Any]:
    names = tuple(sorted(selection.names))
    return {f"{name}s": selection.choice.value, f"{name}_names": names}
