"""A clock that moves when told."""


class Clock:
    """Unix seconds, for outboxes and couriers; and seconds that nobody sets."""

    def __init__(self, now: float = 1_800_000_000.0):
        self.now = now
        self._passed = 0.0

    def monotonic(self) -> float:
        return self._passed

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self._passed += max(0.0, seconds)

    def set(self, now: float) -> None:
        """Let somebody set the clock; no time passes."""
        self.now = now
