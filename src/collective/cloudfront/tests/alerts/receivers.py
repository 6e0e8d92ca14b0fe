"""A mail server, and a server with a webhook, for real: on free ports of this machine."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from email import message_from_bytes
from email import policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

import json
import ssl
import threading


class MailServer(ThreadingTCPServer):
    """Takes e-mails, or refuses them with ``refusal``, or says nothing for long."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.port = self.server_address[1]
        self.messages: list[EmailMessage] = []
        self.receivers: list[list[str]] = []
        self.refusal = ""
        #: Set when it may answer
        self.answers = threading.Event()
        self.answers.set()


class _Smtp(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.answers.wait()
        self._say("220 here")
        receivers: list[str] = []
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "MAIL" and self.server.refusal:
                self._say(self.server.refusal)
            elif word == "RCPT":
                receivers.append(line.partition("<")[2].rstrip(">"))
                self._say("250 ok")
            elif word == "DATA":
                self._say("354 go on")
                self._take(receivers)
                self._say("250 ok")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, receivers: list[str]) -> None:
        lines = []
        while (line := self.rfile.readline()).rstrip(b"\r\n") != b".":
            lines.append(line[1:] if line.startswith(b"..") else line)
        found = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.messages.append(found)
        self.server.receivers.append(receivers)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(ThreadingHTTPServer):
    """Takes what is posted, over TLS, and answers with ``status``."""

    daemon_threads = True

    def __init__(self, certificate: Path):
        super().__init__(("127.0.0.1", 0), _Post)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_address[1]}/s3cret"
        self.posted: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self.location = ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: some clients are not to like the certificate."""


class _Post(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.paths.append(self.path)
        self.server.posted.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    """Run a server meanwhile."""
    run: Callable[[float], None] = server.serve_forever
    threading.Thread(target=run, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def make_certificate(folder: Path, host: str = "") -> Path:
    """Return a file with a key, and a certificate for this machine, or for a host."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName(host)
                    if host
                    else x509.IPAddress(ip_address("127.0.0.1"))
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
