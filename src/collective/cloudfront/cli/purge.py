"""``purge`` and ``cancel``: what a person has purged, now or later."""

from collections.abc import Sequence
from collective.cloudfront.cli.console import as_json_option
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import distribution_option
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.cli.console import warn
from collective.cloudfront.cli.texts import moment
from collective.cloudfront.cli.texts import NoMoment
from collective.cloudfront.cli.texts import read_moment
from collective.cloudfront.cli.waiting import wait_for
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.manual.items import is_tag
from collective.cloudfront.manual.items import items_for
from collective.cloudfront.manual.items import problems
from collective.cloudfront.manual.items import Wanted
from collective.cloudfront.manual.lines import MAX_LINES
from collective.cloudfront.manual.lines import Problem
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox.lately import entry_again
from collective.cloudfront.outbox.lately import purge_of
from collective.cloudfront.outbox.ledger import SLICE
from collective.cloudfront.outbox.shown import iso
from collective.cloudfront.outbox.values import as_line
from collective.cloudfront.outbox.values import Cause
from collective.cloudfront.outbox.values import Entry
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.planning.late import Lately

import click
import getpass
import os
import time
import uuid


#: Later than this, in seconds, nothing is scheduled: a year.
LATEST = 366 * 86400
#: Characters; a reason is a line in a table.
LONGEST_REASON = 200

_PROBLEMS = {
    Problem.NO_PATH: "this is neither a path that starts with / nor a URL that starts "
    "with https://",
    Problem.SCHEME: "only http and https URLs can be purged",
    Problem.OTHER_HOST: "this is not a domain of a known site",
    Problem.WILDCARD: "the wildcard * is allowed only at the end",
    Problem.CONTROL: "this contains a character that is not allowed in a URL",
    Problem.TOO_MANY: f"enter at most {MAX_LINES} paths, or purge a section with --below",
}


