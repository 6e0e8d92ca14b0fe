"""How a request to the local CloudFront can fail."""

#: HTTP status of the error codes that do not come with 400 (CloudFront API
#: reference; "Common error types" for those every AWS service has).
STATUS_OF = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InvalidClientTokenId": 403,
    "MissingAuthenticationToken": 403,
    "SignatureDoesNotMatch": 403,
    "EntityNotFound": 404,
    "NoSuchCachePolicy": 404,
    "NoSuchDistribution": 404,
    "NoSuchInvalidation": 404,
    "CachePolicyAlreadyExists": 409,
    "NoSuchOrigin": 404,
    "NoSuchOriginRequestPolicy": 404,
    "NoSuchResponseHeadersPolicy": 404,
    "OriginRequestPolicyAlreadyExists": 409,
    "ResponseHeadersPolicyAlreadyExists": 409,
    "UnknownOperation": 404,
    "PreconditionFailed": 412,
    "BatchTooLarge": 413,
    "RequestEntityTooLarge": 413,
    "InternalError": 500,
    "ServiceUnavailable": 503,
}


class ApiError(Exception):
    """An answer with an error code, as CloudFront gives it.

    ``detail`` says more than CloudFront would. It is only in the log, so no client can
    rely on it.
    """

    def __init__(self, code: str, status: int, message: str, detail: str = "") -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.status = status
        self.message = message
        self.detail = detail

    @classmethod
    def of(cls, code: str, message: str, detail: str = "") -> "ApiError":
        """Make the error with the HTTP status that belongs to its code."""
        return cls(code, STATUS_OF.get(code, 400), message, detail)


class ConnectionLost(Exception):
    """The client gets no answer. ``took_effect``: the call had an effect all the same."""

    def __init__(self, took_effect: bool) -> None:
        super().__init__("The connection was dropped on request.")
        self.took_effect = took_effect


class UnreadableAnswer(Exception):
    """The client gets a body that is not XML, as from a broken proxy."""

    def __init__(self, status: int) -> None:
        super().__init__(f"An answer {status} without XML was given on request.")
        self.status = status
