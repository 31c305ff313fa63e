"""Streams and who listens to them: each is told at its pace, made into text once, and given to every subscriber."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from metastackerbandit.practice.connection import Connection
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.venue_time import VenueTime

_SLACK_S = 1e-6  # sums of paces are not exact


class Stream(Protocol):
    """Something that can be subscribed to. It begins where things stand when it is made, at its first subscription.

    `pace_s` are wall seconds between tellings, 0: whenever the market is looked at. `is_urgent`: told after every request too (what happens to
    accounts). `is_depth`: an event's order matters, and faults strike it. `symbol` in the venue's words, "" for none.
    """

    pace_s: float
    is_urgent: bool
    is_depth: bool
    symbol: str

    def told(self, now_ns: int) -> Iterable[Any]:
        """Events since it was last asked, each anything that msgspec can write."""


class Family:
    """Streams of one kind of address, by name: `opened` makes one, None for a name that means nothing (it is accepted and stays silent)."""

    def __init__(self, name: str, opened: Callable[[str], Stream | None]) -> None:
        self.name, self.opened = name, opened


class _Live:
    """A stream with subscribers: connection -> what opens an object around the events that it hears."""

    def __init__(self, name: str, stream: Stream, due_s: float) -> None:
        self.name, self.stream, self.due_s = name, stream, due_s
        self.listeners: dict[Connection, bytes] = {}
        self.held: bytes | None = None
        self.skips = False


class Hub:
    """All live streams of all markets."""

    def __init__(self, time: VenueTime, faults: Faults) -> None:
        self._time, self._faults = time, faults
        self._live: dict[tuple[str, str], _Live] = {}
        self._urgent: dict[tuple[str, str], _Live] = {}

    def subscribe(self, family: Family, name: str, connection: Connection, wrapper: bytes = b"") -> None:
        """Let a connection hear a stream, from its next event on. `wrapper` opens an object around it: `{"stream":"x","data":`."""
        live = self._live.get((family.name, name))
        if live is None:
            stream = family.opened(name)
            if stream is None:
                return
            live = _Live(name, stream, self._time.wall_s() + stream.pace_s)
            self._live[family.name, name] = live
            if stream.is_urgent:
                self._urgent[family.name, name] = live
        live.listeners[connection] = wrapper

    def leave(self, family: Family, name: str, connection: Connection) -> None:
        """A connection does not want a stream any more; without anybody it ends."""
        live = self._live.get((family.name, name))
        if live is not None:
            live.listeners.pop(connection, None)
            if not live.listeners:
                del self._live[family.name, name]
                self._urgent.pop((family.name, name), None)

    def emit(self, now_ns: int) -> None:
        """Tell what is due."""
        now_s = self._time.wall_s()
        for live in list(self._live.values()):
            if now_s + _SLACK_S >= live.due_s and not self._faults.strikes("stall", live.stream.symbol):
                pace = live.stream.pace_s
                live.due_s = live.due_s + pace if now_s < live.due_s + pace else now_s + pace
                self._tell(live, now_ns)

    def emit_urgent(self, now_ns: int) -> None:
        """Tell what happened to accounts."""
        for live in list(self._urgent.values()):
            if not self._faults.strikes("stall", live.stream.symbol):
                self._tell(live, now_ns)

    def skip_next(self, family: str, symbol: str) -> None:
        """Leave out the next depth event of a symbol."""
        for (name, _), live in self._live.items():
            if name == family and live.stream.is_depth and live.stream.symbol == symbol:
                live.skips = True

    def _tell(self, live: _Live, now_ns: int) -> None:
        for event in live.stream.told(now_ns):
            for data in self._struck(live, msgspec.json.encode(event)):
                self._give(live, data)

    def _give(self, live: _Live, data: bytes) -> None:
        made = {b"": data}  # by wrapper
        for connection, wrapper in list(live.listeners.items()):
            if wrapper not in made:
                made[wrapper] = wrapper + data + b"}"
            connection.send(made[wrapper])

    def _struck(self, live: _Live, data: bytes) -> list[bytes]:
        """What becomes of an event under the faults that are on."""
        stream, faults = live.stream, self._faults
        if live.held is not None:
            held, live.held = live.held, None
            return [data, held]
        if stream.is_urgent and faults.strikes("out_of_order"):
            live.held = data
            return []
        if not stream.is_depth:
            return [data]
        if live.skips or faults.strikes("drop", stream.symbol):
            live.skips = False
            return []
        if faults.strikes("reorder", stream.symbol):
            live.held = data
            return []
        return [data, data] if faults.strikes("duplicate", stream.symbol) else [data]
