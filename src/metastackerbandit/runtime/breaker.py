"""A circuit breaker: a source that fails is left alone for a while, then tried once, and serves again when that went well. Pure."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from metastackerbandit.domain.timeframe import SECOND_NS

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"


class BreakerRule(Protocol):
    """When a breaker opens and closes: the settings of whoever uses one."""

    @property
    def failures_to_open(self) -> int:
        """Failures in a row."""

    @property
    def open_s(self) -> float:
        """Seconds that nothing passes."""

    @property
    def successes_to_close(self) -> int:
        """Successes in a row while half-open."""


class Breaker(Struct):
    """Where a breaker stands. Closed: requests pass. Open: none does until `opened_ns` + `open_s`. Half-open: one at a time tries."""

    state: str = CLOSED
    failures: int = 0  # in a row, while closed
    successes: int = 0  # in a row, while half-open
    opened_ns: int = 0
    is_trying: bool = False

    def allows(self, now_ns: int, settings: BreakerRule) -> bool:
        """Whether a request may pass now; one that may must be followed by `succeeded`, `failed` or `given_up`."""
        if self.state == OPEN and now_ns - self.opened_ns >= round(settings.open_s * SECOND_NS):
            self.state, self.successes, self.is_trying = HALF_OPEN, 0, False
        if self.state == OPEN or (self.state == HALF_OPEN and self.is_trying):
            return False
        self.is_trying = self.state == HALF_OPEN
        return True

    def succeeded(self, settings: BreakerRule) -> None:
        """The request was answered."""
        self.is_trying = False
        self.failures = 0
        if self.state == HALF_OPEN:
            self.successes += 1
            if self.successes >= settings.successes_to_close:
                self.state = CLOSED

    def failed(self, now_ns: int, settings: BreakerRule) -> None:
        """The request was not answered."""
        self.is_trying = False
        self.failures += 1
        if self.state == HALF_OPEN or self.failures >= settings.failures_to_open:
            self.state, self.opened_ns, self.failures = OPEN, now_ns, 0

    def given_up(self) -> None:
        """Nobody waits for the request any more, which says nothing about the source."""
        self.is_trying = False
