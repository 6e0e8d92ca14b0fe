"""``status``, ``history`` and ``scheduled``: what goes on, what was purged, what is to be."""

from collections.abc import Sequence
from collective.cloudfront.cli.console import as_json_option
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import distribution_option
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.cli.console import SHOWN
from collective.cloudfront.cli.judging import Health
from collective.cloudfront.cli.judging import judge
from collective.cloudfront.cli.texts import moment
from collective.cloudfront.cli.texts import sentence
from collective.cloudfront.cli.texts import some
from collective.cloudfront.cli.texts import table
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.delivery.presence import User
from collective.cloudfront.outbox.finding import distributions_of
from collective.cloudfront.outbox.finding import HistoryEntry
from collective.cloudfront.outbox.finding import HistoryFilter
from collective.cloudfront.outbox.finding import HistoryState
from collective.cloudfront.outbox.finding import items_of
from collective.cloudfront.outbox.finding import position_of
from collective.cloudfront.outbox.finding import state_of
from collective.cloudfront.outbox.shown import iso
from collective.cloudfront.outbox.shown import request_as_json
from collective.cloudfront.outbox.values import PurgeRequest
from collective.cloudfront.outbox.values import Quarantined
from collective.cloudfront.outbox.values import Work
from datetime import datetime
from datetime import timezone
from typing import Any

import click
import time


#: So many refused items, scheduled items and entries are shown, if nothing is said.
SHOWN_ROWS = 10
_KINDS = {
    "worker": "worker",
    "zope": "Zope",
    "zope_without_courier": "Zope, which does not deliver",
}


@click.command(short_help="Show whether purging works.")
@as_json_option
@click.option(
    "--check",
    is_flag=True,
    help="Print one line, and exit with 1 if a person must do something.",
)
@on_outbox
def status(console: Console, as_json: bool, check: bool) -> None:
    """Show what waits, what is in progress, and whether purging works.

    \b
    Examples:
      cloudfront status
      cloudfront status --json | jq .health.code
      cloudfront status --check || page-somebody
    """
    now = time.time()
    work = _all_work(console)
    users = present(console.outbox, now)
    health = judge(work, users, console.published, now)
    if as_json:
        print_json(_as_json(console, work, users, health))
    elif check:
        click.echo(f"{health.level}: {health.text}")
    else:
        _print(console, work, users, health)
    if check and health.needs_person:
        raise click.exceptions.Exit(Exit.NEEDS_PERSON)


def _all_work(console: Console) -> list[Work]:
    """Return the work of all distributions, also of those that have none."""
    found = {each.distribution: each for each in console.outbox.work(None)}
    names = dict.fromkeys([*console.published.distributions, *sorted(found)])
    return [found.get(each) or Work(each, 0, 0, 0, None, None) for each in names]


def _billed(console: Console) -> dict[str, int]:
    month = datetime.now(timezone.utc).strftime("%Y-%m")
    return console.outbox.billed(month)


def _as_json(
    console: Console, work: Sequence[Work], users: Sequence[User], health: Health
) -> dict[str, Any]:
    outbox, billed = console.outbox, _billed(console)
    return {
        "outbox": console.place,
        "health": {"level": health.level, "code": health.code, "text": health.text},
        "pending": sum(each.pending for each in work),
        "in_progress": sum(each.in_progress for each in work),
        "paused": [
            each.distribution for each in work if each.waiting and each.waiting.paused
        ],
        "distributions": [SHOWN.work(each, billed) for each in work],
        "scheduled": list(map(SHOWN.scheduled, outbox.scheduled(SHOWN_ROWS))),
        "refused": list(map(SHOWN.quarantined, outbox.quarantined(SHOWN_ROWS))),
        "history": list(map(SHOWN.settled, outbox.history(SHOWN_ROWS))),
        "actions": list(map(request_as_json, outbox.requests(SHOWN_ROWS))),
        "billed_this_month": sum(billed.values()),
        "only_with_keys": console.published.only_with_keys,
        "processes": [
            {
                "kind": each.kind.value,
                "delivers": each.delivers,
                "host": each.host,
                "pid": each.pid,
                "seen": iso(each.seen),
            }
            for each in users
        ],
    }


def _print(
    console: Console, work: Sequence[Work], users: Sequence[User], health: Health
) -> None:
    click.echo(f"Outbox: {console.place}")
    click.echo(f"{health.text}\n")
    billed = _billed(console)
    rows = [
        (
            each.distribution,
            each.ready + each.coalesced,
            each.frozen,
            each.in_progress,
            billed.get(each.distribution, 0),
        )
        for each in work
    ]
    head = ("Distribution", "Waiting", "Being sent", "In progress", "Billed this month")
    click.echo(table(head, rows) if rows else "No distribution is known.")
    for each in work:
        if each.waiting is not None:
            _print_trouble(each)
    for name in console.published.only_with_keys:
        click.echo(
            f"\n{name}: its site signs with a key pair from the settings. Only Zope can "
            "deliver to it, and no worker."
        )
    unserved = [
        each.distribution
        for each in work
        if each.pending and not _is_known(console, each.distribution)
    ]
    for name in unserved:
        click.echo(
            f"\n{name}: purging is not enabled for this distribution in any site. Its "
            "items are kept."
        )
    _print_refused(console.outbox.quarantined(SHOWN_ROWS))
    _print_users(users)


