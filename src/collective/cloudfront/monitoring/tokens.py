"""Tokens of machines: secrets in the environment, sent as ``Authorization: Bearer …``."""

from collections.abc import Mapping
from typing import Any

import hmac
import os


_SCHEME = "bearer "


def has_token(
    request: Any, variable: str, environ: Mapping[str, str] = os.environ
) -> bool:
    """Say whether a request carries the token of an environment variable. One that is
    not set, or empty, is nobody's.
    """
    expected = environ.get(variable, "").strip()
    # Zope's name for the header, which it takes out of the environ of WSGI
    header = getattr(request, "_auth", None) or ""
    if not expected or not header.lower().startswith(_SCHEME):
        return False
    given = header[len(_SCHEME) :].strip()
    # WSGI hands over the bytes of a header as if they were Latin-1.
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