@click.command(short_help="Purge pages, cache tags, or everything.")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--below", is_flag=True, help="Also everything below the paths.")
@click.option("--all", "everything", is_flag=True, help="Every page of the sites.")
@click.option(
    "--tag", "tags", multiple=True, help="A cache tag, without #; may be repeated."
)
@click.option(
    "--at", metavar="TIME", help="Later: ISO 8601; without an offset it is local time."
)
@distribution_option
@click.option("--reason", default="", help="A line for the history.")
@click.option("--dry-run", is_flag=True, help="Only show what would be sent.")
@click.option("--wait", is_flag=True, help="Wait until CloudFront has completed it.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="With --wait: at most so many seconds.",
)
@as_json_option
@on_outbox
def purge(
    console: Console,
    paths: tuple[str, ...],
    below: bool,
    everything: bool,
    tags: tuple[str, ...],
    at: str | None,
    chosen: tuple[str, ...],
    reason: str,
    dry_run: bool,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Purge pages by path or URL, everything below them, cache tags, or every page.

    Paths are those that visitors see. Where a site has a REST API for Volto, the
    responses for the same pages are purged, too.

    \b
    Examples:
      cloudfront purge /news /about --wait
      cloudfront purge https://www.example.com/news --below
      cloudfront purge --all --reason "new theme" --dry-run
      cloudfront purge /sale --at 2026-12-24T18:00
    """
    due = _moment(at)
    if due is not None and wait:
        raise click.UsageError("Use either --at or --wait.")
    wanted = _wanted(paths, below, everything, tags)
    request, entries = _prepare(console, wanted, chosen, reason, due)
    if not dry_run:
        _send(console.outbox, request, entries, _transit(console))
    if as_json:
        print_json(_as_json(request, entries, dry_run))
    else:
        _print(request, entries, dry_run)
    if not (dry_run or wait or due):
        _warn_if_unattended(console.outbox)
    if wait and not dry_run:
        wait_for(console.outbox, entries, request.time, timeout)


def _warn_if_unattended(outbox: Outbox) -> None:
    if not any(each.delivers for each in present(outbox, time.time())):
        warn(
            "Nobody delivers at the moment: start “cloudfront worker”, or Zope. Nothing "
            "is lost; it waits in the outbox."
        )


def _moment(at: str | None) -> float | None:
    if at is None:
        return None
    try:
        due = read_moment(at)
    except NoMoment as error:
        raise click.BadParameter(
            "use a date and time in ISO 8601 format, such as 2026-11-21T22:00 or "
            "2026-11-21T22:00+00:00.",
            param_hint="--at",
        ) from error
    if not 0 < due - time.time() <= LATEST:
        raise click.BadParameter(
            "it must be in the future, and at most 366 days ahead.", param_hint="--at"
        )
    return due


def _wanted(
    paths: tuple[str, ...], below: bool, everything: bool, tags: tuple[str, ...]
) -> Wanted:
    if not (paths or tags or everything):
        raise click.UsageError("Say what to purge: paths, --tag, or --all.")
    if everything and (paths or tags):
        raise click.UsageError("Use --all alone: it includes everything else.")
    if below and not paths:
        raise click.UsageError("Say below which paths: --below is for PATH.")
    for tag in tags:
        if not is_tag(tag):
            raise click.BadParameter(
                f"{tag!r} is no cache tag: at most 256 printable ASCII characters, "
                "without spaces and commas.",
                param_hint="--tag",
            )
    return Wanted(paths, below, tags, everything)


def _prepare(
    console: Console,
    wanted: Wanted,
    chosen: Sequence[str],
    reason: str,
    due: float | None,
) -> tuple[PurgeRequest, list[Entry]]:
    distributions = console.distributions(chosen)
    sites = [
        site
        for site in console.published.sites
        if any(place.distribution in distributions for place in site.places)
    ]
    bad = problems(wanted, sites)
    if bad:
        first = bad[0]
        assert first.problem is not None
        raise click.UsageError(f"{first.text!r}: {_PROBLEMS[first.problem]}.")
    pairs = items_for(wanted, sites, distributions)
    request = PurgeRequest(
        id=uuid.uuid4().hex,
        time=time.time(),
        user=system_user(),
        reason=as_line(reason, LONGEST_REASON),
        items=tuple(dict.fromkeys(item for _, item in pairs)),
        distributions=tuple(dict.fromkeys(each for each, _ in pairs)),
        due=due,
    )
    names = (request.reason,) if request.reason else ()
    cause = Cause(request.user, names, len(names), "person")
    if due is None:
        return request, [Entry(*pair, urgent=True, cause=cause) for pair in pairs]
    return request, [
        Entry(*pair, due=due, key=request.key, cause=cause) for pair in pairs
    ]


def system_user() -> str:
    """Return the name of who runs this, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may know no names
        return f"uid {os.getuid()}"


def _transit(console: Console) -> float:
    targets = console.published.targets.values()
    return max((each.again_after for each in targets), default=0.0)


def _send(
    outbox: Outbox, request: PurgeRequest, entries: list[Entry], transit: float
) -> None:
    entries = [*entries, *_second(entries, request.time, transit)]
    if len(entries) <= SLICE:
        with outbox.together(durable=True):
            _write(outbox, request, entries)
    else:
        # In slices: saves wait for each.
        _write(outbox, request, entries)


def _write(outbox: Outbox, request: PurgeRequest, entries: list[Entry]) -> None:
    outbox.announce((), entries, 0)
    outbox.release("", entries)
    outbox.record_request(request)


def _second(entries: list[Entry], at: float, transit: float) -> list[Entry]:
    """Return what purges the same again, as for everything urgent: see ``Lately``."""
    found = purge_of((), entries, at)
    if found is None:
        return []
    lately = Lately(time.time)
    lately.transit = transit
    return list(map(entry_again, lately.second(found)))


def _as_json(
    request: PurgeRequest, entries: Sequence[Entry], dry_run: bool
) -> dict[str, object]:
    found: dict[str, object] = {
        "dry_run": dry_run,
        "items": list(request.items),
        "distributions": list(request.distributions),
        "billed": len(entries),
        "at": iso(request.due),
    }
    return found if dry_run else {**found, "id": request.id}


def _print(request: PurgeRequest, entries: Sequence[Entry], dry_run: bool) -> None:
    for each in entries:
        click.echo(f"{each.distribution}  {each.item}")
    count = len(entries)
    items = "1 item" if count == 1 else f"{count} items"
    if dry_run:
        click.echo(f"Nothing was sent. AWS would bill {items}.")
    elif request.due is not None:
        click.echo(
            f"Scheduled {items} for {moment(request.due)}. To cancel this: cloudfront "
            f"cancel {request.id}"
        )
    else:
        click.echo(
            f"{items} in the outbox; the next courier sends {'it' if count == 1 else 'them'}."
        )


@click.command(short_help="Cancel a scheduled purge.")
@click.argument("identifier", metavar="ID")
@on_outbox
def cancel(console: Console, identifier: str) -> None:
    """Cancel a purge that was scheduled; “cloudfront scheduled” shows the IDs."""
    planned = console.outbox.planned(LONGEST_LIST)
    if all(each.id != identifier for each in planned):
        raise Failure(f"There is no scheduled purge with the ID {identifier}.")
    if not console.outbox.cancel_request(identifier):
        raise Failure(
            "It is too late to cancel this purge: the items are already on their way to "
            "CloudFront."
        )
    click.echo("The scheduled purge was cancelled.")


#: So many scheduled purges are looked at.
LONGEST_LIST = 1000
