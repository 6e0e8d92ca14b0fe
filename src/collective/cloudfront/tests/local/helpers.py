"""What the tests of the local CloudFront share."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any

import botocore.exceptions
import pytest


DISTRIBUTION = "EDEMO1234567"
TENANT = "dt_demo"
TAG_HEADER = "Cache-Tag"


class Clock:
    """Seconds since the epoch that pass on request."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Page:
    """What the origin answers, and what it was asked."""

    body: str = "text"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: Called after the body was read and before it is sent.
    before_answer: Callable[[], None] = lambda: None


class Origin:
    """An HTTP server with pages that a test can change."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[BaseHTTPRequestHandler] = []
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers["Content-Length"] or 0)
                self.received = self.rfile.read(length)
                origin.asked.append(self)
                page = origin.pages.get(self.path, Page("nothing", 404))
                status, body = page.status, page.body.encode()
                page.before_answer()
                etag = page.headers.get("ETag")
                if etag and self.headers["If-None-Match"] == etag:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = answer

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def cached(self, path: str, body: str = "text", **headers: str) -> Page:
        """Publish a page that is fresh for a minute."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Cache-Control", "max-age=60")
        self.pages[path] = Page(body, headers=named)
        return self.pages[path]


def batch(*items: str, reference: str = "r1", quantity: int | None = None) -> Any:
    """Make an InvalidationBatch as boto3 takes it."""
    count = len(items) if quantity is None else quantity
    paths = {"Quantity": count, "Items": list(items)}
    return {"Paths": paths, "CallerReference": reference}


@contextmanager
def refused(code: str, status: int) -> Iterator[Any]:
    """Expect boto3 to raise an error with this code and HTTP status."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
