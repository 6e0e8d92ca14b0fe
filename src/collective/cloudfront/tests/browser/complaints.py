"""What a browser complains of, apart from what people see."""

from playwright.sync_api import BrowserContext
from playwright.sync_api import ConsoleMessage
from playwright.sync_api import Request
from playwright.sync_api import Response


class Complaints:
    """Errors on the console, exceptions, and requests that failed."""

    def __init__(self):
        self.unexpected: list[str] = []
        self._expected: tuple[str, ...] = ()

    def expect(self, *parts: str) -> None:
        """From now on, what contains one of ``parts`` is no complaint."""
        self._expected += parts

    def listen(self, context: BrowserContext) -> None:
        """Collect from all pages of ``context``."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self._add(f"exception: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _add(self, text: str) -> None:
        if not any(part in text for part in self._expected):
            self.unexpected.append(text)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location.get("url", "")
            self._add(f"console {message.type}: {message.text} ({place})")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends what it was asking for.
        if request.failure != "net::ERR_ABORTED":
            self._add(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._add(f"{response.request.method} {response.url}: {response.status}")
