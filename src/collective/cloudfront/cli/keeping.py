"""``retry``, ``discard`` and ``resume``: what waits for a person."""

from collections.abc import Callable
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import distribution_option
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.outbox.messages import counted

import click


#: So many refused items are looked at.
_MOST = 100_000

_items = click.argument("items", nargs=-1, metavar="ITEM...")
_all = click.option("--all", "everything", is_flag=True, help="All refused items.")


@click.command(short_help="Send refused items again.")
@_items
@_all
@distribution_option
@on_outbox
def retry(
    console: Console,
    items: tuple[str, ...],
    everything: bool,
    chosen: tuple[str, ...],
) -> None:
    """Send items again that CloudFront has refused.

    \b
    Examples:
      cloudfront retry '/news/a|b'
      cloudfront retry --all --distribution E2QWRUHAPOMQZL
    """
    count = _each(console, items, everything, chosen, console.outbox.retry_quarantined)
    click.echo(f"{counted(count, 'item')} will be sent again.")


@click.command(short_help="Give up items that CloudFront refuses.")
@_items
@_all
@distribution_option
@on_outbox
def discard(
    console: Console,
    items: tuple[str, ...],
    everything: bool,
    chosen: tuple[str, ...],
) -> None:
    """Give up items that CloudFront has refused: they are not sent any more."""
    count = _each(
        console, items, everything, chosen, console.outbox.discard_quarantined
    )
    click.echo(f"Discarded {counted(count, 'item')}.")


def _each(
    console: Console,
    items: tuple[str, ...],
    everything: bool,
    chosen: tuple[str, ...],
    act: Callable[[str, str], bool],
) -> int:
    if bool(items) == everything:
        raise click.UsageError("Say which items, or use --all.")
    refused = console.outbox.quarantined(_MOST, chosen or None)
    found = {each.item for each in refused}
    for item in items:
        if item not in found:
            raise Failure(
                f"CloudFront has not refused {item}, or it is no longer listed."
            )
    return sum(
        act(each.distribution, each.item)
        for each in refused
        if everything or each.item in items
    )


@click.command(short_help="Try at once where purging is paused.")
@distribution_option
@on_outbox
def resume(console: Console, chosen: tuple[str, ...]) -> None:
    """Try at once where purging is paused or waits, instead of in some minutes.

    For example after you have corrected credentials or a policy.
    """
    for each in chosen or (None,):
        console.outbox.resume(each)
    click.echo("Couriers try again at once.")
