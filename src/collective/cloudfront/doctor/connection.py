"""Look at a distribution through AWS's API: one finding for each check.

Nothing is changed, invalidated or billed. It stops at the first call that gets no
answer, and where every other call would be refused for the same reason; what was not
checked then says so. AWS's limits on calls count these few as well.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.calls import Call
from collective.cloudfront.delivery.calls import THREAD
from collective.cloudfront.doctor.examination import Examination
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.wanted import Use
from dataclasses import dataclass

import threading
import time


#: Seconds for all checks. Timeouts of single calls do not bound the resolving of
#: names, a ``credential_process``, or answers that come drop by drop.
LIMIT = 18.0


def test_connection(
    distribution: str,
    credentials: Credentials,
    hosts: Collection[str],
    tag_header: str,
    clock: Callable[[], float] = time.time,  # noqa: PT028 - it is no test
    is_classic: bool = True,  # noqa: PT028
    finds_tags: bool = False,  # noqa: PT028
) -> list[Finding]:
    """Return one finding for each of ``CHECKS``, in their order.

    ``hosts`` are the names that visitors use for the site, ``tag_header`` is the
    header that Plone sends cache tags in (empty: none); ``clock`` returns seconds
    since the epoch; ``is_classic`` is False where Volto makes the pages;
    ``finds_tags`` is True where a distribution that reads no tags is purged by path. It
    raises nothing and takes at most ``LIMIT`` seconds, in another thread, and there is no
    reason to call it where somebody else waits.
    """
    use = Use(is_classic, tag_header, finds_tags)
    examination = Examination(distribution, credentials, hosts, use, clock)
    trial = _begin(examination, examination.examine)
    code, mapping = _end(trial, time.monotonic() + LIMIT, LIMIT)
    return _complete(examination.findings.copy(), code, mapping)


@dataclass(frozen=True, slots=True)
class Connection:
    """A distribution or tenant, and how calls for it are signed."""

    distribution: str
    credentials: Credentials


def try_connections(asked: Sequence[Connection], limit: float) -> list[Finding]:
    """Say of each connection whether AWS lets us invalidate: the finding that decides.

    It looks for the credentials and asks one question for each, all at once. It raises
    nothing and takes at most ``limit`` seconds.
    """
    latest = time.monotonic() + limit
    trials = []
    for each in asked:
        examination = Examination(
            each.distribution, each.credentials, (), Use(), time.time
        )
        trials.append(_begin(examination, examination.try_to_create))
    return [_decisive(trial, *_end(trial, latest, limit)) for trial in trials]


def _decisive(trial: "_Trial", code: str, mapping: Mapping[str, str]) -> Finding:
    if code:
        return Finding("permission_create", Level.UNKNOWN, code, mapping)
    return trial.examination.findings[-1]


@dataclass(frozen=True, slots=True)
class _Trial:
    """An examination in a thread of its own; ``call`` is None where there is none."""

    examination: "Examination"
    call: Call[None] | None
    error: str = ""


def _begin(examination: "Examination", job: Callable[[], None]) -> _Trial:
    call = Call(lambda: examination.run(job))
    thread = threading.Thread(
        target=call.run, name=f"{THREAD} connection test", daemon=True
    )
    try:
        thread.start()
    except RuntimeError as error:
        # There are no threads to be had, or Python is shutting down.
        return _Trial(examination, None, type(error).__name__)
    return _Trial(examination, call)


def _end(trial: _Trial, latest: float, limit: float) -> tuple[str, dict[str, str]]:
    """Wait until ``latest`` (monotonic), which is ``limit`` seconds after it began.

    Returns our code for why it was not done, with its mapping; empty if it was.
    """
    if trial.call is None:
        return "unexpected", {"reason": trial.error}
    if trial.call.wait(max(0.0, latest - time.monotonic())):
        return "", {}
    trial.examination.given_up = True
    trial.call.give_up()  # what it waits for is closed, and its thread ends
    return "timed_out", {"seconds": f"{limit:g}"}


# Or pytest would take it for a test wherever it is imported.
setattr(test_connection, "__test__", False)  # noqa: B010


def _complete(
    findings: list[Finding], code: str = "", mapping: Mapping[str, str] | None = None
) -> list[Finding]:
    """Put the findings in order, with one for each check that has none.

    The first of these says why, if there is a ``code`` for it.
    """
    found = {finding.name: finding for finding in findings}
    for name in CHECKS:
        if name in found:
            continue
        if code:
            found[name] = Finding(name, Level.ERROR, code, mapping or {})
        else:
            found[name] = Finding(name, Level.UNKNOWN, "not_checked")
        code = ""
    return [found[name] for name in CHECKS]
