"""``outbox move``: from one outbox to another."""

from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import open_at
from collective.cloudfront.cli.console import without_secrets
from collective.cloudfront.cli.texts import table
from collective.cloudfront.delivery.presence import present
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.moving import is_claimed
from collective.cloudfront.outbox.moving import move as move_all
from collective.cloudfront.outbox.moving import moved_to
from collective.cloudfront.outbox.stored import StoredOutbox

import click
import time


#: What tables hold, as people call it.
_NAMES = {
    "ready": "waiting items",
    "invalidation": "invalidations",
    "prepared": "transactions in doubt",
    "scheduled": "scheduled items",
    "coalesced": "intervals",
    "refused": "refused items",
    "action": "purges by hand",
    "billed": "days of billed items",
    "counter": "counters",
    "lately": "recent purges",
    "memory": "notes of couriers",
}


@click.group()
def outbox() -> None:
    """Work on outboxes as a whole."""


@outbox.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option(
    "--force", is_flag=True, help="Even if processes seem to use the first outbox."
)
def move(source: str, target: str, force: bool) -> None:
    """Move everything from one outbox to another, also to another engine.

    What waits, what is scheduled, the history and the bills are carried over. Stop all
    Zopes and workers that use the first outbox, move, and start them with the second
    one. If moving is interrupted, run it again. The first outbox is empty afterwards.

    \b
    Example:
      cloudfront outbox move sqlite:////srv/var/outbox.sqlite postgresql://db/plone
    """
    one, other = _open(source), _open(target)
    try:
        if repr(one) == repr(other):
            raise click.UsageError("FROM and TO are the same outbox.")
        if not force:
            _fail_if_used(one, source)
        _report(move_all(one, other, without_secrets(target)), one, source, target)
    except OutboxUnavailable as error:
        raise Failure(
            f"One of the outboxes cannot be used ({error}). Nothing is lost: run the "
            "same command again later.",
            Exit.UNAVAILABLE,
        ) from error
    finally:
        one.end()
        other.end()


def _open(url: str) -> StoredOutbox:
    opened = open_at(url)
    if not isinstance(opened, StoredOutbox):
        raise click.UsageError(
            f"{without_secrets(url)} is of an engine that cannot be moved by this command."
        )
    return opened


def _fail_if_used(outbox: StoredOutbox, url: str) -> None:
    users = present(outbox, time.time())
    names = ", ".join(f"{each.host} process {each.pid}" for each in users)
    if users or is_claimed(outbox):
        raise Failure(
            f"{without_secrets(url)} is in use ({names or 'a courier is sending'}). Stop "
            "these processes first. A process that was killed on another machine counts "
            "for a minute; --force does not wait for that."
        )


def _report(moved: dict[str, int], one: StoredOutbox, source: str, target: str) -> None:
    rows = [(_NAMES.get(name, name), count) for name, count in moved.items() if count]
    if not rows:
        where = moved_to(one)
        click.echo(
            f"Nothing to move: {without_secrets(source)} is empty"
            f"{f' since everything was moved to {where}' if where else ''}."
        )
        return
    click.echo(f"Moved to {without_secrets(target)}:")
    click.echo(table(("What", "Rows"), rows))
