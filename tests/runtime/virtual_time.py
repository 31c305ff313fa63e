"""A loop whose time passes at once: where everything waits, the clock goes to the next thing that is due."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

START_NS = 1_760_000_000 * 10**9


class _Selector(selectors.SelectSelector):
    """Waits in virtual time; nothing outside the process may be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let the time until the next timer pass."""
        if timeout is None:
            raise RuntimeError("everything waits, and nothing is due: this would wait for ever")
        if timeout > 0.0:
            self.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        self.turned: Callable[[], None] = lambda: None
        super().__init__(self._virtual)

    def _run_once(self) -> None:
        """One turn of the loop: whatever waits and may go on goes on to where it waits next."""
        self.turned()
        super()._run_once()  # type: ignore[misc]

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual.now


class VirtualClock:
    """The running loop's time as wall time."""

    def now_ns(self) -> int:
        """UTC ns."""
        return START_NS + round(asyncio.get_running_loop().time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


def in_virtual_time(work: Coroutine[Any, Any, None], turned: Callable[[], None] = lambda: None) -> None:
    """Run something to its end; `turned` is called before each turn of the loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        loop.turned = turned
        runner.run(work)
