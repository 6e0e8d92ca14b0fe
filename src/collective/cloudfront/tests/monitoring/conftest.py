"""Machines that ask a site, through Zope's publisher."""

from collections.abc import Callable
from collective.cloudfront.tests.api.conftest import site
from plone.testing.zope import Browser
from typing import Any

import pytest


__all__ = ["site"]


@pytest.fixture
def machine(functional: Any, site: Any) -> Callable[..., Any]:
    """Ask for a path below the site, with headers; returns the response of WebTest."""

    def ask(path: str, **headers: str) -> Any:
        return Browser(functional["app"]).testapp.get(
            f"{site.absolute_url()}/{path}", headers=headers, expect_errors=True
        )

    return ask
