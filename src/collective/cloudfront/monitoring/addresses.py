"""Addresses of machines that may ask: networks in an environment variable."""

from collections.abc import Mapping
from ipaddress import ip_address
from ipaddress import ip_network
from ipaddress import IPv4Network
from ipaddress import IPv6Address
from ipaddress import IPv6Network
from typing import Any

import logging
import os
import re


logger = logging.getLogger("collective.cloudfront")

#: What was said of a variable once.
_complained: set[str] = set()


def is_from(
    request: Any, variable: str, environ: Mapping[str, str] = os.environ
) -> bool:
    """Say whether a request comes from a network of an environment variable.

    That is the peer's own address: ``X-Forwarded-For`` counts only if Zope's
    ``trusted-proxy`` names the peer.
    """
    try:
        address = ip_address(request.getClientAddr() or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        # A socket for both kinds of addresses writes IPv4 so.
        address = address.ipv4_mapped
    return any(address in each for each in networks(variable, environ))


def networks(
    variable: str, environ: Mapping[str, str] = os.environ
) -> list[IPv4Network | IPv6Network]:
    """Return the networks that an environment variable lists. What is none is logged."""
    found = []
    for text in re.split(r"[\s,]+", environ.get(variable, "")):
        try:
            if text:
                found.append(ip_network(text, strict=False))
        except ValueError:
            if text not in _complained:
                _complained.add(text)
                logger.error(
                    "Environment variable %s: %r is not an address or network.",
                    variable,
                    text,
                )
    return found
