"""Why an exchange does nothing, in Binance spot's codes and texts."""

from __future__ import annotations

from collections.abc import Mapping

from metastackerbandit.practice.binance.words import NOT_OPEN
from metastackerbandit.practice.desk import BUSY
from metastackerbandit.practice.replies import WireRefusal
from metastackerbandit.simulation.exchange_words import Refusal, Refused

_DISABLED = (400, -2010, "This action is disabled on this account.")
WORDED: Mapping[Refused, tuple[int, int, str]] = {
    "price_filter": (400, -1013, "Filter failure: PRICE_FILTER"),
    "lot_size": (400, -1013, "Filter failure: LOT_SIZE"),
    "market_lot_size": (400, -1013, "Filter failure: MARKET_LOT_SIZE"),
    "notional": (400, -1013, "Filter failure: NOTIONAL"),
    "percent_price": (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    "max_num_orders": (400, -1013, "Filter failure: MAX_NUM_ORDERS"),
    "max_num_algo_orders": (400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
    "max_position": (400, -1013, "Filter failure: MAX_POSITION"),
    "balance": (400, -2010, "Account has insufficient balance for requested action."),
    "would_take": (400, -2010, "Order would immediately match and take."),
    "would_trigger": (400, -2010, "Order would trigger immediately."),
    "duplicate": (400, -2010, "Duplicate order sent."),
    "closed": (400, -2010, "Market is closed."),
    "unknown_order": NOT_OPEN,
    "no_change": (400, -2038, "The requested action would change no state; rejecting."),
    "full": (503, -1008, BUSY),
    # What a spot market never says: it has no margin and no positions, and lets a fill-or-kill order expire.
    "margin": _DISABLED,
    "leverage": _DISABLED,
    "reduce_only": _DISABLED,
    "open_orders": _DISABLED,
    "open_position": _DISABLED,
    "not_whole": _DISABLED,
}


def worded(refusal: Refusal) -> WireRefusal:
    """A refusal as the venue says it."""
    return WireRefusal(*WORDED[refusal.why])
