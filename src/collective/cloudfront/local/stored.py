"""What clients have stored with the API: configurations, as they sent them.

A stored configuration replaces what the options say about the same thing. It is kept as
XML, with elements that nobody here knows.
"""

from dataclasses import dataclass
from xml.etree import ElementTree


#: The kinds of what can be stored, as URLs of the API call them.
DISTRIBUTION = "distribution"
TENANT = "distribution-tenant"


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration without namespaces, its version, and when it was stored."""

    config: ElementTree.Element
    etag: str
    modified: float


class Store:
    """Configurations by kind and id. Not thread-safe."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], Document] = {}
        self._versions = 0
        self._forgotten = 0

    @property
    def etag(self) -> str:
        """The version of what is not stored."""
        return _etag(self._forgotten)

    @property
    def version(self) -> int:
        """A number that differs after each change."""
        return self._versions

    def all(self) -> dict[tuple[str, str], ElementTree.Element]:
        """Return all configurations, by kind and id."""
        return {key: each.config for key, each in self._documents.items()}

    def find(self, kind: str, name: str) -> Document | None:
        """Return what is stored, or None."""
        return self._documents.get((kind, name))

    def of_kind(self, kind: str) -> dict[str, Document]:
        """Return what is stored of a kind, by id."""
        return {
            name: document
            for (each, name), document in self._documents.items()
            if each == kind
        }

    def put(
        self, kind: str, name: str, config: ElementTree.Element, now: float
    ) -> Document:
        """Store a configuration as a new version."""
        self._versions += 1
        document = Document(config, _etag(self._versions), now)
        self._documents[kind, name] = document
        return document

    def forget(self) -> None:
        """Forget what is stored: the options count again, as a new version."""
        self._versions += 1
        self._forgotten = self._versions
        self._documents.clear()


def _etag(version: int) -> str:
    return f"ELOCAL{version or ''}"
