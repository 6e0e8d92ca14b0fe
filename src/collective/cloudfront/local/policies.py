"""Which policies there are: the managed ones, and those of the behaviors."""

from collections.abc import Mapping
from collective.cloudfront.local.behaviors import Behavior
from collective.cloudfront.local.behaviors import MANAGED_CACHE
from collective.cloudfront.local.behaviors import MANAGED_REQUEST
from collective.cloudfront.local.behaviors import MANAGED_RESPONSE
from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.records import Call
from collective.cloudfront.local.records import Operation
from collective.cloudfront.local.records import Policy


#: By operation: the field of a behavior that names such a policy, those that are
#: managed, and the code where there is none.
KINDS: dict[Operation, tuple[str, Mapping[str, tuple[str, Behavior]], str]] = {
    Operation.GET_CACHE_POLICY: ("cache_policy", MANAGED_CACHE, "NoSuchCachePolicy"),
    Operation.GET_REQUEST_POLICY: (
        "request_policy",
        MANAGED_REQUEST,
        "NoSuchOriginRequestPolicy",
    ),
    Operation.GET_RESPONSE_POLICY: (
        "response_policy",
        MANAGED_RESPONSE,
        "NoSuchResponseHeadersPolicy",
    ),
}


def find_policy(call: Call, options: Options, created: float) -> Policy:
    """Return the policy that a call asks for, or raise ApiError.

    Of several behaviors that name a policy of your own, the first says what it does.
    """
    kind, managed, missing = KINDS[call.operation]
    if call.policy in managed:
        name, behavior = managed[call.policy]
        return Policy(call.policy, name, behavior, created)
    for behavior in options.all_behaviors:
        if call.policy and getattr(behavior, kind) == call.policy:
            return Policy(call.policy, "local", behavior, created)
    raise ApiError.of(missing, "The policy does not exist.")
