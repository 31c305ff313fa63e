"""A network in memory for tests in virtual time: sockets that a test speaks through, and REST answers that it scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.exchanges.transport.ports import Answer, Closed, Connection, Listener
from tests.runtime.virtual_time import VirtualClock


class Half:
    """Chance without chance."""

    def random(self) -> float:
        """The middle."""
        return 0.5


class Nowhere:
    """A sink that counts."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
        """Count."""
        self.kinds.append(kind)


class Line:
    """One connection: what was sent on it; `pongs` says whether pings are answered."""

    def __init__(self, listener: Listener, pongs: bool) -> None:
        self.listener, self.pongs = listener, pongs
        self.sent: list[tuple[float, bytes]] = []
        self.pings = 0
        self.is_over = False

    def send(self, message: bytes) -> None:
        """Write it down with the time."""
        self.sent.append((asyncio.get_running_loop().time(), message))

    def ping(self, payload: bytes) -> None:
        """Answer a twentieth of a second later, or never."""
        self.pings += 1
        if self.pongs:
            asyncio.get_running_loop().call_later(0.05, lambda: self.listener.ponged(payload, VirtualClock().now_ns()))

    def close(self, code: int, reason: str) -> None:
        """End; whoever does not answer pings does not answer this."""
        if self.pongs:
            self.end(Closed(code, reason, "us"))

    def abort(self) -> None:
        """End."""
        self.end(Closed(1006, "given up", "us"))

    def end(self, how: Closed) -> None:
        """The connection is over."""
        if not self.is_over:
            self.is_over = True
            self.listener.ended(how)


class Switchboard:
    """A Connector: the n-th attempt does what `script(n)` says: an error is raised, else it stands and its pings are answered if True."""

    def __init__(self, script: Callable[[int], VenueError | bool]) -> None:
        self.script = script
        self.lines: list[Line] = []
        self.at: list[float] = []

    async def connect(self, url: str, listener: Listener) -> Connection:
        """Do as the script says."""
        self.at.append(asyncio.get_running_loop().time())
        said = self.script(len(self.at) - 1)
        if isinstance(said, VenueError):
            raise said
        line = Line(listener, said)
        self.lines.append(line)
        listener.opened(VirtualClock().now_ns())
        return line


class Desk:
    """A Rest whose answers a function makes: bytes, a status, an error, or None for never; it takes `after_s` each."""

    def __init__(self, reply: Callable[[str, int], bytes | int | VenueError | None], after_s: float = 0.05) -> None:
        self.reply, self.after_s = reply, after_s
        self.asked: list[tuple[float, str]] = []

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """Answer."""
        self.asked.append((asyncio.get_running_loop().time(), url))
        said = self.reply(url, len(self.asked) - 1)
        await asyncio.sleep(1e6 if said is None else self.after_s)
        if isinstance(said, VenueError):
            raise said
        now_ns = VirtualClock().now_ns()
        if isinstance(said, int):
            return Answer(said, b"no", {"retry-after": "30"} if said in (418, 429) else {}, now_ns)
        assert said is not None
        return Answer(200, said, {}, now_ns)
