"""Root folders of distributions: is there content in their place?

To a distribution whose root folder does not exist nothing is ever sent.
"""

from collections.abc import Iterable
from collective.cloudfront.i18n import _
from collective.cloudfront.manual.purge import content_at
from collective.cloudfront.settings import Distribution
from collective.cloudfront.settings import read_distributions
from typing import Any
from urllib.parse import unquote


#: What to do about one.
ADVICE = _(
    "advice_roots",
    default="Correct the folder after the distribution ID in the settings, or "
    "restore the folder.",
)


def missing_roots(
    site: Any, distributions: Iterable[Distribution]
) -> tuple[Distribution, ...]:
    """Return those whose root folder does not exist in ``site``."""
    return tuple(
        each
        for each in distributions
        if each.root and content_at(site, unquote(each.root))[0] is None
    )


def root_refused(site: Any, text: Any, stored: str | None) -> str:
    """Return why distributions cannot be entered as ``text``, or "".

    What is ``stored`` can be saved again: a check warns of it.
    """
    if not isinstance(text, str) or text == stored:
        return ""  # what is no text is refused as such
    missing = missing_roots(site, read_distributions(text))
    if not missing:
        return ""
    return _(
        "root_missing",
        default="The folder ${path} does not exist in this site, so nothing would "
        "be sent to ${distribution}.",
        mapping={"path": unquote(missing[0].root), "distribution": missing[0].id},
    )
