"""Orders that wait for a trigger, at the Algo service. Such an order has one number: `algoId`, and `orderId` once it was triggered."""

from __future__ import annotations

from typing import Any

from metastackerbandit.practice.binance import perp_orders
from metastackerbandit.practice.binance.perp_asked import unknown_to_ask, unknown_to_cancel
from metastackerbandit.practice.binance.perp_order_form import algo_order
from metastackerbandit.practice.binance.perp_refusals import told
from metastackerbandit.practice.binance.perp_trade import PerpTrade
from metastackerbandit.practice.binance.perp_venue import cut, limit, span
from metastackerbandit.practice.replies import Asked, Route, Routes, one_or_all
from metastackerbandit.simulation.exchange_words import Order, Refusal


class PerpAlgo:
    """Handlers of orders with triggers."""

    def __init__(self, trade: PerpTrade) -> None:
        self.trade, self.venue, self.exchange = trade, trade.venue, trade.exchange

    def routes(self) -> Routes:
        """Everything that answers here."""
        return {
            ("POST", "/fapi/v1/algoOrder"): Route(self.place, 0, "trade", orders=1, kind="place"),
            ("GET", "/fapi/v1/algoOrder"): Route(self.ask, 1, "user"),
            ("DELETE", "/fapi/v1/algoOrder"): Route(self.cancel, 1, "trade", kind="cancel"),
            ("DELETE", "/fapi/v1/algoOpenOrders"): Route(self.cancel_all, 1, "trade"),
            ("GET", "/fapi/v1/openAlgoOrders"): Route(self.open_all, one_or_all(1, 40), "user"),
            ("GET", "/fapi/v1/allAlgoOrders"): Route(self.all, 5, "user"),
        }

    def place(self, asked: Asked) -> Any:
        """A new order that waits."""
        s = self.venue.symbol(asked.given)
        wish = algo_order(asked.given, s, self.venue.grid(s), self.trade.made_id())
        asked.given.settle()
        return perp_orders.algo(self.trade.entered(asked, wish), self.venue.steps[s])

    def ask(self, asked: Asked) -> Any:
        """One order, by its number or its client's id."""
        order = self._named(asked)
        if order is None:
            raise unknown_to_ask()
        return perp_orders.algo(order, self.venue.steps[order.wish.s])

    def cancel(self, asked: Asked) -> Any:
        """End an order that waits; one that was triggered is the engine's."""
        order = self._named(asked)
        asked.given.settle()
        if order is None or not order.waits:
            raise unknown_to_cancel()
        made = self.exchange.cancel(asked.owner, order.wish.s, order.number, asked.now_ns)
        if isinstance(made, Refusal):
            raise told(made.why)
        return {"algoId": made.number, "clientAlgoId": made.client_id, "code": "200", "msg": "success"}

    def cancel_all(self, asked: Asked) -> Any:
        """End all orders of a symbol that wait."""
        s = self.venue.symbol(asked.given)
        asked.given.settle()
        for order in self.exchange.orders.open(asked.owner, s):
            if order.waits:
                self.exchange.cancel(asked.owner, s, order.number, asked.now_ns)
        return {"code": "200", "msg": "The operation of cancel all open order is done."}

    def open_all(self, asked: Asked) -> Any:
        """Orders that wait, of one symbol or of all."""
        wanted = self.venue.places(self.venue.maybe_symbol(asked.given))
        mine = [one for one in self.exchange.orders.open(asked.owner) if one.waits and one.wish.s in wanted]
        return [perp_orders.algo(one, self.venue.steps[one.wish.s]) for one in mine]

    def all(self, asked: Asked) -> Any:
        """A symbol's orders with triggers, also those that are over."""
        given, (first_ns, last_ns) = asked.given, span(asked.given)
        s, since = self.venue.symbol(given), given.whole("algoId", 0)
        rows = [one for one in self.exchange.orders.of(asked.owner, s) if one.wish.trigger and one.number >= since]
        rows = sorted((one for one in rows if first_ns <= one.placed_ns <= last_ns), key=lambda one: one.number)
        return [perp_orders.algo(one, self.venue.steps[s]) for one in cut(rows, given, limit(given, 500, 1_000), by="algoId")]

    def _named(self, asked: Asked) -> Order | None:
        """The order with a trigger that a request names; no symbol is needed."""
        number, name, _ = asked.given.whole("algoId", 0), asked.given.maybe("clientAlgoId"), self.venue.maybe_symbol(asked.given)
        if not number and name is None:
            raise unknown_to_ask()
        for s in self.venue.places(None):
            order = self.exchange.orders.find(asked.owner, s, number, name or "")
            if order is not None and order.wish.trigger:
                return order
        return None
