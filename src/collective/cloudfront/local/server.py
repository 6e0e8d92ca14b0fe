"""The two HTTP servers, on loopback only, in threads of this process."""

from collections.abc import Callable
from collective.cloudfront.local.admin import Admin
from collective.cloudfront.local.admin import PREFIX
from collective.cloudfront.local.api import Api
from collective.cloudfront.local.api import MAX_BODY
from collective.cloudfront.local.control import ControlPlane
from collective.cloudfront.local.described import check_options
from collective.cloudfront.local.described import described
from collective.cloudfront.local.described import ids_for
from collective.cloudfront.local.edge import Edge
from collective.cloudfront.local.errors import ConnectionLost
from collective.cloudfront.local.followed import Followed
from collective.cloudfront.local.messages import plain_text
from collective.cloudfront.local.messages import Request
from collective.cloudfront.local.messages import Response
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.template import Template
from collective.cloudfront.local.template.stored import Documents
from collective.cloudfront.local.template.stored import documents
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer
from socketserver import TCPServer
from socketserver import ThreadingMixIn
from typing import Any

import os
import re
import socket
import sys
import threading
import time


#: Never another address: there is no authentication worth the name.
LOOPBACK = "127.0.0.1"

#: Uploads through the edge.
_MAX_UPLOAD = 256 * 2**20


class PortBusy(Exception):
    """A port cannot be listened on; the message is a sentence."""


class LocalCloudFront:
    """A CloudFront of your own: an API for boto3 and an edge before the origin.

    >>> with LocalCloudFront(origin="http://127.0.0.1:8080") as cloudfront:
    ...     cloudfront.api_url, cloudfront.edge_url

    With a ``template``, the edge does what it says, the API tells the same, and what clients
    change there, the edge does from then on. Port 0 takes a free one. After :meth:`stop` it can be started again, on the same
    ports and with its memory, like a CloudFront that was out of reach for a while.
    """

    def __init__(
        self,
        origin: str = "",
        options: Options | None = None,
        api_port: int = 0,
        edge_port: int = 0,
        clock: Callable[[], float] = time.time,
        template: Template | None = None,
    ) -> None:
        options = options or Options()
        stored: Documents = {}
        ids: dict[str, str] = {}
        if template is not None:
            check_options(options)
            ids = ids_for(template.configs, options)
            stored = documents(template.resources, ids)
            options = options.changed(described(template.configs[0], ids.values()))
        self.control = ControlPlane(options, clock, stored=stored)
        self.edge = Edge(self.control, origin)
        if template is not None:
            self.edge.configs = Followed(self.control, template, ids)
            self.edge.ids = ids
        self._api = Api(self.control)
        self._admin = Admin(self.control, self.edge)
        self._ports = [api_port, edge_port]
        self._servers: list[_Server] = []

    @property
    def api_url(self) -> str:
        """What boto3 takes as ``endpoint_url``."""
        return f"http://{LOOPBACK}:{self._ports[0]}"

    @property
    def edge_url(self) -> str:
        """Where viewers go."""
        return f"http://{LOOPBACK}:{self._ports[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead a process' boto3 here."""
        return {
            "AWS_ENDPOINT_URL_CLOUDFRONT": self.api_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }

    def start(self) -> None:
        """Listen; raise PortBusy if a port is taken."""
        answers = [(self._answer_api, MAX_BODY), (self.edge.answer, _MAX_UPLOAD)]
        try:
            for index, (answer, max_body) in enumerate(answers):
                server = _Server(self._ports[index], answer, max_body)
                self._servers.append(server)
                self._ports[index] = server.server_address[1]
        except PortBusy:
            self._close()
            raise
        for server in self._servers:
            server.run_in_thread()

    def stop(self) -> None:
        """Stop listening and drop all connections."""
        for server in self._servers:
            server.shutdown()
        self._close()

    def _close(self) -> None:
        for server in self._servers:
            server.server_close()
        self._servers.clear()

    def __enter__(self) -> "LocalCloudFront":
        self.start()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.stop()

    def _answer_api(self, request: Request) -> Response:
        if request.url.startswith(PREFIX):
            return self._admin.answer(request)
        return self._api.answer(request)


class _Server(ThreadingMixIn, HTTPServer):
    """A server that gives requests to a function and can drop its connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # On Windows it would mean to share the port with whoever has it already.
    allow_reuse_address = os.name == "posix"

    def __init__(
        self, port: int, answer: Callable[[Request], Response], max_body: int
    ) -> None:
        self.answer = answer
        self.max_body = max_body
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError) as error:
            raise PortBusy(
                f"Port {port} on {LOOPBACK} cannot be listened on: {error}. "
                "Choose another one, or 0 for any that is free."
            ) from None

    def server_bind(self) -> None:
        # HTTPServer would look its own name up, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def run_in_thread(self) -> None:
        arguments = {"poll_interval": 0.05}
        threading.Thread(
            target=self.serve_forever, kwargs=arguments, daemon=True
        ).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        # Otherwise a kept-alive connection would be served by a stopped server.
        with self._connections_lock:
            for connection in self._connections:
                _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # the client went away
            super().handle_error(request, client_address)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, lets the server's function answer it, writes the answer."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 120
    # Head and body in one packet: Nagle's algorithm would cost 40 ms per answer.
    wbufsize = 2**16
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        request = self._read()
        if isinstance(request, Response):
            self.close_connection = True  # its body was not read
            self._write(request)
            return
        try:
            response = self.server.answer(request)
        except ConnectionLost:
            self.close_connection = True
            _hang_up(self.connection)
            return
        self._write(response)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = _serve

    def _read(self) -> Request | Response:
        if self.headers["Transfer-Encoding"]:
            return plain_text(411, "Length Required", "Send a Content-Length.")
        length = self.headers["Content-Length"] or "0"
        if not re.fullmatch(r"[0-9]{1,18}", length):
            return plain_text(400, "Bad Request", "The Content-Length is no number.")
        if int(length) > self.server.max_body:
            sentence = f"The body has more than {self.server.max_body} bytes."
            return plain_text(413, "Request Entity Too Large", sentence)
        return Request(
            method=self.command,
            url=self._raw_url(),
            headers=tuple(self.headers.items()),
            body=self.rfile.read(int(length)),
            viewer=self.client_address[0],
        )

    def _raw_url(self) -> str:
        # self.path has lost what http.server takes for an attack: leading slashes.
        url = self.requestline.split()[1]
        if url.startswith(("http://", "https://")):
            url = "/" + url.split("://", 1)[1].partition("/")[2]
        return url

    def _write(self, response: Response) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the log is at ``/_local/log``."""
