"""What commands share: the outbox, what is published in it, and how they end."""

from collections.abc import Callable
from collections.abc import Collection
from collective.cloudfront.delivery.published import Published
from collective.cloudfront.delivery.published import published
from collective.cloudfront.outbox import open_outbox
from collective.cloudfront.outbox import Outbox
from collective.cloudfront.outbox import OutboxUnavailable
from collective.cloudfront.outbox.shown import Shown
from enum import IntEnum
from functools import cached_property
from functools import wraps
from typing import Any
from typing import TypeVar
from urllib.parse import urlsplit

import click
import json
import time


class Exit(IntEnum):
    """How a command ends, for scripts. Documented in docs/command-line.rst."""

    FINE = 0
    #: A person must do something.
    NEEDS_PERSON = 1
    #: The command was used wrongly.
    USAGE = 2
    #: The outbox cannot be used now.
    UNAVAILABLE = 3
    #: What was waited for did not happen in time.
    TIMED_OUT = 4


class Failure(click.ClickException):
    """A command cannot do what it should; one sentence says why, and what to do."""

    def __init__(self, message: str, code: Exit = Exit.NEEDS_PERSON):
        super().__init__(message)
        self.exit_code = int(code)  # type: ignore[misc]


class Console:
    """The outbox that a command works on."""

    def __init__(self, url: str):
        self._url = url

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox, opened."""
        return open_at(self._url)

    @cached_property
    def published(self) -> Published:
        """What Zopes have published in it."""
        return published(self.outbox, time.time())

    @property
    def has_outbox(self) -> bool:
        """Whether an outbox was named."""
        return bool(self._url)

    @property
    def place(self) -> str:
        """The URL of the outbox, without what is secret."""
        return without_secrets(self._url)

    def distributions(self, chosen: Collection[str]) -> list[str]:
        """Return the distributions that were chosen, or all; raises ``UsageError``."""
        known = self.published.distributions
        for each in chosen:
            if each not in known:
                raise click.UsageError(
                    f"No site uses the distribution {each}. Known are: "
                    f"{' '.join(known) or 'none'}."
                )
        if not known:
            raise Failure(
                f"No site is known in {self.place}. Start Zope with the same outbox: it "
                "publishes its sites there."
            )
        return [each for each in known if not chosen or each in chosen]

    def end(self) -> None:
        """Close the outbox, if it was opened."""
        if "outbox" in self.__dict__:
            self.outbox.end()


def open_at(url: str) -> Outbox:
    """Open the outbox at ``url``; raises ``UsageError`` for one that names none."""
    if not url:
        raise click.UsageError(
            "Say which outbox: use --outbox, or set CLOUDFRONT_OUTBOX as for Zope."
        )
    try:
        return open_outbox(url)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def without_secrets(url: str) -> str:
    """Return a URL without user, password and query, in which passwords may be, too."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


_F = TypeVar("_F", bound=Callable[..., Any])


def on_outbox(command: _F) -> _F:
    """Pass the ``Console`` to a command, and end it as it should when the outbox fails."""

    @click.pass_obj
    @wraps(command)
    def run(console: Console, *args: Any, **options: Any) -> Any:
        try:
            return command(console, *args, **options)
        except OutboxUnavailable as error:
            raise Failure(
                f"The outbox {console.place} cannot be used ({error}). Try again later.",
                Exit.UNAVAILABLE,
            ) from error
        finally:
            console.end()

    return run  # type: ignore[return-value]


#: ``--json`` of each command that shows something.
as_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, with names as in the REST API."
)
distribution_option = click.option(
    "--distribution",
    "chosen",
    multiple=True,
    metavar="ID",
    help="Only this distribution; may be repeated.",
)

#: Values as JSON, in English.
SHOWN = Shown()


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def warn(text: str) -> None:
    """Print a line for people, which no script reads."""
    click.echo(text, err=True)
