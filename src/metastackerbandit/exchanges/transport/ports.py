"""The network as ports: what a feed asks of a socket and of a REST client, so that tests and a practice venue can stand in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

ABNORMAL = 1006  # the code of a connection that ended without a closing message


class Closed(Struct, frozen=True):
    """How a connection ended: the closing code (1006 without a closing message), the reason in words, and who ended it."""

    code: int
    reason: str
    by: Literal["venue", "us", "network"]


class Listener(Protocol):
    """Who hears a connection. Nothing is kept back: a frame is handed on before anything is done with it."""

    def opened(self, at_ns: int) -> None:
        """The connection stands (UTC ns); frames follow."""

    def heard(self, frame: bytes, received_ns: int) -> None:
        """One whole message, text or binary, and when its last byte was read (UTC ns)."""

    def ponged(self, payload: bytes, received_ns: int) -> None:
        """The answer to a ping."""

    def ended(self, how: Closed) -> None:
        """The connection is over; nothing more will be heard. Called once."""

    def failed(self, error: BaseException) -> None:
        """`opened`, `heard` or `ponged` raised this: the connection is given up, and `ended` follows."""


class Connection(Protocol):
    """An open connection. What is sent to one that has ended goes nowhere."""

    def send(self, message: bytes) -> None:
        """Send one text message."""

    def ping(self, payload: bytes) -> None:
        """Send a ping of at most 125 bytes."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and end; `ended` tells when it is over."""

    def abort(self) -> None:
        """End at once: whoever does not answer is not waited for."""


class Connector(Protocol):
    """Makes connections."""

    async def connect(self, url: str, listener: Listener) -> Connection:
        """Open a connection, or raise ConnectFailed or RateLimited."""


class Answer(Struct, frozen=True):
    """A REST answer of any status; header names are lower case, `received_ns` is when its last byte was read."""

    status: int
    body: bytes
    headers: dict[str, str]
    received_ns: int


class Rest(Protocol):
    """Asks over HTTP."""

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """GET, or POST of a JSON body, unless `method` says otherwise; `headers` go with it (a body's kind, where it is not JSON, among them).

        Any status is an answer. Raises RequestFailed where none came whole.
        """
