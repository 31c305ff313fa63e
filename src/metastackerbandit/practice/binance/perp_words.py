"""Binance USD-M's words for orders: their types, how long they last, where they stand, and why they end."""

from __future__ import annotations

from metastackerbandit.domain.user_events import Cause
from metastackerbandit.practice.binance.words import STATUSES
from metastackerbandit.simulation.exchange_words import Ended, Order, Sort, TriggeredBy
from metastackerbandit.simulation.matching import MAKES, RESTS, TAKES, WHOLE

TYPES: dict[Sort, str] = {
    "limit": "LIMIT",
    "market": "MARKET",
    "stop": "STOP_MARKET",
    "stop_limit": "STOP",
    "take_profit": "TAKE_PROFIT_MARKET",
    "take_profit_limit": "TAKE_PROFIT",
}
SORTS = {word: sort for sort, word in TYPES.items()}
ALGO_TYPES = tuple(TYPES[sort] for sort in ("stop", "stop_limit", "take_profit", "take_profit_limit"))
PLAIN_TYPES = ("LIMIT", "MARKET")
LASTS = {RESTS: "GTC", TAKES: "IOC", WHOLE: "FOK", MAKES: "GTX"}
MODES = {word: mode for mode, word in LASTS.items()}
WORKING: dict[TriggeredBy, str] = {"last": "CONTRACT_PRICE", "mark": "MARK_PRICE"}
TRIGGERED_BY = {word: by for by, word in WORKING.items()}

CAUSES: dict[Cause, str] = {
    "new": "NEW",
    "trade": "TRADE",
    "canceled": "CANCELED",
    "replaced": "CANCELED",
    "rejected": "REJECTED",
    "expired": "EXPIRED",
    "amended": "AMENDMENT",
    "prevented": "EXPIRED",
    "liquidated": "CALCULATED",
    "untold": "EXPIRED",
}
# The venue's numbers of `er`: its order pages of USD-M and COIN-M (2026).
REASONS: dict[Ended, str] = {
    "": "0",
    "self_trade": "1",
    "unfilled": "2",
    "reduce_only": "4",
    "not_whole": "10",
    "would_take": "11",
    "money": "0",
    "full": "0",
}
UNFILLED_MARKET = "9"


def status_of(order: Order) -> str:
    """Where an order stands; one that met its own owner's has a word of its own."""
    return "EXPIRED_IN_MATCH" if order.status == "expired" and order.reason == "self_trade" else STATUSES[order.status]


def reason_of(order: Order) -> str:
    """Why an order expired, the venue's number."""
    return UNFILLED_MARKET if order.reason == "unfilled" and not order.wish.ticks else REASONS[order.reason]


def type_of(order: Order) -> str:
    """The type that an order has in the engine: one that came from a trigger is a limit or a market order."""
    return "LIMIT" if order.wish.ticks else "MARKET"


def lasts(order: Order) -> str:
    """An order's time in force; a market order is told as GTC."""
    return LASTS[order.wish.mode] if order.wish.ticks else "GTC"


def is_plain(order: Order) -> bool:
    """Whether the engine knows an order: it had no trigger, or that was met and the order came to the book."""
    return not order.wish.trigger or order.worked_ns > 0


def algo_status(order: Order) -> str:
    """Where an order with a trigger stands with the service that watches it."""
    if order.waits:
        return {"new": "NEW", "canceled": "CANCELED"}.get(order.status, "EXPIRED")
    if not order.worked_ns:
        return "REJECTED"
    return "TRIGGERED" if order.is_open else "FINISHED"
