"""From ``CLOUDFRONT_OUTBOX`` to an outbox."""

from collections.abc import Callable
from collective.cloudfront.outbox.contract import Outbox
from importlib import import_module
from importlib.metadata import entry_points
from urllib.parse import urlsplit


#: Called with the path of a damaged outbox after it was set aside.
OnDamage = Callable[[str], None]
#: Returns the outbox at a URL; raises ``ValueError`` for a URL that it cannot use.
OpenEngine = Callable[[str, OnDamage], Outbox]

#: The entry points of other packages' engines, by the scheme of their URLs.
GROUP = "collective.cloudfront.outboxes"

#: The schemes of URLs, and what opens them. A module is imported only when it is used.
_ENGINES = {
    "postgres": "collective.cloudfront.outbox.postgresql.engine",
    "postgresql": "collective.cloudfront.outbox.postgresql.engine",
    "redis": "collective.cloudfront.outbox.redis.engine",
    "redis+sentinel": "collective.cloudfront.outbox.redis.engine",
    "rediss": "collective.cloudfront.outbox.redis.engine",
    "sqlite": "collective.cloudfront.outbox.sqlite.engine",
}
#: What an engine needs is installed with this extra.
_EXTRAS = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "redis": "redis",
    "redis+sentinel": "redis",
    "rediss": "redis",
}


def open_outbox(url: str, on_damage: OnDamage = lambda path: None) -> Outbox:
    """Return the outbox at ``url``, such as ``sqlite:////var/lib/cf/outbox.sqlite``.

    ``on_damage`` is called with the path of a damaged outbox after it was set aside.
    Raises ``ValueError`` for a URL that names no known engine, or one whose packages are
    not installed.
    """
    # The name of an engine may stand alone.
    scheme = urlsplit(url).scheme or url
    return _engine(scheme)(url, on_damage)


def _engine(scheme: str) -> OpenEngine:
    if scheme in _ENGINES:
        try:
            return import_module(_ENGINES[scheme]).open_engine
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            if extra is None:
                raise
            raise ValueError(
                f"An outbox of {scheme}: needs packages that are not installed "
                f"({error}). Run: pip install 'collective.cloudfront[{extra}]'."
            ) from error
    for entry_point in entry_points(group=GROUP, name=scheme):
        return entry_point.load()
    known = ", ".join(sorted(_ENGINES))
    raise ValueError(f"The URL names no outbox. It has to begin with one of: {known}.")
