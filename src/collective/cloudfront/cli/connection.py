"""``test-connection``: what works between here and CloudFront, and what does not."""

from collections.abc import Iterable
from collections.abc import Iterator
from collective.cloudfront.cli.console import as_json_option
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import distribution_option
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.delivery.published import Site
from collective.cloudfront.doctor.connection import test_connection as ask_aws
from collective.cloudfront.doctor.findings import CHECKS
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.shown import finding_as_json
from collective.cloudfront.doctor.wanted import Use
from dataclasses import dataclass

import click


#: Levels, in columns.
MARKS = {
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
    refuse_key_pairs(console, distributions)
    if any(each.level is Level.ERROR for some in found.values() for each in some):
        raise click.exceptions.Exit(Exit.NEEDS_PERSON)


#: For pytest
test_connection.__test__ = False  # type: ignore[attr-defined]


def _findings(console: Console, distribution: str) -> Iterator[Finding]:
    for subject in subjects(console, distribution):
        yield from subject.look()


@dataclass(frozen=True, slots=True)
class Subject:
    """A distribution to look at, how calls are signed, and how a site uses it."""

    distribution: str
    credentials: Credentials = Credentials()
    hosts: tuple[str, ...] = ()
    use: Use = Use()

    def look(self) -> list[Finding]:
        """Ask AWS."""
        return ask_aws(
            self.distribution,
            self.credentials,
            self.hosts,
            self.use.tag_header,
            is_classic=self.use.is_classic,
            finds_tags=self.use.finds_tags,
        )


def subjects(console: Console, distribution: str) -> list[Subject]:
    """Return what sites have published of a distribution, for each of its credentials."""
    target = console.published.targets.get(distribution)
    if target is None:
        return []
    sites = [
        site
        for site in console.published.sites
        if any(place.distribution == distribution for place in site.places)
    ]
    hosts = tuple(sorted({host for site in sites for host in site.hosts}))
    use = Use(
        is_classic=any(site.is_classic for site in sites),
        tag_header=_tag_header(sites, distribution),
        finds_tags=target.finds_tags,
    )
    return [Subject(distribution, each, hosts, use) for each in target.credentials]


def _tag_header(sites: list[Site], distribution: str) -> str:
    headers = [
        place.tag_header
        for site in sites
        for place in site.places
        if place.distribution == distribution
    ]
    return headers[0] if headers else ""


def refuse_key_pairs(console: Console, distributions: Iterable[str]) -> None:
    """Raise ``Failure`` where only Zope knows the key pair."""
    closed = [
        each for each in distributions if each in console.published.only_with_keys
    ]
    if closed:
        raise Failure(
            f"{' '.join(closed)}: the site signs with a key pair from its settings, which "
            "is known to Zope only. Use “Test connection” in the control panel."
        )


def _as_json(distribution: str, findings: list[Finding]) -> dict[str, object]:
    return {
        "distribution": distribution,
        "items": [finding_as_json(each) for each in findings],
    }


def _print(distribution: str, findings: list[Finding]) -> None:
    click.echo(distribution)
    for each in findings:
        click.echo(f"  {MARKS[each.level]}  {CHECKS[each.name]}: {each.text}")
        if each.advice:
            click.echo(f"           {each.advice}")
