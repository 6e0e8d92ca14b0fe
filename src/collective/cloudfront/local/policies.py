"""Which policies there are: the managed ones, and those of the behaviors."""

from collections.abc import Mapping
from collective.cloudfront.local.behaviors import Behavior
from collective.cloudfront.local.behaviors import MANAGED_CACHE
from collective.cloudfront.local.behaviors import MANAGED_REQUEST
from collective.cloudfront.local.behaviors import MANAGED_RESPONSE
from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.records import Call
from collective.cloudfront.local.records import Policy
from collective.cloudfront.local.stored import Store
from collective.cloudfront.local.validity import CHECK_POLICY

import re
import uuid


#: By kind: the field of a behavior that names such a policy, those that are managed, and
#: the code where there is none.
KINDS: dict[str, tuple[str, Mapping[str, tuple[str, Behavior]], str]] = {
    "cache-policy": ("cache_policy", MANAGED_CACHE, "NoSuchCachePolicy"),
    "origin-request-policy": (
        "request_policy",
        MANAGED_REQUEST,
        "NoSuchOriginRequestPolicy",
    ),
    "response-headers-policy": (
        "response_policy",
        MANAGED_RESPONSE,
        "NoSuchResponseHeadersPolicy",
    ),
}


def find_policy(
    kind: str, wanted: str, options: Options, store: Store, created: float
) -> Policy:
    """Return a policy by its kind and id, or raise ApiError.

    Of several behaviors that name a policy of your own, the first says what it does,
    until a client stores it.
    """
    field, managed, missing = KINDS[kind]
    stored = store.find(kind, wanted)
    if stored is not None:
        name = stored.config.findtext("Name", "")
        return Policy(
            wanted, name, Behavior(), stored.modified, stored.etag, stored.config
        )
    if wanted in managed:
        name, behavior = managed[wanted]
        return Policy(wanted, name, behavior, created)
    for behavior in options.all_behaviors:
        if wanted and getattr(behavior, field) == wanted:
            return Policy(wanted, "local", behavior, created)
    raise ApiError.of(missing, "The policy does not exist.")


def store_policy(call: Call, options: Options, store: Store, now: float) -> Policy:
    """Create or update a policy, or raise ApiError."""
    kind, config = call.operation.policy_kind, call.config
    assert config is not None  # the call could be parsed
    CHECK_POLICY[kind](config)
    names = {
        document.config.findtext("Name"): name
        for name, document in store.of_kind(kind).items()
    }
    if call.operation.value.startswith("Update"):
        known = find_policy(kind, call.policy, options, store, now)
        if call.policy in KINDS[kind][1]:
            raise ApiError.of("IllegalUpdate", "A managed policy cannot be changed.")
        check_version(call, known.etag)
        wanted = call.policy
    else:
        wanted = str(uuid.uuid4())
    if names.get(config.findtext("Name"), wanted) != wanted:
        code = re.sub("^(Create|Update)", "", call.operation.value) + "AlreadyExists"
        raise ApiError.of(code, "A policy with this name already exists.")
    store.put(kind, wanted, config, now)
    return find_policy(kind, wanted, options, store, now)


def check_version(call: Call, current: str) -> None:
    """Check that a client changes the version that there is."""
    if not call.if_match:
        raise ApiError.of("InvalidIfMatchVersion", "The If-Match version is missing.")
    if call.if_match != current:
        raise ApiError.of("PreconditionFailed", "It was changed in the meantime.")
