"""Sentences of the control panel and of REST: of messages, causes and problems."""

from collective.cloudfront.i18n import _
from collective.cloudfront.i18n import message_id
from collective.cloudfront.manual.lines import MAX_LINES
from collective.cloudfront.manual.lines import Problem
from collective.cloudfront.outbox.messages import Message
from collective.cloudfront.outbox.messages import WORDING
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import CAUSES
from collective.cloudfront.settings import registry_of
from typing import Any
from urllib.parse import urlsplit
from zope.i18nmessageid import Message as Translatable


_DOMAINS = "plone.cachepurging.interfaces.ICachePurgingSettings.domains"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_PROBLEMS = {
    Problem.NO_PATH: _(
        "problem_no_path",
        default="This is neither a path that starts with / nor a URL that starts "
        "with https://.",
    ),
    Problem.SCHEME: _(
        "problem_scheme", default="Only http and https URLs can be purged."
    ),
    Problem.OTHER_HOST: _(
        "problem_other_host",
        default="This is not a domain of this site. Enter only the path, or add "
        "the domain in the Caching control panel.",
    ),
    Problem.WILDCARD: _(
        "problem_wildcard", default="The wildcard * is allowed only at the end."
    ),
    Problem.CONTROL: _(
        "problem_control",
        default="This contains a character that is not allowed in a URL.",
    ),
    Problem.TOO_MANY: _(
        "problem_too_many",
        default="Enter at most ${count} lines, or purge a section instead.",
        mapping={"count": MAX_LINES},
    ),
}


def problem_sentence(problem: Problem) -> str:
    """Return a sentence (a message id) for what is wrong with a line."""
    return _PROBLEMS[problem]


#: An answer to who wants something purged.
NOT_PURGING = _("not_purging", default="This site does not purge from CloudFront.")

#: The same, where no distribution serves it.
NOTHING_TO_PURGE = _(
    "nothing_to_purge",
    default="Nothing was purged because no distribution serves this part of the site.",
)

#: Causes without an object, by code.
_CAUSES = {
    "settings": _("cause_settings", default="settings"),
    "undo": _("cause_undo", default="undo"),
    "check": _("cause_check", default="test of what CloudFront accepts"),
    "damaged_outbox": _("cause_damaged_outbox", default="damaged outbox"),
    "tags_lost": _("cause_tags_lost", default="cache tags are no longer read"),
    "again": _("cause_again", default="repeated purge"),
    "too_much_kept": _(
        "cause_too_much_kept",
        default="too many changes while the outbox was unavailable",
    ),
}


def sentence(message: Message) -> str:
    """Return a message id for a message; its text as it is where it has no code.

    What AWS or the machine says in the middle of it stays as it is, too.
    """
    values = {
        name: sentence(value) if isinstance(value, Message) else str(value)
        for name, value in message.values
    }
    if message.code == "text":
        return values.get("text", "")
    if message.code not in WORDING:
        return str(message)
    return message_id(f"wording_{message.code}", WORDING[message.code], values)


def cause_sentence(cause: Cause) -> str:
    """Return a message id for a cause; ``jane: /a``, in which there is no word, is
    returned as it is.
    """
    # A code without a translation is one of a newer version, or has no words.
    words = _CAUSES.get(cause.code) or CAUSES.get(cause.code, cause.code)
    names = " ".join(cause.names)
    if words and names:
        mapping = {"words": words, "names": names}
        names = _("cause_with_names", default="${words} ${names}", mapping=mapping)
    names = names or words
    more = cause.count - len(cause.names)
    if names and more > 0:
        mapping = {"names": names, "count": more}
        names = _("cause_more", default="${names} and ${count} more", mapping=mapping)
    if not (cause.user and names):
        return names or cause.user
    if not isinstance(names, Translatable):
        return f"{cause.user}: {names}"
    mapping = {"user": cause.user, "cause": names}
    return _("cause_of_user", default="${user}: ${cause}", mapping=mapping)


def known_hosts(site: Any) -> frozenset[str]:
    """Return the hosts whose URLs may be purged: those of ``site_hosts``, or where Plone
    is asked for now. The URL of another host would purge a path here.
    """
    return site_hosts(site) or frozenset(_names(site.absolute_url()))


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
