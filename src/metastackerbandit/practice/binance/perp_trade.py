"""Orders at Binance USD-M by REST: place, amend, cancel, and the switch that cancels them where nobody says otherwise in time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance import perp_orders
from metastackerbandit.practice.binance.perp_asked import unknown_to_ask, unknown_to_cancel
from metastackerbandit.practice.binance.perp_order_form import lots_of, plain_order, ticks_of
from metastackerbandit.practice.binance.perp_refusals import of_order, told
from metastackerbandit.practice.binance.perp_venue import PerpVenue
from metastackerbandit.practice.binance.perp_words import is_plain
from metastackerbandit.practice.binance.words import BAD_SIDE, side_in
from metastackerbandit.practice.replies import Asked, Parameters, Route, Routes, WireRefusal, missing
from metastackerbandit.simulation.exchange_words import NewOrder, Order, Refusal

MOST_PLACED, MOST_CANCELLED = 5, 10  # of a batch
ALL_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


class PerpTrade:
    """Handlers of orders. `deadlines` are venue times by owner and symbol: what rests then is cancelled."""

    def __init__(self, venue: PerpVenue) -> None:
        self.venue, self.exchange = venue, venue.exchange
        self.deadlines: dict[tuple[int, int], int] = {}
        self._made = count(1)

    def routes(self) -> Routes:
        """Everything that answers here."""
        return {
            ("POST", "/fapi/v1/order"): Route(self.place, 0, "trade", orders=1, kind="place"),
            ("POST", "/fapi/v1/order/test"): Route(self.test, 1, "trade"),
            ("PUT", "/fapi/v1/order"): Route(self.amend, 1, "trade", orders=1),
            ("DELETE", "/fapi/v1/order"): Route(self.cancel, 1, "trade", kind="cancel"),
            ("POST", "/fapi/v1/batchOrders"): Route(self.place_batch, 5, "trade", orders=MOST_PLACED),
            ("DELETE", "/fapi/v1/batchOrders"): Route(self.cancel_batch, 1, "trade"),
            ("DELETE", "/fapi/v1/allOpenOrders"): Route(self.cancel_all, 1, "trade"),
            ("POST", "/fapi/v1/countdownCancelAll"): Route(self.count_down, 10, "trade"),
        }

    def entered(self, asked: Asked, wish: NewOrder) -> Order:
        """A new order that the exchange takes."""
        made = self.exchange.place(asked.owner, wish, asked.now_ns)
        if isinstance(made, Refusal):
            raise of_order(made.why, wish, self.exchange.listings[wish.s], self.exchange.sizes[wish.s])
        return made

    def place(self, asked: Asked) -> Any:
        """A new order. An answer of the sort ACK tells it as it was accepted, before it met the book."""
        s = self.venue.symbol(asked.given)
        wish = plain_order(asked.given, s, self.venue.grid(s), self.made_id())
        answers = asked.given.one_of("newOrderRespType", ("ACK", "RESULT"), None, "ACK")
        asked.given.settle()
        order = self.entered(asked, wish)
        if answers == "ACK":
            order = msgspec.structs.replace(order, status="new", filled=0, turnover=0, reason="", lots=wish.lots, updated_ns=order.placed_ns)
        return perp_orders.acted(order, self.venue.steps[s])

    def test(self, asked: Asked) -> Any:
        """Read a new order, and do nothing."""
        s = self.venue.symbol(asked.given)
        plain_order(asked.given, s, self.venue.grid(s), self.made_id())
        return {}

    def place_batch(self, asked: Asked) -> Any:
        """Several new orders, each with its own answer or refusal."""
        return [self._one(asked, one, self.place) for one in _objects(asked.given, "batchOrders", MOST_PLACED)]

    def amend(self, asked: Asked) -> Any:
        """Another size and price of a limit order."""
        given, s = asked.given, self.venue.symbol(asked.given)
        order = self.venue.order(asked.owner, s, given, "orderId", "origClientOrderId", unknown_to_ask)
        if side_in(given) != order.wish.side:
            raise WireRefusal(*BAD_SIDE)
        lots, ticks = lots_of(given, "quantity", self.venue.grid(s)), ticks_of(given, "price", self.venue.grid(s))
        given.settle()
        if not order.is_open or not is_plain(order):
            raise unknown_to_ask()
        made = self.exchange.amend(asked.owner, s, order.number, lots, ticks, asked.now_ns)
        if isinstance(made, Refusal):
            wish = msgspec.structs.replace(order.wish, lots=lots, ticks=ticks)
            raise of_order(made.why, wish, self.exchange.listings[s], self.exchange.sizes[s])
        return perp_orders.acted(made, self.venue.steps[s])

    def cancel(self, asked: Asked) -> Any:
        """End an open order."""
        s = self.venue.symbol(asked.given)
        order = self.venue.order(asked.owner, s, asked.given, "orderId", "origClientOrderId", unknown_to_cancel)
        asked.given.settle()
        if not is_plain(order):
            raise unknown_to_cancel()
        made = self.exchange.cancel(asked.owner, s, order.number, asked.now_ns)
        if isinstance(made, Refusal):
            raise told(made.why)
        return perp_orders.acted(made, self.venue.steps[s])

    def cancel_batch(self, asked: Asked) -> Any:
        """End several orders, each with its own answer or refusal."""
        symbol = asked.given.text("symbol")
        numbers, names = (_list(asked.given, name) for name in ("orderIdList", "origClientOrderIdList"))
        wanted = [{"symbol": symbol, "orderId": str(one)} for one in numbers] or [{"symbol": symbol, "origClientOrderId": str(one)} for one in names]
        if not 0 < len(wanted) <= MOST_CANCELLED:
            raise missing("orderIdList")
        return [self._one(asked, one, self.cancel) for one in wanted]

    def cancel_all(self, asked: Asked) -> Any:
        """End all orders of a symbol that the engine has."""
        s = self.venue.symbol(asked.given)
        asked.given.settle()
        self.clear(asked.owner, s, asked.now_ns)
        return ALL_DONE

    def clear(self, owner: int, s: int, now_ns: int) -> None:
        """End an owner's orders of an instrument, but for those that wait for a trigger."""
        for order in self.exchange.orders.open(owner, s):
            if is_plain(order):
                self.exchange.cancel(owner, s, order.number, now_ns)

    def count_down(self, asked: Asked) -> Any:
        """Cancel all orders of a symbol after so long, unless this is asked for again; 0 stops it."""
        s = self.venue.symbol(asked.given)
        span_ms = asked.given.whole("countdownTime", least=0, most=2**40)
        asked.given.settle()
        self.deadlines.pop((asked.owner, s), None)
        if span_ms:
            self.deadlines[asked.owner, s] = asked.now_ns + span_ms * MILLI_NS
        return {"symbol": self.venue.steps[s].symbol, "countdownTime": str(span_ms)}

    def look(self, now_ns: int) -> None:
        """Cancel the orders whose time ran out."""
        for (owner, s), due_ns in list(self.deadlines.items()):
            if now_ns >= due_ns:
                del self.deadlines[owner, s]
                self.clear(owner, s, now_ns)

    def made_id(self) -> str:
        """A client id for an order that came without one."""
        return f"made{next(self._made)}"

    def _one(self, asked: Asked, given: dict[str, str], handler: Callable[[Asked], Any]) -> Any:
        """One order of several: its answer, or its refusal in the same place."""
        try:
            return handler(Asked(Parameters(given), asked.now_ns, asked.owner, asked.api_key, asked.address))
        except WireRefusal as refusal:
            return refusal.body


def _list(given: Parameters, name: str) -> list[Any]:
    """A JSON list in a parameter; empty where it was not sent."""
    try:
        found = msgspec.json.decode(given.maybe(name) or "[]")
    except msgspec.DecodeError:
        raise missing(name) from None
    if not isinstance(found, list):
        raise missing(name)
    return found


def _objects(given: Parameters, name: str, most: int) -> list[dict[str, str]]:
    """A JSON list of objects in a parameter, their values as text."""
    found = _list(given, name)
    if not 0 < len(found) <= most or not all(isinstance(one, dict) for one in found):
        raise missing(name)
    return [{str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in one.items()} for one in found]
