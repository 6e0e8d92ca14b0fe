"""``doctor``: what is wrong with a distribution and the site behind it, and the change."""

from collections.abc import Iterable
from collections.abc import Sequence
from collective.cloudfront.blueprint.options import TAG_HEADER
from collective.cloudfront.cli.connection import MARKS
from collective.cloudfront.cli.connection import refuse_key_pairs
from collective.cloudfront.cli.connection import Subject
from collective.cloudfront.cli.connection import subjects
from collective.cloudfront.cli.console import as_json_option
from collective.cloudfront.cli.console import Console
from collective.cloudfront.cli.console import distribution_option
from collective.cloudfront.cli.console import Exit
from collective.cloudfront.cli.console import Failure
from collective.cloudfront.cli.console import on_outbox
from collective.cloudfront.cli.console import print_json
from collective.cloudfront.cli.console import warn
from collective.cloudfront.cli.texts import printable
from collective.cloudfront.delivery.aws.editing import explained
from collective.cloudfront.delivery.aws.editing import make_editor
from collective.cloudfront.delivery.aws.editing import NotChanged
from collective.cloudfront.doctor.asking import ask
from collective.cloudfront.doctor.findings import Finding
from collective.cloudfront.doctor.findings import Level
from collective.cloudfront.doctor.mending import apply
from collective.cloudfront.doctor.mending import fixable
from collective.cloudfront.doctor.mending import Gone
from collective.cloudfront.doctor.shown import finding_as_json
from collective.cloudfront.doctor.shown import label
from collective.cloudfront.doctor.wanted import Use
from collective.cloudfront.doctor.words import commands
from collective.cloudfront.doctor.words import snippet
from collective.cloudfront.outbox.messages import counted
from urllib.parse import urlsplit

import click


#: Codes because of which nothing of a distribution is known.
_BLIND = frozenset(
    {"aws_failed", "not_checked", "throttled", "timed_out", "unexpected", "unreachable"}
)
_INDENT = " " * 11


