"""What an owner asks of his orders at Binance USD-M by REST: one, open ones, all of them, and their fills."""

from __future__ import annotations

from typing import Any

from metastackerbandit.practice.binance import perp_orders
from metastackerbandit.practice.binance.perp_refusals import refused, told
from metastackerbandit.practice.binance.perp_venue import PerpVenue, cut, limit, span
from metastackerbandit.practice.binance.perp_words import is_plain
from metastackerbandit.practice.binance.words import NO_SUCH_ORDER
from metastackerbandit.practice.replies import Asked, Route, Routes, WireRefusal, one_or_all
from metastackerbandit.simulation.exchange_words import Order


def unknown_to_cancel() -> WireRefusal:
    """-2011."""
    return told("unknown_order")


def unknown_to_ask() -> WireRefusal:
    """-2013."""
    return WireRefusal(*NO_SUCH_ORDER)


class PerpAsked:
    """Handlers of questions for orders; those that wait for a trigger are the Algo service's."""

    def __init__(self, venue: PerpVenue) -> None:
        self.venue, self.exchange = venue, venue.exchange

    def routes(self) -> Routes:
        """Everything that answers here."""
        return {
            ("GET", "/fapi/v1/order"): Route(self.ask, 1, "user"),
            ("GET", "/fapi/v1/openOrder"): Route(self.open_one, 1, "user"),
            ("GET", "/fapi/v1/openOrders"): Route(self.open_all, one_or_all(1, 40), "user"),
            ("GET", "/fapi/v1/allOrders"): Route(self.all, 5, "user"),
            ("GET", "/fapi/v1/userTrades"): Route(self.trades, 5, "user"),
        }

    def ask(self, asked: Asked) -> Any:
        """One order."""
        return perp_orders.asked(self._found(asked), self.venue.steps[self.venue.symbol(asked.given)])

    def open_one(self, asked: Asked) -> Any:
        """One order that is open."""
        order = self._found(asked)
        if not order.is_open:
            raise unknown_to_ask()
        return perp_orders.asked(order, self.venue.steps[order.wish.s])

    def open_all(self, asked: Asked) -> Any:
        """Open orders, of one symbol or of all."""
        wanted = self.venue.places(self.venue.maybe_symbol(asked.given))
        mine = [one for one in self.exchange.orders.open(asked.owner) if one.wish.s in wanted and is_plain(one)]
        return [perp_orders.asked(one, self.venue.steps[one.wish.s]) for one in mine]

    def all(self, asked: Asked) -> Any:
        """Orders, also those that are over, by number."""
        given, (first_ns, last_ns) = asked.given, span(asked.given)
        since = given.whole("orderId", 0)
        wanted = self.venue.places(self.venue.maybe_symbol(given))
        mine = sorted((one for s in wanted for one in self.exchange.orders.of(asked.owner, s)), key=lambda one: one.number)
        rows = [one for one in mine if is_plain(one) and one.number >= since and first_ns <= one.placed_ns <= last_ns]
        return [perp_orders.asked(one, self.venue.steps[one.wish.s]) for one in cut(rows, given, limit(given, 500, 1_000), by="orderId")]

    def trades(self, asked: Asked) -> Any:
        """Fills of a symbol's orders."""
        given, (first_ns, last_ns) = asked.given, span(asked.given)
        s, number, since = self.venue.symbol(given), given.whole("orderId", 0), given.whole("fromId", 0)
        if since and (given.maybe("startTime") or given.maybe("endTime")):
            raise refused(-1128, "Combination of optional parameters invalid.")
        rows = [
            one
            for one in self.venue.floor.fills_of(asked.owner, s)
            if one.fill.trade >= since and number in (0, one.order.number) and first_ns <= one.at_ns <= last_ns
        ]
        wanted = cut(rows, given, limit(given, 500, 1_000), by="fromId")
        return [perp_orders.user_trade(one.order, one.fill, one.at_ns, self.venue.steps[s]) for one in wanted]

    def _found(self, asked: Asked) -> Order:
        order = self.venue.order(asked.owner, self.venue.symbol(asked.given), asked.given, "orderId", "origClientOrderId", unknown_to_ask)
        if not is_plain(order):
            raise unknown_to_ask()
        return order
