"""Sentences for people that several front ends say, and what they need to know."""

from collective.cloudfront.i18n import _
from collective.cloudfront.planning.lines import MAX_LINES
from collective.cloudfront.planning.lines import Problem
from collective.cloudfront.settings import registry_of
from typing import Any
from urllib.parse import urlsplit


_DOMAINS = "plone.cachepurging.interfaces.ICachePurgingSettings.domains"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_PROBLEMS = {
    Problem.NO_PATH: _(
        "problem_no_path",
        default="This is neither a path, which begins with /, nor a URL, which begins "
        "with https://.",
    ),
    Problem.SCHEME: _(
        "problem_scheme", default="Only http and https URLs can be purged."
    ),
    Problem.OTHER_HOST: _(
        "problem_other_host",
        default="This is not a domain of this site. They are listed in the Caching "
        "control panel.",
    ),
    Problem.WILDCARD: _("problem_wildcard", default="A * is possible at the end only."),
    Problem.CONTROL: _(
        "problem_control", default="This contains a character that no URL has."
    ),
    Problem.TOO_MANY: _(
        "problem_too_many",
        default="These are too many lines; ${count} are possible. Purge a section "
        "instead.",
        mapping={"count": MAX_LINES},
    ),
}


def problem_sentence(problem: Problem) -> str:
    """Return a sentence (a message id) for what is wrong with a line."""
    return _PROBLEMS[problem]


def site_hosts(site: Any) -> frozenset[str]:
    """Return the hosts at which visitors see ``site``, as in ``read_lines``.

    From the domains in the Caching control panel, and where Plone itself is asked for
    now. Without domains there it is not known, and this is empty.
    """
    domains = registry_of(site).get(_DOMAINS) or ()
    if not domains:
        return frozenset()
    return frozenset(
        host for url in (*domains, site.absolute_url()) for host in _names(url)
    )


def _names(url: str) -> tuple[str, ...]:
    """Return the host of ``url``, with and without a default port."""
    parts = urlsplit(url)
    host = parts.netloc.lower()
    default = _DEFAULT_PORTS.get(parts.scheme, "")
    if default and host.endswith(default):
        return host, host.removesuffix(default)
    return (host, f"{host}{default}") if ":" not in host else (host,)
