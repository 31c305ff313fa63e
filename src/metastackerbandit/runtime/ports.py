"""The outside world as arguments: what the shell asks of clock, files, chance, threads and sockets.

A run is a wiring of these; tests hand in their own, and a virtual-time loop can take them all over.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Wall time and waiting."""

    def now_ns(self) -> int:
        """UTC ns since 1970."""

    def wait(self, seconds: float) -> None:
        """Let this much time pass."""


class Files(Protocol):
    """Writing that either happens whole or not at all."""

    def replace(self, path: Path, content: bytes) -> None:
        """Put a whole new file in place."""


class Chance(Protocol):
    """Randomness for the shell (jitter, tokens); the core's chance is seeded and inside its state."""

    def draw(self) -> float:
        """Uniform in [0, 1)."""


class Executor(Protocol):
    """Where slow work runs."""

    def submit(self, work: Callable[..., T], *given: Any) -> Future[T]:
        """Start work elsewhere."""


class Sockets(Protocol):
    """Connections to venues."""

    def connect(self, url: str) -> Awaitable[Any]:
        """Open a connection."""


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """UTC ns since 1970."""
        return time.time_ns()

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)
