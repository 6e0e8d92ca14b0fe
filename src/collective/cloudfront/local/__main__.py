"""``python -m collective.cloudfront.local``: run it until Ctrl-C."""

from argparse import ArgumentDefaultsHelpFormatter
from argparse import ArgumentParser
from argparse import ArgumentTypeError
from argparse import BooleanOptionalAction
from argparse import SUPPRESS
from collections.abc import Sequence
from collective.cloudfront.local.options import Options
from collective.cloudfront.local.options import QuotaModel
from collective.cloudfront.local.records import Invalidation
from collective.cloudfront.local.server import LocalCloudFront
from collective.cloudfront.local.server import PortBusy
from collective.cloudfront.local.template import read_template
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import signal
import sys
import threading


_ORIGIN = "http://127.0.0.1:8080"
#: Items of an invalidation that its log line shows.
_SHOWN = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    parser = _parser()
    arguments = vars(parser.parse_args(argv))
    names = {field.name for field in fields(Options)}
    chosen = {name: value for name, value in arguments.items() if name in names}
    if arguments["api_rate"] == "off":
        chosen["api_rate"] = None
    by_id, origin = _origins(arguments.get("origin"))
    try:
        template = None
        if arguments["template"]:
            template = read_template(
                arguments["template"], dict(arguments["parameters"])
            )
        cloudfront = LocalCloudFront(
            origin=origin,
            options=Options(**chosen),
            api_port=arguments["api_port"],
            edge_port=arguments["edge_port"],
            template=template,
        )
        cloudfront.edge.origins_by_id = by_id
        cloudfront.edge.viewer_protocol = arguments["viewer_protocol"]
        cloudfront.start()
    except (OSError, PortBusy, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    cloudfront.control.on_accepted.append(_tell)
    _say(_greeting(cloudfront))
    _wait_for_signal()
    cloudfront.stop()
    return 0


def _origins(given: Sequence[str] | None) -> tuple[dict[str, str], str]:
    """Return the URLs of origins that have a name, and that of all others."""
    by_id: dict[str, str] = {}
    others = _ORIGIN
    for each in given or ():
        name, is_named, url = each.partition("=")
        if is_named and "://" not in name:
            by_id[name] = url
        else:
            others = each
    return by_id, others


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="cloudfront-local",
        description="A local CloudFront: the API as boto3 speaks it, and a caching "
        "edge. For development and tests, not for production. Listens on 127.0.0.1 "
        "only.",
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    _add_places(parser)
    _add_template(parser)
    _add_access(parser)
    _add_times_and_quotas(parser)
    _add_caching(parser)
    return parser


def _add_places(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("where")
    group.add_argument(
        "--api-port",
        type=int,
        default=8091,
        metavar="N",
        help="port of the API; 0: any free one",
    )
    group.add_argument(
        "--edge-port",
        type=int,
        default=8090,
        metavar="N",
        help="port of the edge; 0: any free one",
    )
    group.add_argument(
        "--origin",
        action="append",
        default=SUPPRESS,
        metavar="URL",
        help="what the edge puts before the viewer's path and query string, such as "
        "http://127.0.0.1:8080/VirtualHostBase/http/www.example.com:80/Plone"
        "/VirtualHostRoot; {host} stands for the viewer's Host. With --template, a path "
        "replaces the OriginPath, and ID=URL is for the origin with this id "
        f"(default: {_ORIGIN})",
    )
    group.add_argument(
        "--distribution",
        action="append",
        dest="distributions",
        default=SUPPRESS,
        metavar="ID",
        help="E… or dt_… (a tenant); repeat it for several: the edge serves the first, "
        "and any other as http://<id in lower case>.localhost:<port> "
        f"(default: {Options().distributions[0]})",
    )


def _add_template(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("a distribution from CloudFormation")
    group.add_argument(
        "--template",
        type=Path,
        metavar="FILE",
        help="do what the distribution in this template says, in JSON or YAML; what the "
        "local CloudFront does not know in it is an error",
    )
    group.add_argument(
        "--parameter",
        action="append",
        dest="parameters",
        type=_parameter,
        default=[],
        metavar="NAME=VALUE",
        help="of the template; repeat it for several",
    )
    group.add_argument(
        "--viewer-protocol",
        choices=["http", "https"],
        default="https",
        help="how viewers are taken to come, though the edge speaks HTTP alone",
    )


def _parameter(text: str) -> tuple[str, str]:
    name, is_assigned, value = text.partition("=")
    if not is_assigned:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _add_access(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("who may")
    group.add_argument(
        "--access-key",
        action="append",
        dest="accepted_access_keys",
        default=SUPPRESS,
        metavar="ID",
        help="accept this access key id and no others (default: any)",
    )
    group.add_argument(
        "--deny",
        action="append",
        dest="denied_actions",
        default=SUPPRESS,
        metavar="OPERATION",
        help="answer AccessDenied, such as for GetInvalidation (default: none)",
    )


def _add_times_and_quotas(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("times and quotas")
    _add_option(group, "completion_delay", "seconds from accepted to Completed")
    _add_option(group, "effect_delay", "seconds from accepted to gone from the cache")
    group.add_argument(
        "--quota-model",
        choices=[model.value for model in QuotaModel],
        default=Options().quota_model.value,
        help="which quotas of a distribution to enforce",
    )
    _add_option(group, "paths_in_progress", "paths and tags in progress")
    _add_option(group, "wildcards_in_progress", "wildcards in progress")
    _add_option(group, "paths_per_second", "rate of paths and tags")
    _add_option(group, "paths_burst", "paths and tags that may come at once")
    _add_option(group, "wildcards_per_second", "rate of wildcards")
    _add_option(group, "wildcards_burst", "wildcards that may come at once")
    group.add_argument(
        "--api-rate",
        type=_rate,
        metavar="N",
        default=Options().api_rate,
        help="CreateInvalidation calls per second, or off",
    )
    _add_option(group, "api_burst", "CreateInvalidation calls that may come at once")


def _add_caching(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("caching")
    _add_option(group, "origin_latency", "seconds from the origin to the edge")
    group.add_argument(
        "--cache-everything",
        action=BooleanOptionalAction,
        default=False,
        help="cache every GET and HEAD answer below 500 for a day, whatever its "
        "Cache-Control says, so that you see what is stale",
    )
    group.add_argument(
        "--forward-cookies",
        action=BooleanOptionalAction,
        default=False,
        help="forward requests with Cookie or Authorization, and do not cache them "
        "(default: drop these headers)",
    )
    group.add_argument(
        "--cache-tag-header",
        metavar="NAME",
        default=SUPPRESS,
        help="response header with cache tags (CacheTagConfig); without it, tags have "
        "no effect",
    )
    _add_option(group, "default_ttl", "seconds to cache what has no Cache-Control")
    _add_option(group, "error_ttl", "seconds to cache a 4xx answer")
    _add_option(group, "max_entries", "responses to cache per distribution")


def _add_option(group: Any, name: str, text: str) -> None:
    default = getattr(Options(), name)
    group.add_argument(
        "--" + name.replace("_", "-"),
        type=type(default),
        default=default,
        metavar="N",
        help=text,
    )


def _rate(text: str) -> float | str:
    if text == "off":
        return text
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a number nor off") from None


def _greeting(cloudfront: LocalCloudFront) -> str:
    lines = [
        "Local CloudFront, for development and tests. Not for production.",
        f"  edge    {cloudfront.edge_url}  before  {cloudfront.edge.origin}",
        *_from_template(cloudfront),
        f"  API     {cloudfront.api_url}",
        f"  log     {cloudfront.api_url}/_local/log (also state, cache, invalidations)",
        "  to use the API with boto3:",
    ]
    for name, value in cloudfront.environment.items():
        lines.append(f"    export {name}={value}")
    lines.append("  Ctrl-C ends it.")
    return "\n".join(lines)


def _from_template(cloudfront: LocalCloudFront) -> list[str]:
    return [
        f"  {name}  {config.logical_id} of the template, "
        f"with {len(config.behaviors) + 1} behaviors"
        for name, config in cloudfront.edge.configs.items()
    ]


def _tell(invalidation: Invalidation) -> None:
    """Print a line about an accepted invalidation."""
    items = invalidation.items
    shown = " ".join(items[:_SHOWN])
    if len(items) > _SHOWN:
        shown += f" and {len(items) - _SHOWN} more"
    count = "1 item" if len(items) == 1 else f"{len(items)} items"
    _say(
        f"cloudfront  {invalidation.id}  {invalidation.distribution}  {count}: {shown}"
    )


def _say(text: str) -> None:
    with suppress(OSError):  # nobody listens any more: no reason to stop serving
        print(text, flush=True)


def _wait_for_signal() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    # With a timeout, because on Windows a wait without one cannot be interrupted.
    while not stopped.wait(0.5):
        pass


if __name__ == "__main__":
    sys.exit(main())
