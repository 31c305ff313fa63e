"""The tape: what takers bought and sold in the open second, and how fast trades follow each other."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel


class TapeRow(Struct, frozen=True):
    """Sums of the open second, and decaying counts of trades with memories of 1, 10 and 60 s as they stood at `at_ns`."""

    at_ns: int
    trades: int
    bought: int
    sold: int
    bought_lots: int
    sold_lots: int
    unsided_lots: int
    bought_value: float
    sold_value: float
    last_ticks: int
    buys_1: float
    buys_10: float
    buys_60: float
    sells_1: float
    sells_10: float
    sells_60: float


@kernel
def kept(gone_ns: int, memory_s: float) -> float:
    """The share of a decaying count that is left after so long: exp(-t / memory); all of it where time went back."""
    return math.exp(-max(gone_ns, 0) * 1e-9 / memory_s)


@kernel
def _fade(tape: Any, at_ns: int) -> None:
    """Take the decaying counts to `at_ns`."""
    if tape.at_ns > 0 and at_ns > tape.at_ns:
        gone = at_ns - tape.at_ns
        for_1, for_10, for_60 = kept(gone, 1.0), kept(gone, 10.0), kept(gone, 60.0)
        tape.buys_1 *= for_1
        tape.buys_10 *= for_10
        tape.buys_60 *= for_60
        tape.sells_1 *= for_1
        tape.sells_10 *= for_10
        tape.sells_60 *= for_60
    tape.at_ns = max(tape.at_ns, at_ns)


@kernel
def tell(tape: Any, trade: Any) -> None:
    """Take in a trade, or several of one taker at one price (one event)."""
    _fade(tape, trade.received_ns)
    tape.trades += 1
    tape.last_ticks = trade.ticks
    if trade.side > 0:
        tape.bought += 1
        tape.bought_lots += trade.lots
        tape.bought_value += float(trade.ticks) * trade.lots
        tape.buys_1 += 1.0
        tape.buys_10 += 1.0
        tape.buys_60 += 1.0
    elif trade.side < 0:
        tape.sold += 1
        tape.sold_lots += trade.lots
        tape.sold_value += float(trade.ticks) * trade.lots
        tape.sells_1 += 1.0
        tape.sells_10 += 1.0
        tape.sells_60 += 1.0
    else:
        tape.unsided_lots += trade.lots


@kernel
def close_tape(tape: Any, closed_ns: int, out: Any) -> None:
    """Write the open second's trades to its row, and begin the next one. Counts as rates at its end: what looks at them does not move them."""
    out.trades = tape.trades
    out.bought = tape.bought
    out.sold = tape.sold
    out.bought_lots = tape.bought_lots
    out.sold_lots = tape.sold_lots
    out.unsided_lots = tape.unsided_lots
    out.bought_value = tape.bought_value
    out.sold_value = tape.sold_value
    out.last_ticks = tape.last_ticks
    gone = closed_ns - tape.at_ns
    for_1, for_10, for_60 = kept(gone, 1.0), kept(gone, 10.0) / 10.0, kept(gone, 60.0) / 60.0
    out.buy_rate_1 = tape.buys_1 * for_1
    out.buy_rate_10 = tape.buys_10 * for_10
    out.buy_rate_60 = tape.buys_60 * for_60
    out.sell_rate_1 = tape.sells_1 * for_1
    out.sell_rate_10 = tape.sells_10 * for_10
    out.sell_rate_60 = tape.sells_60 * for_60
    tape.trades = 0
    tape.bought = 0
    tape.sold = 0
    tape.bought_lots = 0
    tape.sold_lots = 0
    tape.unsided_lots = 0
    tape.bought_value = 0.0
    tape.sold_value = 0.0
    tape.last_ticks = 0
