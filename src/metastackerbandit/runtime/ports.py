"""The outside world as an argument: a run is handed its clock; tests hand in their own, and a virtual-time loop can take it over."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time and waiting."""

    def now_ns(self) -> int:
        """UTC ns since 1970."""

    def wait(self, seconds: float) -> None:
        """Let this much time pass."""


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """UTC ns since 1970."""
        return time.time_ns()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)
