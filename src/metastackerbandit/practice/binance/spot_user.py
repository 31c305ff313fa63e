"""What happens to accounts of a spot market, as Binance's user stream tells it: executionReport, outboundAccountPosition, balanceUpdate."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.decimals import ZERO, text8
from metastackerbandit.practice.binance.spot_orders import expiry_of, in_force, status_of, type_of
from metastackerbandit.practice.binance.words import GUARDS, SIDES
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.user_log import UserLog
from metastackerbandit.simulation.exchange_words import BalanceEvent, Event, OrderEvent

_EXECUTION = {
    "new": "NEW",
    "trade": "TRADE",
    "canceled": "CANCELED",
    "replaced": "REPLACED",
    "amended": "REPLACED",
    "rejected": "REJECTED",
    "expired": "EXPIRED",
    "prevented": "TRADE_PREVENTION",
}


class SpotNews:
    """Writes events of a floor to a log. `cancel_ids` are own ids of cancels, by the number of the order; they are taken out as they are told."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], log: UserLog, cancel_ids: dict[int, str]) -> None:
        self._floor, self._amounts, self._log, self._cancel_ids = floor, amounts, log, cancel_ids
        self._executions = count(1)

    def hear(self, event: Event) -> None:
        """One event."""
        if isinstance(event, OrderEvent):
            self._log.add(event.order.owner, self.execution(event))
            if event.cause != "trade":  # a trade has a balance event of its own
                listing = self._floor.exchange.listings[event.order.wish.s].instrument
                self._log.add(event.order.owner, self.position(event.at_ns, event.order.owner, (listing.base, listing.quote)))
        elif isinstance(event, BalanceEvent):
            if event.why == "deposit":
                for asset in event.assets:
                    change = {"a": asset, "d": text8(event.change), "T": event.at_ns // MILLI_NS}
                    self._log.add(event.owner, {"e": "balanceUpdate", "E": event.at_ns // MILLI_NS, **change})
            self._log.add(event.owner, self.position(event.at_ns, event.owner, event.assets))

    def position(self, at_ns: int, owner: int, assets: Sequence[str]) -> dict[str, Any]:
        """outboundAccountPosition of these assets."""
        money, at_ms = self._floor.exchange.spot, at_ns // MILLI_NS
        balances = [{"a": one, "f": text8(money.free[owner][one]), "l": text8(money.locked[owner][one])} for one in assets]
        return {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "B": balances}

    def execution(self, event: OrderEvent) -> dict[str, Any]:
        """executionReport."""
        order, fill, at_ms = event.order, event.fill, event.at_ns // MILLI_NS
        wish, amounts = order.wish, self._amounts[order.wish.s]
        cancel_id = self._cancel_ids.pop(order.number, "") if event.cause == "canceled" else ""
        told: dict[str, Any] = {
            "e": "executionReport",
            "E": at_ms,
            "s": amounts.symbol,
            "c": cancel_id or order.client_id,
            "S": SIDES[wish.side],
            "o": type_of(order),
            "f": in_force(order),
            "q": amounts.size(order.lots),
            "p": amounts.price(wish.ticks),
            "P": amounts.price(wish.trigger),
            "F": ZERO,
            "g": -1,
            "C": order.client_id if cancel_id else "",
            "x": _EXECUTION[event.cause],
            "X": status_of(order),
            "r": "NONE",
            "i": order.number,
            "l": amounts.size(fill.lots) if fill else ZERO,
            "z": amounts.size(order.filled),
            "L": amounts.price(fill.ticks) if fill else ZERO,
            "n": text8(fill.fee) if fill else "0",
            "N": fill.fee_asset if fill else None,
            "T": at_ms,
            "t": fill.trade if fill else -1,
            "I": next(self._executions),
            "w": order.is_open and not order.waits,
            "m": fill.is_maker if fill else False,
            "M": fill is not None,
            "O": order.placed_ns // MILLI_NS,
            "Z": amounts.quote(order.turnover),
            "Y": amounts.quote(fill.lots * fill.ticks) if fill else ZERO,
            "Q": text8(wish.spend),
            "V": GUARDS[wish.guard],
        }
        if order.worked_ns:
            told["W"] = order.worked_ns // MILLI_NS
        if reason := expiry_of(order):
            told["eR"] = reason["expiryReason"]
        return told
