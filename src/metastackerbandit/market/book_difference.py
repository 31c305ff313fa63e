"""How two books of one instrument differ, as far as both are known: what an audit against a snapshot counts."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel


@kernel
def differing_levels(row: Any, bids: Any, asks: Any, other: Any, other_bids: Any, other_asks: Any) -> int:
    """Levels (market.book) that only one of two books has, or that they have with different sizes; beyond where both are known nothing counts."""
    bid_end = max(row.known_bid, other.known_bid)
    ask_end = row.known_ask if other.known_ask == 0 else other.known_ask if row.known_ask == 0 else min(row.known_ask, other.known_ask)
    return differing(bids, row.bids, other_bids, other.bids, 1, bid_end) + differing(asks, row.asks, other_asks, other.asks, -1, ask_end)


@kernel
def differing(side: Any, count: int, other: Any, others: int, sign: int, end: int) -> int:
    """The same of one side (D, 2), from the best price down to `end` ticks (0: to the last); `sign` 1 for bids, -1 for asks."""
    n, m, found = count - 1, others - 1, 0
    while True:
        here = n >= 0 and (end == 0 or sign * side[n, 0] >= sign * end)
        there = m >= 0 and (end == 0 or sign * other[m, 0] >= sign * end)
        if not here and not there:
            return found
        if here and there and side[n, 0] == other[m, 0]:
            found += 1 if side[n, 1] != other[m, 1] else 0
            n -= 1
            m -= 1
            continue
        found += 1
        if here and (not there or sign * side[n, 0] > sign * other[m, 0]):
            n -= 1
        else:
            m -= 1