def _url(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("Use a URL that begins with https:// or http://.")
    return value


@click.command(
    short_help="Find what is wrong with a distribution, and how to correct it."
)
@distribution_option
@click.option(
    "--site",
    metavar="URL",
    callback=_url,
    help="Also ask the site itself, at its public URL.",
)
@click.option(
    "--origin",
    metavar="URL",
    callback=_url,
    help="With --site: also ask Plone directly, at the URL of the site in Zope.",
)
@click.option(
    "--volto",
    is_flag=True,
    help="Without an outbox: Volto makes the pages of the site.",
)
@click.option(
    "--tag-header",
    default=TAG_HEADER,
    metavar="NAME",
    show_default=True,
    help="Without an outbox: the header for cache tags; empty if the site has none.",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Offer to set CacheTagConfig, and to hide the header from visitors.",
)
@click.option("--yes", is_flag=True, help="With --fix: change it without asking.")
@as_json_option
@on_outbox
def doctor(
    console: Console,
    chosen: tuple[str, ...],
    site: str | None,
    origin: str | None,
    volto: bool,
    tag_header: str,
    fix: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Compare distributions with the one that is right for Plone.

    It reads the configuration with the credentials of this machine, and says of each
    difference what visitors notice, and how to correct it. With an outbox, it knows the
    distributions of the sites. Without one, name a distribution. Nothing is changed, unless
    you use --fix and agree.

    Exits with 0 if there is nothing to do, 1 if a person must act, 3 if AWS cannot be asked.

    \b
    Examples:
      cloudfront doctor --distribution E2QWRUHAPOMQZL --site https://www.example.com
      cloudfront doctor --json
      cloudfront doctor --fix
    """
    if origin and not site:
        raise click.UsageError("Use --origin together with --site.")
    if as_json and fix and not yes:
        raise click.UsageError("Use --fix --json together with --yes.")
    own = Use(not volto, tag_header)
    found = _look(_subjects(console, chosen, own, site), site, origin or "")
    if not as_json:
        _print_all(found)
    fixed = _fix(found, yes, quiet=as_json) if fix else False
    if fixed:
        found = _look([subject for subject, _ in found], site, origin or "")
    if as_json:
        print_json({"distributions": [_as_json(*each) for each in found]})
    elif fixed:
        _print_all(found)
    if console.has_outbox:
        refuse_key_pairs(console, [each.distribution for each, _ in found] or chosen)
    code = _exit_code(finding for _, findings in found for finding in findings)
    if code is not Exit.FINE:
        raise click.exceptions.Exit(code)


_Found = list[tuple[Subject, list[Finding]]]


def _subjects(
    console: Console, chosen: tuple[str, ...], own: Use, site: str | None
) -> list[Subject]:
    if not console.has_outbox:
        if not chosen:
            raise click.UsageError(
                "Say which distribution (--distribution), or which outbox (--outbox)."
            )
        host = urlsplit(site).hostname if site else None
        hosts = (host,) if host else ()
        found = [Subject(each, hosts=hosts, use=own) for each in chosen]
    else:
        names = console.distributions(chosen)
        found = [each for name in names for each in subjects(console, name)]
        if not found:
            refuse_key_pairs(console, names)
    if site and len({each.distribution for each in found}) > 1:
        raise click.UsageError("Say which distribution the site has: --distribution.")
    return found


def _look(asked: Sequence[Subject], site: str | None, origin: str) -> _Found:
    found: _Found = []
    for number, subject in enumerate(asked):
        findings = subject.look()
        if site and number == 0:
            findings += ask(site, subject.use, _logs_in(findings), origin)
        found.append((subject, findings))
    return found


def _logs_in(findings: Iterable[Finding]) -> bool | None:
    """Return whether people log in through CloudFront; None: it is not known."""
    codes = {each.code for each in findings}
    if "cookies_key" in codes:
        return True
    return False if "cookies_removed" in codes else None


def _exit_code(findings: Iterable[Finding]) -> Exit:
    some = list(findings)
    if any(
        (each.name == "distribution" and each.code in _BLIND)
        or (each.name == "credentials" and each.level is not Level.OK)
        for each in some
    ):
        return Exit.UNAVAILABLE
    for each in some:
        if each.level in (Level.WARNING, Level.ERROR) or each.code == "not_readable":
            return Exit.NEEDS_PERSON
    return Exit.FINE


# What people see


def _as_json(subject: Subject, findings: list[Finding]) -> dict[str, object]:
    return {
        "distribution": subject.distribution,
        "items": [finding_as_json(each) for each in findings],
    }


def _print_all(found: _Found) -> None:
    for subject, findings in found:
        click.echo(subject.distribution)
        wrong = [each for each in findings if each.level is not Level.OK]
        for each in wrong:
            _print(each)
        fine = counted(len(findings) - len(wrong), "check")
        click.echo(f"  {MARKS[Level.OK]}  {fine} without findings.")


def _print(finding: Finding) -> None:
    text = printable(finding.text)
    click.echo(f"  {MARKS[finding.level]}  {label(finding)}: {text}")
    if finding.advice:
        click.echo(_INDENT + printable(finding.advice))
    if finding.edits:
        _print_change(finding)


def _print_change(finding: Finding) -> None:
    click.echo(f"{_INDENT}With the AWS CLI and jq:")
    for line in commands(finding.distribution, finding.edits):
        click.echo(f"{_INDENT}  {line}")
    click.echo(f"{_INDENT}In CloudFormation:")
    for line in snippet(finding.edits).splitlines():
        click.echo(f"{_INDENT}  {line}")


def _fix(found: _Found, yes: bool, quiet: bool) -> bool:
    """Offer the changes, and make those that a person wants; return whether one was."""
    # Credentials and tenants may share a distribution: each change is made once
    once: dict[tuple[str, str], tuple[Subject, Finding]] = {}
    for subject, findings in found:
        for each in fixable(findings):
            once.setdefault((each.distribution, each.code), (subject, each))
    some = list(once.values())
    if not some:
        warn("There is nothing that --fix changes.")
        return False
    done = False
    for subject, finding in some:
        if not quiet:
            _show_change(finding)
        if yes or click.confirm("Change this?", err=True):
            _change(subject, finding)
            done = True
    return done


def _show_change(finding: Finding) -> None:
    click.echo(f"{finding.distribution}: {printable(finding.advice)}")
    for line in snippet(finding.edits).splitlines():
        click.echo(f"  + {line}")
    if any(edit.id and not edit.copied_for for edit in finding.edits):
        click.echo("  Other distributions with the same policy change, too.")


def _change(subject: Subject, finding: Finding) -> None:
    try:
        editor = make_editor(subject.credentials)
        with explained():
            changed = apply(editor, finding.distribution, finding.edits)
    except (NotChanged, Gone) as error:
        raise Failure(f"{finding.distribution} was not changed: {error}") from error
    warn(f"Changed: {', '.join(changed)}. CloudFront needs some minutes to deploy it.")
