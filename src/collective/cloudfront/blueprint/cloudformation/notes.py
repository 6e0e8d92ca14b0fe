"""Comments of a template: each reason where it is first needed, and only there."""

from collective.cloudfront.blueprint.cloudformation.document import Why
from collective.cloudfront.blueprint.reasons import reason_of
from typing import Any


class Notes:
    """Puts reasons above values, each once in a template."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def why(self, owner: object, field: str, value: Any) -> Any:
        """Return a value with the reason of the field of ``owner`` that it comes from."""
        return self.once(reason_of(owner, field), value)

    def once(self, text: str, value: Any) -> Any:
        """Return a value with a comment, unless the template has that comment already."""
        if not text or text in self._said:
            return value
        self._said.add(text)
        return Why(value, text)
