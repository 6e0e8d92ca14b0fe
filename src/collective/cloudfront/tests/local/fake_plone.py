"""An origin that answers as Plone does with plone.app.caching, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any

import re
import threading


_ROOT = re.compile(r"(/VirtualHostBase/.*?/VirtualHostRoot)?(.*)")

PUBLIC = "max-age=0, s-maxage=86400, must-revalidate"
PRIVATE = "max-age=0, must-revalidate, private"
#: Larger than what CloudFront does not compress.
TEXT = "Welcome. " * 200


@dataclass
class Asked:
    """A request that the origin got."""

    method: str
    #: What the VirtualHostMonster reads; empty: none.
    root: str
    #: Below it.
    path: str
    headers: Any
    body: bytes


@dataclass
class Reply:
    """An answer of the origin."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class FakePlone:
    """``/page``, ``/private``, ``/++api++/…``, ``/++plone++…``, ``/login`` and some more.

    A visitor with the cookie ``__ac`` or Volto's ``auth_token``, or with the token ``good``,
    is logged in. ``replies`` go
    before what it would say.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: dict[str, Reply] = {}
        self.version = 1

    def reset(self) -> None:
        """Forget what was asked and what was changed."""
        self.asked.clear()
        self.replies.clear()
        self.version = 1

    def reply(self, asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        if path in self.replies:
            return self.replies[path]
        if path.endswith("/login"):
            return self._login(asked)
        if path.startswith(("/++plone++", "/static/")):
            return Reply(200, "body {}", {"Cache-Control": "max-age=31536000"})
        if path.startswith("/++api++"):
            return self._api(asked)
        if path in ("/private", "/edit") and not self._is_member(asked):
            login = {"Location": "/login?came_from=/private", "Cache-Control": PRIVATE}
            return Reply(302, "", login)
        if path == "/moved":
            return Reply(301, "", {"Location": "/page", "Cache-Control": PUBLIC})
        if path in ("/page", "/private", "/search", "/edit"):
            return self._page(asked, path)
        return Reply(404, "Not found", {"Cache-Control": PUBLIC.replace("86400", "10")})

    def _is_member(self, asked: Asked) -> bool:
        cookie = asked.headers.get("Cookie", "")
        token = asked.headers.get("Authorization", "")
        has_session = "__ac=" in cookie or "auth_token=" in cookie
        return has_session or token == "Bearer good"

    def _page(self, asked: Asked, path: str) -> Reply:
        who = "an editor" if self._is_member(asked) else "anybody"
        rule = PRIVATE if self._is_member(asked) or path != "/page" else PUBLIC
        return Reply(
            200,
            f"{path} {self.version} for {who}. {TEXT}",
            {
                "Cache-Control": rule,
                "Cache-Tag": "page-1,site",
                "Content-Type": "text/html; charset=utf-8",
                "ETag": f'"{self.version}-{who}"',
                "Server": "waitress",
            },
        )

    def _api(self, asked: Asked) -> Reply:
        rule = PRIVATE if self._is_member(asked) else PUBLIC
        if asked.method == "OPTIONS":
            return Reply(200, "", {"Cache-Control": "max-age=60"})
        return Reply(200, '{"title": 1}', {"Cache-Control": rule})

    def _login(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            headers = {"Set-Cookie": "__ac=secret", "Location": "/page"}
            return Reply(302, "", {**headers, "Cache-Control": PRIVATE})
        return Reply(200, "<form>", {"Cache-Control": PRIVATE, "Set-Cookie": "t=1"})

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it; the value is its URL."""
        plone = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 2**16  # or each answer would wait for an ACK

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                root, path = _ROOT.fullmatch(self.path).groups()
                asked = Asked(self.command, root or "", path, self.headers, body)
                plone.asked.append(asked)
                reply = plone.reply(asked)
                etag = reply.headers.get("ETag", "")
                if etag and etag == self.headers["If-None-Match"]:
                    reply = Reply(304, "", reply.headers)
                self.send_response_only(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                sent = reply.body.encode()
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(sent)

            do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = answer

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
