"""Conditional requests and ranges, answered from a complete response. Pure functions.

Source: RFC 9110, 13 and 14. CloudFront answers several ranges at once as well; here, they
get the complete response, which the RFC allows.
"""

from collective.cloudfront.local.messages import header_value
from collective.cloudfront.local.messages import Headers
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.messages import without
from dataclasses import replace
from email.utils import parsedate_to_datetime

import re


_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def conditions(headers: Headers) -> Headers:
    """Return the headers that ask the origin if a response with these is still valid."""
    pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
    values = [(ask, header_value(headers, tell)) for tell, ask in pairs]
    return tuple((name, value) for name, value in values if value)


def for_condition(response: Response, request: Request) -> Response:
    """Answer 304 if the viewer has this response already."""
    if response.status != 200:
        return response
    wanted = header_value(request.headers, "If-None-Match")
    if wanted:
        known = _has_etag(response, wanted)
    else:
        known = _is_unmodified(response, request)
    return Response(304, "Not Modified", response.headers, b"") if known else response


def _has_etag(response: Response, wanted: str) -> bool:
    etag = header_value(response.headers, "ETag")
    known = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    return bool(etag) and ("*" in known or etag.removeprefix("W/") in known)


def _is_unmodified(response: Response, request: Request) -> bool:
    since = header_value(request.headers, "If-Modified-Since")
    modified = header_value(response.headers, "Last-Modified")
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False


def for_range(response: Response, request: Request) -> Response:
    """Answer 206 with the part that the viewer asks for, or 416."""
    wanted = _RANGE.fullmatch(header_value(request.headers, "Range").strip())
    if response.status != 200 or request.method != "GET" or not wanted:
        return response
    if not _may_be_continued(response, request):
        return response
    first, last = _bounds(wanted[1], wanted[2], len(response.body))
    size = len(response.body)
    rest = without(response, "content-range").headers
    if first > last or first >= size:
        headers = (*rest, ("Content-Range", f"bytes */{size}"))
        return Response(416, "Requested Range Not Satisfiable", headers, b"")
    headers = (*rest, ("Content-Range", f"bytes {first}-{last}/{size}"))
    part = response.body[first : last + 1]
    return replace(
        response, status=206, reason="Partial Content", headers=headers, body=part
    )


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first and not last:
        return 1, 0
    if not first:  # the last bytes
        return max(0, size - int(last)), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1


def _may_be_continued(response: Response, request: Request) -> bool:
    """Say whether the viewer has a part of this response, and not of an older one."""
    mark = header_value(request.headers, "If-Range").strip()
    if not mark:
        return True
    names = ("ETag", "Last-Modified")
    known = [header_value(response.headers, name) for name in names]
    return mark in known and not mark.startswith("W/")
