"""``test-connection``: what works between here and CloudFront, and what does not."""

from collections.abc import Iterator
from collective.cloudfront.cli.console import as_json_option
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import distribution_option
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.doctor.connection import test_connection as ask_aws
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level

import click


_MARKS = {
    Level.OK: "ok     ",
    Level.INFO: "info   ",
    Level.UNKNOWN: "unknown",
    Level.WARNING: "warning",
    Level.ERROR: "error  ",
}


@click.command("test-connection", short_help="Ask AWS whether purging would work.")
@distribution_option
@as_json_option
@on_outbox
def test_connection(console: Console, chosen: tuple[str, ...], as_json: bool) -> None:
    """Ask AWS about the distributions, with the credentials of this machine.

    It uses the profiles and roles that the sites name, as a worker does on this
    machine. Nothing is purged or billed. Exits with 1 if purging would not work.
    """
    distributions = console.distributions(chosen)
    found = {each: list(_findings(console, each)) for each in distributions}
    if as_json:
        print_json({"distributions": [_as_json(*each) for each in found.items()]})
    else:
        for distribution, findings in found.items():
            _print(distribution, findings)
    closed = [
        each for each in distributions if each in console.published.only_with_keys
    ]
    if closed:
        raise Failure(
            f"{' '.join(closed)}: the site signs with a key pair from its settings, which "
            "is known to Zope only. Use “Test connection” in the control panel."
        )
    if any(each.level is Level.ERROR for some in found.values() for each in some):
        raise click.exceptions.Exit(Exit.NEEDS_PERSON)


#: For pytest
test_connection.__test__ = False  # type: ignore[attr-defined]


def _findings(console: Console, distribution: str) -> Iterator[Finding]:
    target = console.published.targets.get(distribution)
    if target is None:
        return
    sites = [
        site
        for site in console.published.sites
        if any(place.distribution == distribution for place in site.places)
    ]
    hosts = sorted({host for site in sites for host in site.hosts})
    for credentials in target.credentials:
        yield from ask_aws(
            distribution,
            credentials,
            hosts,
            _tag_header(sites, distribution),
            is_classic=any(site.is_classic for site in sites),
            finds_tags=target.finds_tags,
        )


def _tag_header(sites: list[Site], distribution: str) -> str:
    headers = [
        place.tag_header
        for site in sites
        for place in site.places
        if place.distribution == distribution
    ]
    return headers[0] if headers else ""


def _as_json(distribution: str, findings: list[Finding]) -> dict[str, object]:
    return {
        "distribution": distribution,
        "items": [
            {
                "name": each.name,
                "level": each.level.value,
                "title": CHECKS[each.name],
                "text": each.text,
                "advice": each.advice,
            }
            for each in findings
        ],
    }


def _print(distribution: str, findings: list[Finding]) -> None:
    click.echo(distribution)
    for each in findings:
        click.echo(f"  {_MARKS[each.level]}  {CHECKS[each.name]}: {each.text}")
        if each.advice:
            click.echo(f"           {each.advice}")