def _is_known(console: Console, distribution: str) -> bool:
    known = console.published
    return distribution in known.targets or distribution in known.only_with_keys


def _print_trouble(work: Work) -> None:
    waiting = work.waiting
    assert waiting is not None
    click.echo(
        f"\n{work.distribution}: {sentence(str(waiting.reason))} "
        f"{sentence(str(waiting.advice))}\n"
        f"  Next attempt: {moment(waiting.until)}"
    )


def _print_refused(refused: Sequence[Quarantined]) -> None:
    if refused:
        click.echo("\nRefused by CloudFront:")
    for each in refused:
        click.echo(f"  {each.distribution} {some([each.item])}: {each.reason}")


def _print_users(users: Sequence[User]) -> None:
    if not any(each.delivers for each in users):
        click.echo("\nNobody has delivered for a minute.")
    if users:
        click.echo("\nProcesses:")
        rows = [
            (f"  {each.host}", each.pid, _KINDS[each.kind.value], moment(each.seen))
            for each in users
        ]
        click.echo(table(("  Host", "Process", "What", "Last seen"), rows))


@click.command(short_help="Show what was purged.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="At most so many entries.",
)
@distribution_option
@click.option("--path", default="", help="Of this path, or below it.")
@click.option("--person", default="", help="Caused by this person.")
@click.option(
    "--state",
    type=click.Choice([each.value for each in HistoryState]),
    multiple=True,
    help="In this state; may be repeated.",
)
@click.option("--search", default="", help="With these words.")
@as_json_option
@on_outbox
def history(
    console: Console,
    limit: int,
    chosen: tuple[str, ...],
    path: str,
    person: str,
    state: tuple[str, ...],
    search: str,
    as_json: bool,
) -> None:
    """Show what was purged, newest first: what was sent, refused, or purged by hand.

    \b
    Examples:
      cloudfront history --path /news --limit 5
      cloudfront history --person jane --state requested
    """
    wanted = HistoryFilter(
        frozenset(chosen) or None,
        frozenset(map(HistoryState, state)),
        person,
        path,
        search,
    )
    page = console.outbox.find(wanted, limit)
    now = time.time()
    if as_json:
        print_json({"items": [SHOWN.entry(each, now) for each in page.entries]})
        return
    rows = [_row(each, now) for each in page.entries]
    head = ("Time", "State", "Distribution", "Items", "Cause")
    click.echo(table(head, rows) if rows else "Nothing was found.")
    if page.older is not None:
        click.echo("There are older entries: use --limit, or ask for less.")


def _row(entry: HistoryEntry, now: float) -> tuple[str, ...]:
    if isinstance(entry, PurgeRequest):
        cause = ": ".join(filter(None, (entry.user, entry.reason)))
    else:
        cause = str(entry.causes)
    return (
        moment(position_of(entry).time),
        state_of(entry, now).value,
        " ".join(distributions_of(entry)),
        some(items_of(entry)),
        cause,
    )


@click.command(short_help="Show what is purged later.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="At most so many of each kind.",
)
@distribution_option
@as_json_option
@on_outbox
def scheduled(
    console: Console, limit: int, chosen: tuple[str, ...], as_json: bool
) -> None:
    """Show what is purged later: by people, and when dates arrive.

    The first column of what people have scheduled is the ID for “cloudfront cancel”.
    """
    only = chosen or None
    planned = console.outbox.planned(limit, only)
    keys = {each.key for each in planned}
    found = [
        each for each in console.outbox.scheduled(limit, only) if each.key not in keys
    ]
    if as_json:
        print_json(
            {
                "items": list(map(request_as_json, planned)),
                "scheduled": list(map(SHOWN.scheduled, found)),
            }
        )
        return
    if planned:
        rows = [
            (each.id, moment(each.due or 0.0), each.user, some(each.items), each.reason)
            for each in planned
        ]
        click.echo(table(("ID", "When", "Person", "Items", "Reason"), rows))
    if found:
        click.echo("\n" * bool(planned), nl=False)
        items = [
            (moment(each.due), each.distribution, each.item, each.causes)
            for each in found
        ]
        click.echo(table(("When", "Distribution", "Item", "Cause"), items))
    if not planned and not found:
        click.echo("Nothing is scheduled.")
