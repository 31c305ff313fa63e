"""A market's desk: a request goes from the door to its answer here, by REST and by WebSocket alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from metastackerbandit.practice.allowance import Allowance
from metastackerbandit.practice.doorkeeper import Doorkeeper
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.replies import Asked, Parameters, Reply, Route, WireRefusal, Worded
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.exchange_words import Event, OrderEvent

BUSY = "Server is currently overloaded with other requests. Please try again in a few minutes."


class Ways(Struct, frozen=True):
    """What markets say in words of their own (status, code, text): an order's state is not known; nothing was done; an order is refused for money.

    `gives_back`: an order that is filled at all does not count among its account's orders any more.
    """

    unknown: Worded = (503, -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown.")
    refused: Worded = (503, -1008, BUSY)
    rejected: Worded = (400, -2010, "Account has insufficient balance for requested action.")
    gives_back: bool = True


_USUAL = Ways()


class Call(Struct, frozen=True):
    """A request as it came: parameters by name, the text that was signed, the key's name, the address."""

    given: Mapping[str, str]
    signed: str
    api_key: str
    address: str


class Answer(Struct, frozen=True):
    """What is said: `body` as JSON, and `late_s` wall seconds to wait before it is said. `owner` is 0 where nobody was let in."""

    http: int
    body: Any
    headers: Mapping[str, str] = {}
    late_s: float = 0.0
    owner: int = 0


class Desk:
    """Answers requests of one market. All that happens to accounts because of one has been told to the floor's listeners when it returns."""

    def __init__(
        self,
        floor: Floor,
        doorkeeper: Doorkeeper,
        allowance: Allowance,
        time: VenueTime,
        faults: Faults,
        settings: PracticeSettings,
        ways: Ways = _USUAL,
    ) -> None:
        self.floor, self.doorkeeper, self.allowance = floor, doorkeeper, allowance
        self._time, self._faults, self._ways = time, faults, ways
        self._is_strict, self._snapshot_s = settings.is_strict, settings.snapshot_ms / 1_000
        if ways.gives_back:
            floor.listeners.append(self._count_fills)

    def hold_s(self, route: Route, call: Call) -> float:
        """Wall seconds by which a request reaches the market late."""
        late = self._faults.strikes("late_cancel", call.given.get("symbol", "")) if route.kind == "cancel" else None
        return late.amount if late else 0.0

    def answer(self, route: Route, call: Call) -> Answer:
        """Let a request in, let the market go on to now, and answer."""
        given, owner, weight, late_s = Parameters(call.given, is_strict=self._is_strict), 0, 0, 0.0
        try:
            self._before(call)
            weight = route.weight if isinstance(route.weight, int) else route.weight(given)
            self.allowance.charge(call.address, weight)
            key = self.doorkeeper.admit(route.security, call.api_key, call.given, call.signed)
            owner = key.owner if key else 0
            self.floor.advance(self._time.now_ns())
            made = self._handled(route, Asked(given, self.floor.now_ns, owner, call.api_key, call.address))
            http, body, cost = (made.http, made.body, made.weight) if isinstance(made, Reply) else (200, made, None)
            cost = 0 if route.is_free and http == 200 else cost
            if cost is not None:
                self.allowance.give_back(call.address, weight - cost)
            if route.kind == "place" and self._faults.strikes("unknown", call.given.get("symbol", "")):
                raise WireRefusal(*self._ways.unknown)
            late_s = self._late_s(route, call)
        except WireRefusal as refusal:
            self.floor.tell()
            told = {**self.allowance.headers(call.address, owner), **refusal.headers}
            return Answer(refusal.http, refusal.body, told, 0.0, owner)
        return Answer(http, body, self.allowance.headers(call.address, owner, orders=route.orders > 0), late_s, owner)

    def _handled(self, route: Route, asked: Asked) -> Any:
        """What the handler says; new orders are counted before it is asked."""
        symbol = asked.given.given.get("symbol", "")
        if route.orders:
            self.allowance.charge_orders(asked.owner, route.orders)
        if route.kind == "place" and self._faults.strikes("reject", symbol):
            raise WireRefusal(*self._ways.rejected)
        made = route.handler(asked)
        self.floor.tell()
        asked.given.settle()
        return made

    def _before(self, call: Call) -> None:
        """Faults that strike before anything is looked at."""
        symbol = call.given.get("symbol", "")
        if fault := self._faults.strikes("ban", symbol):
            raise self.allowance.ban(call.address, int(fault.amount * 1e9))
        if self._faults.strikes("too_many", symbol):
            raise self.allowance.too_many()
        if self._faults.strikes("refused", symbol):
            raise WireRefusal(*self._ways.refused)

    def _late_s(self, route: Route, call: Call) -> float:
        """By how much an answer is late."""
        name = {"place": "late_ack", "snapshot": "slow_snapshot"}.get(route.kind)
        fault = self._faults.strikes(name, call.given.get("symbol", "")) if name else None
        return fault.amount if fault else self._snapshot_s * (route.kind == "snapshot")

    def _count_fills(self, event: Event) -> None:
        """An order with its first fill is given back to its account's counters."""
        if isinstance(event, OrderEvent) and event.fill is not None and event.order.filled == event.fill.lots:
            self.allowance.filled(event.owner)
