"""A round trip as every engine tells it: one row, prices in ticks, quantity in lots, money in the account's currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

Trades = np.ndarray[Any, Any]

LAYOUT = np.dtype(
    [
        ("opened_ns", "i8"),  # opening time of the candle that the position was entered in
        ("closed_ns", "i8"),  # opening time of the candle that it was left in
        ("side", "i8"),  # +1 long, -1 short
        ("lots", "f8"),
        ("entry", "f8"),  # ticks; a peer's may lie between two
        ("exit", "f8"),
        ("fee", "f8"),  # paid at both ends
        ("funding", "f8"),  # paid while held, negative when received
        ("profit", "f8"),  # after fees and funding
    ]
)
FIELDS: tuple[str, ...] = tuple(LAYOUT.names or ())


def trades_of(rows: Iterable[Sequence[float]], tick: str, step: str) -> Trades:
    """A peer's answer (prices and quantity in currency and base units) -> trades in order of entry."""
    told = [tuple(row) for row in rows]
    trades = np.array(told, LAYOUT) if told else np.zeros(0, LAYOUT)
    trades["lots"] /= float(Decimal(step))
    trades["entry"] /= float(Decimal(tick))
    trades["exit"] /= float(Decimal(tick))
    return in_order(trades)


def in_order(trades: Trades) -> Trades:
    """By entry; of two in one candle, the one that was left first."""
    return trades[np.lexsort((trades["closed_ns"], trades["opened_ns"]))]
