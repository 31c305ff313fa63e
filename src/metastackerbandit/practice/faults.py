"""The switchboard of faults: what is switched on, for whom, how often, how long. Those who do something ask here whether a fault strikes."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Annotated, Any

from msgspec import Meta, Struct

from metastackerbandit.practice.venue_time import VenueTime

# What each fault does; `value` in the unit that is named.
FAULTS: Mapping[str, str] = {
    "drop": "a depth event is left out",
    "duplicate": "a depth event comes twice",
    "reorder": "a depth event comes after the one that follows it",
    "stall": "streams say nothing while it is on, and go on afterwards",
    "half_open": "a new WebSocket is accepted, says nothing and answers no ping",
    "falls_silent": "a connection that stands says nothing any more and answers no ping",
    "cut": "a connection ends in the middle of a frame",
    "no_pings": "the venue sends no pings",
    "stale_snapshot": "a snapshot of a book is the one of when this was switched on",
    "slow_snapshot": "a snapshot of a book is answered `value` wall seconds after it was taken (0.5)",
    "gap_at_snapshot": "the depth event that follows a snapshot is left out",
    "skew": "the venue's clock is wrong by `value` ms (2000)",
    "end_of_life": "every connection is closed now, as after 24 hours",
    "shutdown": "serverShutdown is told on every stream connection; they are closed `value` wall seconds later (1)",
    "listen_key": "user streams expire now",
    "too_many": "429 with Retry-After",
    "ban": "418: the address is banned for `value` venue seconds (120)",
    "unknown": "an order is accepted and answered with 503 and -1007: its state is not known",
    "refused": "503 before anything was done (-1008)",
    "late_ack": "an order's answer comes `value` wall seconds late (0.25): fills are told before it",
    "late_cancel": "a cancel reaches the market `value` wall seconds late (0.25): a fill may be first",
    "reject": "an order is refused with -2010",
    "rules": "an instrument's tick and lot are `value` times as large from now on (10)",
    "out_of_order": "an account's event comes after the one that follows it",
}
_USUAL = {"slow_snapshot": 0.5, "skew": 2_000.0, "shutdown": 1.0, "ban": 120.0, "late_ack": 0.25, "late_cancel": 0.25, "rules": 10.0}


class Fault(Struct, forbid_unknown_fields=True):
    """A fault that is on: strikes with a chance of `share`, `count` times at most (0: no bound), for so many wall seconds (0: until switched off).

    An empty `symbol` is every symbol; `value` is what FAULTS says, None for the usual.
    """

    name: str
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0
    symbol: str = ""
    value: float | None = None
    struck: int = 0
    since_s: float = 0.0

    @property
    def amount(self) -> float:
        """Its value, or the usual one."""
        return _USUAL.get(self.name, 0.0) if self.value is None else self.value


class Switched(Struct, frozen=True):
    """Told to those who watch: a fault was switched on, or off."""

    fault: Fault
    is_on: bool


class Faults:
    """Faults that are on, one of each name. `watchers` are told of every change: some faults are acts, not states."""

    def __init__(self, time: VenueTime, seed: int = 1) -> None:
        self._time, self._chance = time, Random(seed)
        self._on: dict[str, Fault] = {}
        self.watchers: list[Any] = []

    def all(self) -> list[Fault]:
        """What is on."""
        return [one for one in list(self._on.values()) if self.is_on(one.name)]

    def switch_on(self, fault: Fault) -> None:
        """Switch a fault on, in the place of one of its name."""
        fault.struck, fault.since_s = 0, self._time.wall_s()
        self._on[fault.name] = fault
        self._say(Switched(fault, True))

    def switch_off(self, name: str) -> bool:
        """Switch a fault off; whether it was on."""
        fault = self._on.pop(name, None)
        if fault is not None:
            self._say(Switched(fault, False))
        return fault is not None

    def is_on(self, name: str, symbol: str = "") -> bool:
        """Whether a fault's time has not passed, without letting it strike."""
        fault = self._on.get(name)
        if fault is None:
            return False
        if fault.seconds and self._time.wall_s() >= fault.since_s + fault.seconds:
            self.switch_off(name)
            return False
        return not fault.symbol or not symbol or fault.symbol == symbol

    def strikes(self, name: str, symbol: str = "") -> Fault | None:
        """The fault, where it strikes now."""
        if not self.is_on(name, symbol):
            return None
        fault = self._on[name]
        if fault.share < 1 and self._chance.random() >= fault.share:
            return None
        fault.struck += 1
        if fault.count and fault.struck >= fault.count:
            self.switch_off(name)
        return fault

    def _say(self, switched: Switched) -> None:
        for watcher in self.watchers:
            watcher(switched)
