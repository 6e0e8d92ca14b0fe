"""Purges every page after a deployment, with a token. Fails if Plone does not take it.

PLONE_URL, such as https://edit.example.com, PLONE_USER and PLONE_PASSWORD are in the
environment. Python's standard library is all that it needs.
"""

from urllib.error import HTTPError
from urllib.request import Request
from urllib.request import urlopen

import json
import os
import sys


SITE = os.environ["PLONE_URL"]

#: What to do, by what Plone's answer contains.
ADVICE = {
    "Use REST API": "Install plone.restapi in this site: Site Setup, Add-ons.",
    "plugin not installed": "Install plone.restapi in this site: Site Setup, Add-ons.",
    "Invalid credentials": "Check PLONE_USER and PLONE_PASSWORD.",
    "Unauthorized": "The user needs the permission 'collective.cloudfront: Purge "
    "everything'.",
    "NotFound": "Check PLONE_URL: it is the URL of a site, and collective.cloudfront "
    "must be installed there.",
}


def post(path: str, body: dict, **headers: str) -> dict:
    """Send JSON to Plone and return its answer."""
    request = Request(
        f"{SITE}/{path}",
        json.dumps(body).encode(),
        {"Accept": "application/json", "Content-Type": "application/json", **headers},
    )
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def advice(answer: str) -> str:
    """Return what to do about an error, or nothing."""
    return next((text for found, text in ADVICE.items() if found in answer), "")


def main() -> int:
    """Log in, and purge."""
    person = {
        "login": os.environ["PLONE_USER"],
        "password": os.environ["PLONE_PASSWORD"],
    }
    try:
        token = post("@login", person)["token"]
        body = {"all": True, "reason": "deployment"}
        done = post("@cloudfront/purge", body, Authorization=f"Bearer {token}")
    except HTTPError as error:
        answer = error.read().decode()
        print(f"{error.url}: {error} {answer}", file=sys.stderr)
        print(advice(answer), file=sys.stderr)
        return 1
    print(json.dumps(done, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
