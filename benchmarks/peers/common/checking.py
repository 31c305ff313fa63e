"""Checks that a client makes against a served venue: each has a name and a deadline, and those that failed say what was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

DEADLINE_S = 20.0


class Stopped(Exception):
    """A check failed without which the others mean nothing."""


class Checks:
    """Names of what was checked, and what was wrong with those that failed."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: dict[str, str] = {}

    async def that(self, name: str, asking: Awaitable[Any], holds: Callable[[Any], bool] = lambda told: True) -> Any:
        """Await something of a client and hold it against what it must be; what it told, None where it failed."""
        try:
            told = await asyncio.wait_for(asking, DEADLINE_S)
            if not holds(told):
                raise AssertionError(f"{told!r:.400}")
        except Exception as error:  # noqa: BLE001 - whatever a client of others raises is a finding
            self.failed[name] = f"{type(error).__name__}: {error!s:.400}"
            return None
        self.passed.append(name)
        return told

    async def must(self, name: str, asking: Awaitable[Any], holds: Callable[[Any], bool] = lambda told: True) -> Any:
        """The same, of something that what follows needs: Stopped where it failed."""
        told = await self.that(name, asking, holds)
        if told is None:
            raise Stopped(name)
        return told

    async def refused(self, name: str, asking: Awaitable[Any], kind: type[Exception], code: int) -> None:
        """Await something that must be refused, with this class of the client's and this code of the venue's."""

        async def asked() -> str:
            try:
                return f"was not refused: {await asking!r:.200}"
            except kind as error:
                return str(error) + str(getattr(error, "code", ""))

        await self.that(name, asked(), lambda told: str(code) in told)

    @property
    def told(self) -> dict[str, Any]:
        """What passed and what did not, as JSON."""
        return {"passed": self.passed, "failed": self.failed}


async def until(what: Callable[[], bool], within_s: float = DEADLINE_S) -> bool:
    """Wait until something is so; whether it became so in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not what():
        if loop.time() > end:
            return False
        await asyncio.sleep(0.01)
    return True
