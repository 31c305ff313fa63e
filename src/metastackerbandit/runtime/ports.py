"""The outside world as an argument: a run is handed its clock, its chance, its sink. Tests hand in their own; a virtual-time loop can take over."""

from __future__ import annotations

import asyncio
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


class LiveClock(Protocol):
    """Wall time, and waiting that lets others work: what everything that runs on an event loop is handed."""

    def now_ns(self) -> int:
        """UTC ns since 1970."""

    async def sleep(self, seconds: float) -> None:
        """Let this much time pass."""


class LoopClock:
    """The machine's clock on the running event loop."""

    def now_ns(self) -> int:
        """UTC ns since 1970."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Sleep, while others work."""
        await asyncio.sleep(seconds)


class Chance(Protocol):
    """Draws in [0, 1)."""

    def random(self) -> float:
        """The next draw."""


class RawSink(Protocol):
    """Keeps what a venue sent, byte for byte, before anything is done with it."""

    def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
        """Keep one thing: `kind` is frame, reply (of the `url` asked), opened or closed (`body` says why).

        Raises:
            StorageFailed: it could not be kept.
        """


class RawLogSink(RawSink, Protocol):
    """A sink that writes behind, and wants to be told that time passes."""

    def tick(self, now_ns: int) -> object:
        """What was kept is written and forced down where it is due. Raises as `write` does."""
