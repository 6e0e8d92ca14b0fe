"""Ask the site itself, as visitors do, and Plone directly. Nothing is changed.

::

    public host ──► CloudFront ──► Plone        is it kept, for whom, with which headers?
    origin ──► Plone                            which host does it name, what may be kept?

A page is asked for with a query string that nobody used before, so that CloudFront cannot
have it. Edge locations do not share all of their caches, so a copy is asked for a few times.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.requests import Answer
from collective.cloudfront.doctor.requests import get
from collective.cloudfront.doctor.requests import NoAnswer
from collective.cloudfront.doctor.site_messages import SITE_CHECKS
from collective.cloudfront.doctor.wanted import Use
from urllib.parse import urlsplit
from urllib.parse import urlunsplit

import re
import secrets


#: A copy is asked for so many times.
TRIES = 4
#: Bytes. CloudFront compresses nothing smaller (developer guide, "Serve compressed files").
SMALLEST = 1_000
#: Seconds that a 404 may be kept.
MISSING_TTL = 10

#: A page that only managers see, with Classic UI and with Volto.
PRIVATE = {True: "@@overview-controlpanel", False: "controlpanel"}

_LINK = re.compile(
    rb"""<(?:base|link\s[^>]*rel=["']canonical["'])[^>]*\shref=["']([^"']+)""", re.I
)
_RESOURCES = {
    "style": re.compile(rb"""<link\s[^>]*href=["']([^"']+\.css[^"']*)""", re.I),
    "script": re.compile(rb"""<script\s[^>]*src=["']([^"']+\.js[^"']*)""", re.I),
    "image": re.compile(rb"""<img\s[^>]*src=["']([^"']*/@@images/[^"']+)""", re.I),
    "feed": re.compile(
        rb"""<link\s[^>]*type=["']application/rss\+xml["'][^>]*href=["']([^"']+)""",
        re.I,
    ),
}


def ask(
    site: str,
    use: Use,
    logs_in: bool | None = None,
    origin: str = "",
    connect_to: str = "",
) -> list[Finding]:
    """Return one finding for each of ``SITE_CHECKS``, without those of the origin if there
    is none.

    ``site`` is the public URL, ``origin`` the URL of the site in Zope. ``logs_in`` says
    whether people log in through CloudFront; None: it is not known. ``connect_to`` is where
    CloudFront is, if DNS does not lead there yet.
    """
    questions = _Questions(site, use, logs_in, connect_to)
    found = {each.name: each for each in questions.ask()}
    if origin:
        found |= {each.name: each for each in _ask_plone(origin, site)}
    names = [name for name in SITE_CHECKS if origin or not name.startswith("origin")]
    missing = {"reason": "another check failed"}
    return [
        found.get(name) or Finding(name, Level.UNKNOWN, "site_not_asked", missing)
        for name in names
    ]


class _Questions:
    def __init__(
        self, site: str, use: Use, logs_in: bool | None, connect_to: str
    ) -> None:
        parts = urlsplit(site)
        self._site = site.rstrip("/") + "/"
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._path = parts.path or "/"
        self._use = use
        self._logs_in = logs_in
        self._connect_to = connect_to
        #: Nobody asked for it before.
        self._page = f"{self._site}?cloudfront-doctor={secrets.token_hex(6)}"

    def ask(self) -> Iterator[Finding]:
        try:
            first = self._get(self._page)
        except NoAnswer as error:
            yield self._found(
                "site", Level.ERROR, "site_unreachable", reason=str(error)
            )
            return
        if first.status >= 400:
            status = str(first.status)
            yield self._found("site", Level.ERROR, "site_failed", status=status)
            return
        if not first.x_cache:
            yield self._found("site", Level.ERROR, "site_elsewhere")
            return
        yield self._found("site", Level.OK, "site")
        for question in (
            lambda: self._links(first),
            lambda: self._tags(first),
            self._https,
            self._compressed,
            self._missing,
            self._private,
        ):
            yield from self._try(question)
        yield from self._try(lambda: self._copies(first))

    def _get(self, url: str, **headers: str) -> Answer:
        return get(url, self._connect_to, **headers)

    def _try(self, question: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        try:
            yield from question()
        except NoAnswer:
            return

    def _found(self, name: str, level: Level, code: str, **mapping: str) -> Finding:
        return Finding(
            name,
            level,
            code,
            {"url": self._site, "host": self._host, "path": self._path} | mapping,
        )

    def _links(self, first: Answer) -> Iterator[Finding]:
        others = hosts_elsewhere(first, self._host)
        if others:
            named = ", ".join(others)
            yield self._found(
                "site_links", Level.WARNING, "site_links_away", others=named
            )
        else:
            yield self._found("site_links", Level.OK, "site_links")

    def _tags(self, first: Answer) -> Iterator[Finding]:
        header = self._use.tag_header
        if not header:
            yield self._found("site_tags", Level.OK, "site_tags_unused")
        elif first.header(header):
            yield self._found(
                "site_tags", Level.WARNING, "site_tags_sent", header=header
            )
        else:
            yield self._found("site_tags", Level.OK, "site_tags", header=header)

    def _https(self) -> Iterator[Finding]:
        if self._scheme != "https":
            yield self._found("site_https", Level.UNKNOWN, "site_http_only")
            return
        url = urlunsplit(("http", self._host, self._path, "", ""))
        answer = self._get(url)
        if answer.status in (301, 302, 307, 308) and answer.header(
            "Location"
        ).startswith("https:"):
            yield self._found("site_https", Level.OK, "site_https")
            return
        status = str(answer.status)
        yield self._found(
            "site_https", Level.WARNING, "site_http_open", url=url, status=status
        )

    def _compressed(self) -> Iterator[Finding]:
        answer = self._get(self._site, Accept_Encoding="br, gzip")
        encoding = answer.header("Content-Encoding")
        size = len(answer.body)
        name = "site_compressed"
        if encoding:
            yield self._found(name, Level.OK, name, encoding=encoding)
        elif size < SMALLEST:
            yield self._found(name, Level.OK, "site_small")
        else:
            yield self._found(
                name, Level.WARNING, "site_not_compressed", size=str(size)
            )

    def _missing(self) -> Iterator[Finding]:
        url = f"{self._site}cloudfront-doctor-{secrets.token_hex(6)}"
        answer = self._get(url)
        status = str(answer.status)
        name = "site_missing"
        if answer.status < 400:
            yield self._found(name, Level.WARNING, "site_missing_found", status=status)
        elif answer.shared_age > MISSING_TTL:
            seconds = str(answer.shared_age)
            yield self._found(name, Level.WARNING, "site_missing_long", seconds=seconds)
        else:
            yield self._found(name, Level.OK, name, status=status)

    def _private(self) -> Iterator[Finding]:
        path = PRIVATE[self._use.is_classic]
        url = f"{self._site}{path}?cloudfront-doctor={secrets.token_hex(6)}"
        answers = [self._get(url) for _ in range(TRIES - 1)]
        status, code, level = str(answers[0].status), "site_private", Level.OK
        if any(each.is_copy for each in answers):
            code, level = "site_private_kept", Level.ERROR
        elif answers[0].status == 200 and self._use.is_classic:
            # Volto shows its login form with this status
            code, level = "site_private_open", Level.ERROR
        yield self._found(
            "site_private",
            level,
            code,
            path=f"{self._path.rstrip('/')}/{path}",
            status=status,
        )

    def _copies(self, first: Answer) -> Iterator[Finding]:
        """What depends on a copy that is there."""
        name = "site_cached"
        if first.is_copy:
            yield self._found(name, Level.WARNING, "site_query_ignored")
            return
        copy = self._copy()
        if not copy.is_copy:
            value = copy.header("Cache-Control") or "–"
            pages_of_volto = not self._use.is_classic and value == "–"
            kept = copy.shared_age > 0 or pages_of_volto
            code = "site_not_kept" if kept else "site_uncacheable"
            x_cache = copy.x_cache
            yield self._found(name, Level.WARNING, code, value=value, x_cache=x_cache)
            return
        yield self._found(name, Level.OK, name, age=copy.header("Age") or "0")
        yield self._set_cookie(copy)
        yield self._trackers()
        yield self._sessions()
        yield self._tokens()

    def _copy(self) -> Answer:
        """Ask until there is a copy, a few times."""
        answer = self._get(self._page)
        for _ in range(TRIES - 1):
            if answer.is_copy:
                return answer
            answer = self._get(self._page)
        return answer

    def _set_cookie(self, copy: Answer) -> Finding:
        cookies = copy.headers.get_all("Set-Cookie") or []
        name = "site_set_cookie"
        if not cookies:
            return self._found(name, Level.OK, name)
        names = ", ".join(each.partition("=")[0].strip() for each in cookies)
        return self._found(name, Level.ERROR, "site_set_cookie_shared", cookies=names)

    def _trackers(self) -> Finding:
        if self._shares(lambda: {"Cookie": f"_ga=GA1.2.{secrets.randbelow(10**9)}"}):
            return self._found("site_trackers", Level.OK, "site_trackers")
        return self._found("site_trackers", Level.WARNING, "site_trackers_split")

    def _sessions(self) -> Finding:
        cookie = self._use.session
        return self._apart(
            "site_session", lambda: {"Cookie": f"{cookie}={secrets.token_hex(16)}"}
        )

    def _tokens(self) -> Finding:
        return self._apart(
            "site_token", lambda: {"Authorization": f"Bearer {secrets.token_hex(16)}"}
        )

    def _apart(self, name: str, headers: Callable[[], dict[str, str]]) -> Finding:
        """Say whether who sends such headers gets copies of others."""
        cookie = self._use.session
        if self._logs_in is False:
            return self._found(name, Level.OK, "site_visitors_only")
        if not self._shares(headers):
            return self._found(name, Level.OK, name, cookie=cookie)
        level = Level.ERROR if self._logs_in else Level.INFO
        return self._found(name, level, f"{name}_shared", cookie=cookie)

    def _shares(self, headers: Callable[[], dict[str, str]]) -> bool:
        """Return whether a request with new headers is answered with a copy."""
        return any(self._get(self._page, **headers()).is_copy for _ in range(TRIES - 1))


def hosts_elsewhere(answer: Answer, host: str) -> list[str]:
    """Return the hosts that a page or redirect names as its own, and are not ``host``."""
    urls = [each.decode("utf-8", "replace") for each in _LINK.findall(answer.body)]
    urls.append(answer.header("Location"))
    found = (urlsplit(url).hostname for url in urls)
    return sorted({each for each in found if each and each.lower() != host.lower()})


# Plone


def _ask_plone(origin: str, site: str) -> Iterator[Finding]:
    url = virtual_url(origin, site)
    host = urlsplit(site).hostname or ""
    mapping = {"url": url, "host": host}
    try:
        page = get(url)
    except NoAnswer as error:
        reason = {"reason": str(error)}
        yield Finding("origin", Level.ERROR, "origin_unreachable", mapping | reason)
        return
    if page.status >= 400:
        status = {"status": str(page.status)}
        yield Finding("origin", Level.ERROR, "origin_failed", mapping | status)
        return
    yield Finding("origin", Level.OK, "origin", mapping)
    others = hosts_elsewhere(page, host)
    if others:
        named = {"others": ", ".join(others)}
        yield Finding(
            "origin_links", Level.WARNING, "origin_links_away", mapping | named
        )
    else:
        yield Finding("origin_links", Level.OK, "origin_links", mapping)
    yield _rulesets(url, site, page)


def virtual_url(origin: str, site: str) -> str:
    """Return the URL at which Zope answers for a site as for visitors of its public URL."""
    zope, public = urlsplit(origin), urlsplit(site)
    port = public.port or (443 if public.scheme == "https" else 80)
    path = (
        f"/VirtualHostBase/{public.scheme}/{public.hostname}:{port}"
        f"{zope.path.rstrip('/')}/VirtualHostRoot/"
    )
    return urlunsplit((zope.scheme, zope.netloc, path, "", ""))


def _rulesets(url: str, site: str, page: Answer) -> Finding:
    """Say what may be kept: the page, and one of each kind that it names."""
    answers = {"page": page}
    for kind, pattern in _RESOURCES.items():
        found = pattern.search(page.body)
        path = _path_below(found[1].decode("utf-8", "replace"), site) if found else ""
        if path:
            try:
                answers[kind] = get(url + path)
            except NoAnswer:
                continue
    uncached = {kind: each for kind, each in answers.items() if not each.shared_age}
    level = Level.WARNING if uncached else Level.OK
    code = "origin_uncached" if uncached else "origin_rulesets"
    shown = [_shown(kind, each) for kind, each in (uncached or answers).items()]
    return Finding("origin_rulesets", level, code, {"values": "; ".join(shown)})


def _shown(kind: str, answer: Answer) -> str:
    rule = answer.header("X-Cache-Rule")
    value = answer.header("Cache-Control") or "–"
    return f"{kind} ({rule}): {value}" if rule else f"{kind}: {value}"


def _path_below(url: str, site: str) -> str:
    """Return the path of a URL below the site's; empty if it is not there."""
    base = site.rstrip("/") + "/"
    if url.startswith(base):
        return url[len(base) :]
    return url[1:] if url.startswith("/") and not url.startswith("//") else ""
