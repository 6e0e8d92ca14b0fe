"""A Plone process that does transactions until it is killed, many times over.

Run as ``python -m collective.cloudfront.tests.http.killed etc/zope.conf``. Plone is
loaded once; each line of standard input forks a child that opens the database anew,
as a restarted process does: ``run NAME`` does transactions until it is killed,
``finish`` waits until the outbox is empty and prints what was committed, as JSON.
"""

from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from collective.cloudfront.delivery.aws.gateway import Boto3Gateway
from collective.cloudfront.delivery.aws.port import Credentials
from collective.cloudfront.planning.pacing import Limits
from collective.cloudfront.process import this_process
from collective.cloudfront.purge import purge_path
from itertools import count
from ZODB.POSException import ConflictError
from zope.component.hooks import setSite
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent

import json
import os
import random
import sys
import time
import traceback
import transaction
import Zope2


#: More calls than CloudFront would allow, so that many kills hit one.
#: … and each path is sent as it is, so that it can be looked for.
MANY_CALLS = Limits(call_rate=50.0, call_burst=50.0, siblings=10**6, wildcards=10**6)
GATEWAY = Boto3Gateway()


def main(zope_conf: str) -> None:
    """Load Plone, then fork a child for each command."""
    from Zope2.App.zcml import load_site
    from Zope2.Startup.run import configure_wsgi

    configure_wsgi(zope_conf)
    load_site()
    # boto3's cold start would outlive most children.
    GATEWAY.warm_up([Credentials()])
    print("ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        child = os.fork()
        if child == 0:
            try:
                {"run": run, "finish": finish}[command](*arguments)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


def _open():
    # Before Zope starts, and with it the courier.
    this_process().courier.limits = MANY_CALLS
    this_process().courier.gateway = GATEWAY
    Zope2.startup_wsgi()
    site = Zope2.app()["Plone"]
    setSite(site)
    newSecurityManager(None, system)
    return site


def run(name: str) -> None:
    """Do transactions; every third is aborted, after its changes were collected."""
    site = _open()
    for number in count():
        transaction.begin()
        key = f"{name}-{number}"
        committed = dict(getattr(site, "_committed_keys", {}))
        committed[key] = 1
        site._committed_keys = committed
        purge_path(f"/transaction/{key}")
        if number % 5 == 0:
            site.welcome.title = f"Edited by {key}"
            notify(ObjectModifiedEvent(site.welcome))
        try:
            if number % 3 == 2:
                transaction.abort()
            else:
                transaction.commit()
        except ConflictError:
            transaction.abort()  # with another node
        if number == 0:
            print("working", flush=True)
        time.sleep(random.random() / 200)


def finish() -> None:
    """Wait until everything is delivered, and say what was committed."""
    site = _open()
    outbox = this_process().outbox
    while any(work.ready or work.frozen for work in outbox.work()) or (
        outbox.status().prepared
    ):
        time.sleep(0.1)
    report = {
        "committed": sorted(site._committed_keys),
        "in_doubt": outbox.status().in_doubt_released,
        "settled": [
            [settled.reference, settled.invalidation, list(settled.items)]
            for settled in outbox.history(100_000)
        ],
    }
    print(json.dumps(report), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
