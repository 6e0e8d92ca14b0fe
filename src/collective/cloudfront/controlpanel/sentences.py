"""Sentences for people that several front ends say, and what they need to know."""

from collective.cloudfront.changes.causes import SETTINGS
from collective.cloudfront.changes.causes import UNDO
from collective.cloudfront.i18n import _
from collective.cloudfront.i18n import message
from collective.cloudfront.manual.lines import MAX_LINES
from collective.cloudfront.manual.lines import Problem
from collective.cloudfront.outbox.intake import TOO_MUCH_KEPT
from collective.cloudfront.process import DAMAGED_OUTBOX
from collective.cloudfront.settings import registry_of
from collective.cloudfront.wording import recognise
from collective.cloudfront.wording import WORDING
from typing import Any
from urllib.parse import urlsplit

import re


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


#: Causes that are no path, by the text that is kept with the items.
_CAUSES = {
    SETTINGS: _("cause_settings", default="settings"),
    UNDO: _("cause_undo", default="undo"),
    DAMAGED_OUTBOX: _("cause_damaged_outbox", default="damaged outbox"),
    TOO_MUCH_KEPT: _(
        "cause_too_much_kept", default="too many changes while the outbox failed"
    ),
}
_MORE = re.compile(r"(?P<names>.+) and (?P<count>\d+) more")


def known_sentence(text: str) -> str:
    """Return a message id for a sentence of ``wording``; any other text as it is.

    What AWS or the machine says in the middle of it stays as it is, too.
    """
    found = recognise(text)
    if found is None:
        return text
    code, values = found
    values = {name: known_sentence(value) for name, value in values.items()}
    return message(f"wording_{code}", WORDING[code], values)


def cause_sentence(line: str) -> str:
    """Return a message id for the words in a cause; of ``jane: /a`` none is one."""
    more = _MORE.fullmatch(line)
    if more:
        names = cause_sentence(more["names"])
        mapping = {"names": names, "count": more["count"]}
        return _("cause_more", default="${names} and ${count} more", mapping=mapping)
    if line in _CAUSES:
        return _CAUSES[line]
    user, colon, names = line.partition(": ")
    if colon and names in _CAUSES:
        mapping = {"user": user, "cause": _CAUSES[names]}
        return _("cause_of_user", default="${user}: ${cause}", mapping=mapping)
    return line


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
