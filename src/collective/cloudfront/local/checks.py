"""Checks of a call that need nothing but the options. Each raises an ApiError."""

from collective.cloudfront.local.errors import ApiError
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.records import Call
from collective.cloudfront.local.records import TRUSTED
from collective.cloudfront.local.rules import problem_with


def check_access(call: Call, options: Options) -> None:
    """Check the access key, and that it may perform the operation."""
    known = options.accepted_access_keys
    if call.access_key is None:
        raise ApiError.of("MissingAuthenticationToken", "Missing Authentication Token")
    if call.access_key == "":
        raise ApiError.of(
            "IncompleteSignature", "The Authorization header cannot be read."
        )
    if known is not None and call.access_key not in known | {TRUSTED}:
        raise ApiError.of(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    if call.operation.value in options.denied_actions:
        raise ApiError.of(
            "AccessDenied",
            f"User {call.access_key} is not authorized to perform: "
            f"cloudfront:{call.operation.value}",
        )


def check_batch(call: Call, options: Options) -> None:
    """Check quantity, size, caller reference and each item of a batch."""
    count = len(call.items)
    if call.quantity is not None and call.quantity != count:
        raise ApiError.of(
            "InconsistentQuantities",
            "The value of Quantity and the size of Items do not match.",
            f"Quantity is {call.quantity}, there are {count} items",
        )
    if count > options.batch_size:
        raise ApiError.of("BatchTooLarge", "Invalidation batch specified is too large.")
    if not call.caller_reference or not count:
        raise ApiError.of(
            "InvalidArgument",
            "Your request has no caller reference or no invalidation paths.",
        )
    for item in call.items:
        problem = problem_with(item)
        if problem:
            raise ApiError.of(
                "InvalidArgument",
                "Your request contains one or more invalid invalidation paths.",
                f"{item[:200]!r}: {problem}",
            )
