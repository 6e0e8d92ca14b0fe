"""The properties of a resource, read strictly: what nobody asked for is an error."""

from collections.abc import Iterable
from collections.abc import Mapping
from collective.cloudfront.local.template.errors import TemplateError
from enum import Enum
from typing import Any
from typing import TypeVar


_Choice = TypeVar("_Choice", bound=Enum)
_MISSING = object()


class Properties:
    """An object of a template.

    Ask for each property that may be there, and then call :meth:`finish`.
    """

    def __init__(self, values: Any, place: str) -> None:
        if not isinstance(values, Mapping):
            raise TemplateError(place, "This is an object.")
        self.place = place
        self._values = values
        self._asked: set[str] = set()

    def has(self, name: str) -> bool:
        """Is the property there?"""
        self._asked.add(name)
        return name in self._values

    def _get(self, name: str, default: Any) -> Any:
        self._asked.add(name)
        value = self._values.get(name, default)
        if value is _MISSING:
            raise TemplateError(self.place, f"{name} is missing.")
        return value

    def error(self, name: str, problem: str) -> TemplateError:
        """Make an error about a property."""
        return TemplateError(f"{self.place}.{name}", problem)

    def text(self, name: str, default: Any = _MISSING) -> str:
        """Return a text."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self.error(name, f"{value!r} is not a text.")
        return value

    def number(self, name: str, default: Any = _MISSING) -> float:
        """Return a number, which may be a text, as CloudFormation allows."""
        value = self._get(name, default)
        try:
            result = float(value) if not isinstance(value, bool) else -1.0
        except (TypeError, ValueError):
            result = -1.0
        if result < 0:
            raise self.error(name, f"{value!r} is not a number of 0 or more.")
        return result

    def truth(self, name: str, default: Any = _MISSING) -> bool:
        """Return a truth value, which may be a text, as CloudFormation allows."""
        value = self._get(name, default)
        known = {"true": True, "false": False}
        if isinstance(value, str) and value.lower() in known:
            return known[value.lower()]
        if not isinstance(value, bool):
            raise self.error(name, f"{value!r} is neither true nor false.")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; none, if it is missing."""
        values = self._get(name, [])
        if not isinstance(values, list) or not all(
            isinstance(each, str) for each in values
        ):
            raise self.error(name, "This is a list of texts.")
        return tuple(values)

    def choice(
        self, name: str, kind: type[_Choice], default: Any = _MISSING
    ) -> _Choice:
        """Return a member of an enumeration."""
        value = self._get(name, default)
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(str(each.value) for each in kind)
            raise self.error(name, f"{value!r} is none of {known}.") from None

    def object(self, name: str) -> "Properties":
        """Return an object, empty if it is missing."""
        return Properties(self._get(name, {}), f"{self.place}.{name}")

    def objects(self, name: str) -> list["Properties"]:
        """Return a list of objects; none, if it is missing."""
        values = self._get(name, [])
        if not isinstance(values, list):
            raise self.error(name, "This is a list.")
        place = f"{self.place}.{name}"
        return [Properties(each, f"{place}[{i}]") for i, each in enumerate(values)]

    def without_effect(self, names: Iterable[str]) -> None:
        """Say that these change nothing that the edge does here."""
        self._asked.update(names)

    def finish(self) -> None:
        """Raise TemplateError if there is a property that nobody asked for."""
        unknown = sorted(set(self._values) - self._asked)
        if unknown:
            raise self.error(unknown[0], "The local CloudFront does not know this.")
