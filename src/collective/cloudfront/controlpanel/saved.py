"""What AWS answers to settings that were just saved.

AWS is asked after the commit, and not in the transaction: the settings are saved whatever
it answers, and no snapshot of the database is kept open for a call through a network. The
response has not been sent then, so what AWS answers is a status message of the page to
which the form leads. The person waits for ``LIMIT`` seconds at most.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collective.cloudfront.doctor.connection import Connection
from collective.cloudfront.doctor.connection import try_connections
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.findings import MESSAGES
from collective.cloudfront.i18n import _
from collective.cloudfront.i18n import message_id
from collective.cloudfront.settings import read_settings
from collective.cloudfront.targets import credentials_of
from plone import api
from plone.registry.interfaces import IRegistry
from typing import Any
from zope.i18n import translate

import transaction


#: Seconds for all distributions together.
LIMIT = 4.0
#: Messages travel in a cookie, which has room for some 4,000 characters.
MOST_PROBLEMS = 2
LONGEST_PROBLEM = 500


def connections(registry: IRegistry) -> tuple[Connection, ...]:
    """Return what a site connects to, with the settings in force, each once."""
    settings = read_settings(registry)
    if settings is None:
        return ()
    found = (
        Connection(each.id, credentials_of(settings, each))
        for each in settings.distributions
    )
    return tuple(dict.fromkeys(found))


def try_after_commit(
    registry: IRegistry, request: Any, before: Collection[Connection]
) -> None:
    """Tell the person what AWS answers, if other connections than ``before`` are set."""
    new = [each for each in connections(registry) if each not in before]
    if new:
        transaction.get().addAfterCommitHook(_try, (request, new))


def _try(succeeded: bool, request: Any, new: list[Connection]) -> None:
    if not succeeded:
        return
    findings = try_connections(new, LIMIT)
    accepted = [
        each.distribution
        for each, finding in zip(new, findings)
        if finding.level is Level.OK
    ]
    if accepted:
        api.portal.show_message(_accepted(accepted), request, type="info")
    problems = [
        (each.distribution, finding)
        for each, finding in zip(new, findings)
        if finding.level is not Level.OK
    ]
    for distribution, finding in problems[:MOST_PROBLEMS]:
        kind = "error" if finding.level is Level.ERROR else "warning"
        problem = _problem(distribution, finding, request)
        api.portal.show_message(problem, request, type=kind)


def _accepted(distributions: Iterable[str]) -> str:
    return _(
        "saved_connection_ok",
        default="AWS allows Plone to purge ${distributions}. To make all checks, choose "
        "“Test connection”.",
        mapping={"distributions": ", ".join(distributions)},
    )


def _problem(distribution: str, finding: Finding, request: Any) -> str:
    if finding.code == "timed_out":
        return _(
            "saved_connection_late",
            default="The settings are saved. AWS has not answered within ${seconds} "
            "seconds whether Plone may purge ${distribution}. To ask again, choose “Test "
            "connection”.",
            mapping={**finding.mapping, "distribution": distribution},
        )
    mapping = {
        "distribution": distribution,
        "problem": _sentences(finding, request)[:LONGEST_PROBLEM],
    }
    if finding.level is Level.ERROR:
        return _(
            "saved_connection_wrong",
            default="The settings are saved, but Plone cannot purge ${distribution}. "
            "${problem} To make all checks, choose “Test connection”.",
            mapping=mapping,
        )
    return _(
        "saved_connection_unknown",
        default="The settings are saved. Whether Plone may purge ${distribution} is not "
        "known yet. ${problem} To ask again, choose “Test connection”.",
        mapping=mapping,
    )


def _sentences(finding: Finding, request: Any) -> str:
    """Return what was found, and what to do, in the person's language."""
    found = MESSAGES[finding.code]
    sentences = [message_id(f"connection_{finding.code}", found.text, finding.mapping)]
    if found.advice:
        sentences.append(
            message_id(
                f"connection_advice_{finding.code}", found.advice, finding.mapping
            )
        )
    return " ".join(translate(each, context=request) for each in sentences)
