"""A clock that moves when told."""


class Clock:
    """Unix seconds, for outboxes and couriers."""

    def __init__(self, now: float = 1_800_000_000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
