"""A live frame in one compiled call: scanned, followed, put into the book, judged, its connection's health kept, old trades left out."""

from __future__ import annotations

from typing import Any, NamedTuple

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import DEPTH, LIQUIDATION, MARK, QUOTE, TRADES, VENUE_BARS
from metastackerbandit.exchanges.decoded import FOREIGN
from metastackerbandit.market.trade_ids import leave_out_old
from metastackerbandit.runtime.book_feed import take
from metastackerbandit.runtime.book_quality import judge
from metastackerbandit.runtime.health import heard

REPLY = -1  # in the place of a connection: the frame counts for none
AT_ONCE, WAITED, KEPT = 0, 1, 2  # taken as it came; again, now that its snapshot is there; late, having been kept beside another connection's


class Taken(NamedTuple):
    """What became of a frame: its kind (domain.market_rows), the instrument of a book message and its verdict (exchanges.continuity), else -1."""

    kind: int
    instrument: int
    verdict: int


@kernel
def take_live(
    text: Any, end: int, received_ns: int, alone: int, connection: int, when: int, market: Any, quality: Any, limits: Any, seen: Any, health: Any
) -> int:
    """One frame text[:end] (N,) uint8 -> what became of it, packed (`unpacked`). `when` is AT_ONCE, WAITED or KEPT."""
    kind = take(text, end, received_ns, alone, market)
    judge(market, quality, limits[0], kind, received_ns, alone >= 0 or when == KEPT, when == WAITED)
    found = market.decoded.found[0]
    if kind == TRADES and when != WAITED:
        found.rows = leave_out_old(seen, market.decoded.trades, found.rows)
    if connection >= 0 and when == AT_ONCE:
        is_broken = found.fault != 0 and found.fault != FOREIGN
        heard(health, connection, received_ns, stamp_of(market.decoded, kind, found.rows), end, is_broken)
    if kind != DEPTH:
        return kind
    s = market.decoded.depth[0].instrument
    return kind + 16 * (s + 1) + 16 * 65_536 * market.feeds[s].verdict


@kernel
def stamp_of(decoded: Any, kind: int, count: int) -> int:
    """The venue's time of a frame, 0 where it tells none."""
    if kind == DEPTH:
        return decoded.depth[0].exchange_ns
    if count == 0:
        return 0
    if kind == TRADES:
        return decoded.trades[0].exchange_ns
    if kind == QUOTE:
        return decoded.quotes[0].exchange_ns
    if kind == VENUE_BARS:
        return decoded.bars[0].exchange_ns
    if kind == MARK:
        return decoded.marks[0].exchange_ns
    return decoded.liquidations[0].exchange_ns if kind == LIQUIDATION else 0


def unpacked(code: int) -> Taken:
    """What `take_live` answered."""
    kind, rest = code % 16, code // 16
    return Taken(kind, rest % 65_536 - 1, rest // 65_536) if rest else Taken(kind, -1, -1)
