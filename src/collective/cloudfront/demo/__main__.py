"""``python -m collective.cloudfront.demo``: watch the main job, then try it yourself."""

from argparse import ArgumentDefaultsHelpFormatter
from argparse import ArgumentParser
from argparse import Namespace
from collections.abc import Sequence
from collective.cloudfront.demo.instance import Instance
from collective.cloudfront.demo.instance import InstanceFailed
from collective.cloudfront.demo.instance import is_busy
from collective.cloudfront.demo.instance import LOOPBACK
from collective.cloudfront.demo.instance import PASSWORD
from collective.cloudfront.demo.instance import USER
from collective.cloudfront.demo.instance import virtual_host_root
from collective.cloudfront.demo.scenario import NotFresh
from collective.cloudfront.demo.scenario import Scenario
from collective.cloudfront.local import LocalCloudFront
from collective.cloudfront.local import Options
from pathlib import Path

import shutil
import signal
import sys
import threading
import time


DISTRIBUTION = "EDEMO1234567"
#: For browsers. At 127.0.0.1 Plone shows pages without their theme, on purpose.
HOST = "localhost"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit status, which is 0 if the edge has the new text."""
    arguments = _parse(argv)
    for name in ("origin", "edge", "api"):
        port = getattr(arguments, f"{name}_port")
        if is_busy(port):
            _print(
                f"Port {port} on {LOOPBACK} is in use. Stop what uses it, or choose "
                f"another one: make demo ARGS='--{name}-port {port + 100}'"
            )
            return 2
    # If an operator or a test runner stops it, it must stop Zope, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _run(arguments)
    except (InstanceFailed, NotFresh) as error:
        _print(f"The demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        _print("Stopped.")
        return 130


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="make demo",
        description="Plone behind a local CloudFront: an edit becomes an invalidation.",
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--origin-port", type=int, default=8080, help="port of Plone")
    parser.add_argument("--edge-port", type=int, default=8090, help="port of the edge")
    parser.add_argument(
        "--api-port", type=int, default=8091, help="port of the CloudFront API"
    )
    parser.add_argument(
        "--home", type=Path, default=Path(".demo"), help="folder for the site"
    )
    parser.add_argument(
        "--once", action="store_true", help="end after the scenario, with its status"
    )
    return parser.parse_args(argv)


def _run(arguments: Namespace) -> int:
    started = time.monotonic()
    edge = f"{HOST}:{arguments.edge_port}"
    cloudfront = LocalCloudFront(
        origin=virtual_host_root(f"http://{LOOPBACK}:{arguments.origin_port}", edge),
        options=Options(distributions=(DISTRIBUTION,)),
        api_port=arguments.api_port,
        edge_port=arguments.edge_port,
    )
    # There is no local STS, and we must not ask AWS who "local" is
    environ = {**cloudfront.environment, "AWS_ENDPOINT_URL_STS": cloudfront.api_url}
    instance = Instance(arguments.home, arguments.origin_port, environ=environ)
    _make_site_once(instance)
    with cloudfront:
        try:
            _print("Starting Plone …")
            instance.start()
            instance.wait_until_ready()
            _print(f"Plone and CloudFront run ({time.monotonic() - started:.1f} s).")
            Scenario(instance, cloudfront, _print).perform()
            _print("The main job is done.")
            if not arguments.once:
                _serve(instance, cloudfront)
        finally:
            instance.stop()
    return 0


def _make_site_once(instance: Instance) -> None:
    """Create the site, unless an earlier run has completed it."""
    done = instance.home / "site-made"
    if not done.exists():
        _print("Creating a Plone site; only the first time …")
        shutil.rmtree(instance.home, ignore_errors=True)
        instance.configure()
        instance.run("collective.cloudfront.demo.make_site", DISTRIBUTION)
        done.touch()
    instance.configure()


def _serve(instance: Instance, cloudfront: LocalCloudFront) -> None:
    site = instance.site_url.replace(LOOPBACK, HOST)
    _print(
        f"\n"
        f"  Edit here       {site}/welcome/edit  ({USER} / {PASSWORD})\n"
        f"  Status          {site}/@@cloudfront-controlpanel\n"
        f"  Visit the edge  {cloudfront.edge_url.replace(LOOPBACK, HOST)}/welcome\n"
        f"  Zope's log      {instance.log}\n"
        f"\n"
        f"Each invalidation is a line here. Ctrl-C ends it."
    )
    cloudfront.control.on_accepted.append(
        lambda made: _print(f"cloudfront  {made.id}  {' '.join(made.items)}")
    )
    stopped = threading.Event()
    try:
        while not stopped.wait(0.5):
            if instance.process.poll() is not None:
                raise InstanceFailed(f"Zope ended; see {instance.log}.")
    except KeyboardInterrupt:
        _print("Stopping …")


def _print(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
