"""A small CDN with a site behind it, in one server; a test chooses what is wrong.

The cache key is what CloudFront's would be with the chosen settings. It is no judge of
CloudFront: it shows the doctor what a visitor sees there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import threading


PAGE = "<html><head>{links}</head><body>" + "text " * 400 + "</body></html>"


@dataclass
class Site:
    """What visitors get, and what is in the cache key. ``cookies`` None: all."""

    cookies: tuple[str, ...] | None = ("__ac",)
    authorization: bool = True
    query_strings: bool = True
    is_cloudfront: bool = True
    keeps: bool = True
    compresses: bool = True
    status: int = 200
    missing: int = 404
    private: int = 302
    keeps_private: bool = False
    links: str = '<link rel="canonical" href="http://127.0.0.1/" />'
    headers: dict[str, str] = field(
        default_factory=lambda: {"Cache-Control": "max-age=0, s-maxage=86400"}
    )
    of_missing: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stored: set[tuple[object, ...]] = field(default_factory=set)

    def key(self, request: BaseHTTPRequestHandler) -> tuple[object, ...]:
        cookies = SimpleCookie(request.headers["Cookie"] or "")
        found = {name: each.value for name, each in cookies.items()}
        kept = {
            name: value
            for name, value in found.items()
            if self.cookies is None or name in self.cookies
        }
        path = request.path if self.query_strings else urlsplit(request.path).path
        token = request.headers["Authorization"] if self.authorization else None
        return path, token, tuple(sorted(kept.items()))


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve a site on a free port, and return its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            missing = "cloudfront-doctor-" in self.path
            private = "controlpanel" in self.path
            kept = site.keeps_private if private else site.keeps and not missing
            key = site.key(self)
            hit = kept and key in site.stored
            site.stored.add(key)
            body = PAGE.format(links=site.links).encode()
            status = site.private if private else site.status
            self.send_response(site.missing if missing else status)
            for name, value in (site.of_missing if missing else site.headers).items():
                self.send_header(name, value)
            if site.is_cloudfront:
                state = "Hit" if hit else "Miss"
                self.send_header("X-Cache", f"{state} from cloudfront")
            if hit:
                self.send_header("Age", "7")
            if site.compresses and self.headers["Accept-Encoding"]:
                self.send_header("Content-Encoding", "br")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
