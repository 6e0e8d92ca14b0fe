"""Slack's side for answers: ``https://hooks.slack.com``, on this machine.

Nothing in the add-on leads elsewhere than to Slack. So this is a proxy, as many networks have
one, which answers for Slack itself, with a certificate that the tests trust.
"""

from collective.cloudfront.tests.alerts.receivers import make_certificate
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

import json
import ssl
import threading


HOST = "hooks.slack.com"


class SlackReceiver(ThreadingHTTPServer):
    """Takes messages for Slack, and answers with ``status``."""

    daemon_threads = True

    def __init__(self, folder):
        self.certificate = make_certificate(folder, HOST)
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.posted = []
        self.hosts = []
        self.status = 200
        self.arrived = threading.Event()

    @property
    def environment(self):
        """The environment of a process whose messages come here."""
        return {
            "https_proxy": f"http://127.0.0.1:{self.server_address[1]}",
            "SSL_CERT_FILE": str(self.certificate),
            "no_proxy": "127.0.0.1,localhost",
        }

    @property
    def messages(self):
        """What was posted, without where."""
        return [message for _, message in self.posted]

    def wait(self):
        """Wait for the next message."""
        self.arrived.wait()
        self.arrived.clear()

    def handle_error(self, request, client_address):
        """Say nothing: some clients are not to like the certificate."""


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        self.server.hosts.append(self.path)
        if self.path != f"{HOST}:443":
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate)
        inner = context.wrap_socket(self.connection, server_side=True)
        _Slack(inner, self.client_address, self.server)
        self.close_connection = True

    def log_message(self, *arguments):
        """Say nothing."""


class _Slack(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.set()

    def log_message(self, *arguments):
        """Say nothing."""
