"""The group of all commands, and what they have in common."""

from collective.cloudfront.cli.connection import test_connection
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.doctor import doctor
from collective.cloudfront.cli.keeping import discard
from collective.cloudfront.cli.keeping import resume
from collective.cloudfront.cli.keeping import retry
from collective.cloudfront.cli.outboxes import outbox
from collective.cloudfront.cli.purge import cancel
from collective.cloudfront.cli.purge import purge
from collective.cloudfront.cli.rq import rq
from collective.cloudfront.cli.status import history
from collective.cloudfront.cli.status import scheduled
from collective.cloudfront.cli.status import status
from collective.cloudfront.cli.template import template
from collective.cloudfront.cli.worker import drain
from collective.cloudfront.cli.worker import worker

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--outbox",
    "url",
    envvar="CLOUDFRONT_OUTBOX",
    default="",
    metavar="URL",
    help="The outbox of Zope, such as sqlite:////var/lib/cf/outbox.sqlite; "
    "CLOUDFRONT_OUTBOX if not given.",
)
@click.version_option(package_name="collective.cloudfront")
@click.pass_context
def main(context: click.Context, url: str) -> None:
    """Look at what Plone purges from CloudFront, and steer it, without Zope.

    Exit codes: 0 fine, 1 a person must do something, 2 wrong usage, 3 the outbox cannot
    be used, 4 not in time.

    \b
    Examples:
      cloudfront status
      cloudfront purge /news --below --wait
      cloudfront --outbox sqlite:////srv/plone/var/outbox.sqlite worker
    """
    context.obj = Console(url)


for command in (
    status,
    purge,
    history,
    scheduled,
    cancel,
    retry,
    discard,
    resume,
    test_connection,
    doctor,
    drain,
    worker,
    rq,
    outbox,
    template,
):
    main.add_command(command)
