"""A followed book and its trades as the flow that paper orders meet: changed prices, whole books, prints."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.simulation.flow import LEVEL, PRINT, lay_row
from metastackerbandit.simulation.queues import price_count

DEPTH_KEPT = 500  # prices a side, from the best on, that paper orders can meet


@kernel
def _put(flow: Any, n: int, s: int, at_ns: int, what: int, side: int, ticks: int, lots: int) -> int:
    lay_row(flow[n], at_ns, s, what, side, ticks, lots)
    return n + 1


@kernel
def changed_flow(market: Any, s: int, at_ns: int, flow: Any) -> int:
    """The newest book message of instrument `s` as rows of `flow`, prices that went first; how many. Far prices are left out."""
    n = 0
    row = market.book.row[s]
    for gone in range(2):
        for side in range(2):
            changes = market.decoded.bids if side == 0 else market.decoded.asks
            count = market.decoded.depth[0].bids if side == 0 else market.decoded.depth[0].asks
            known = market.book.bids[s] if side == 0 else market.book.asks[s]
            levels = row.bids if side == 0 else row.asks
            sign = 1 if side == 0 else -1
            farthest = known[max(levels - DEPTH_KEPT, 0), 0] if levels > 0 else 0
            for k in range(count):
                lots = changes[k, 1]
                is_near = lots == 0 or sign * changes[k, 0] >= sign * farthest
                if (lots == 0) == (gone == 0) and is_near and n < len(flow):
                    n = _put(flow, n, s, at_ns, LEVEL, side, changes[k, 0], lots)
    return n


@kernel
def whole_flow(market: Any, queues: Any, s: int, at_ns: int, flow: Any) -> int:
    """The whole book of instrument `s` in the place of what `queues` has of the background, as rows of `flow`; how many."""
    n = 0
    row = market.book.row[s]
    for side in range(2):
        for k in range(price_count(queues, s, side)):
            if n < len(flow):
                n = _put(flow, n, s, at_ns, LEVEL, side, queues.prices[s, side, k, 0], 0)
    for side in range(2):
        known = market.book.bids[s] if side == 0 else market.book.asks[s]
        levels = row.bids if side == 0 else row.asks
        for k in range(max(levels - DEPTH_KEPT, 0), levels):
            if n < len(flow):
                n = _put(flow, n, s, at_ns, LEVEL, side, known[k, 0], known[k, 1])
    return n


@kernel
def printed_flow(market: Any, at_ns: int, flow: Any) -> int:
    """The newest trades as rows of `flow`; how many. A taker who is not told counts as a seller."""
    n = 0
    for k in range(market.decoded.found[0].rows):
        trade = market.decoded.trades[k]
        if n < len(flow):
            n = _put(flow, n, trade.instrument, at_ns, PRINT, 0 if trade.side > 0 else 1, trade.ticks, trade.lots)
    return n
