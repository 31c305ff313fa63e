"""Microstructure of S instruments: their books' changes and trades taken in one by one, given out by the second (domain.seconds).

A second is one of our clock: what arrived in it. It is closed by the first frame or tick at or after its end, so nothing is ever late for it, and
nothing in it depends on how trades and books were ordered at the venue. A picture of the best levels is a change like any other: what is
compared with the picture before is what both of them reach to. Each change costs one pass over the nearest levels, whatever the book's size.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, layout, rows
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.market.near import NEAR, NearRow, count_changes, depth_of, hold, keep, place_of
from metastackerbandit.market.order_flow import FLOWS, flow_at
from metastackerbandit.market.tape import TapeRow, close_tape, tell
from metastackerbandit.market.walls import WallRow, follow_wall, pulled


class MicroRow(Struct, frozen=True):
    """One instrument's open second: `is_begun` 1 while a followed book is held, `is_broken` 1 where it was not throughout; changes are counted as
    `updates`, the newest came at `changed_ns`.

    `spread_bps` stands since `stood_ns` (NaN: a side is empty, or they cross); `spread_area` and `spread_ns` are its integral so far, and over
    how long.
    """

    is_begun: int
    is_broken: int
    updates: int
    changed_ns: int
    stood_ns: int
    spread_ns: int
    spread_bps: float
    spread_area: float


class SumsRow(Struct, frozen=True):
    """What came and went near the touch of a side in the open second, in lots."""

    added: float
    removed: float


class Micro(NamedTuple):
    """The open second of S instruments; sides 0 bids and 1 asks, N is NEAR, M is FLOWS."""

    row: Any  # (S,) MicroRow
    tape: Any  # (S,) TapeRow
    near: Any  # (S, 2) NearRow, the book after its newest change
    levels: Any  # (S, 2, N, 2) int64 of ticks and lots, best first
    near_then: Any  # (S, 2) NearRow, the book at the end of the second before
    levels_then: Any  # (S, 2, N, 2)
    traded: Any  # (S, 2, N) int64, lots dealt at those levels since
    sums: Any  # (S, 2) SumsRow
    walls: Any  # (S, 2) WallRow
    flows: Any  # (S, M) float64, order-flow imbalance of each level so far
    last: Any  # (2,) NearRow, scratch
    last_levels: Any  # (2, N, 2) int64, scratch
    scratch: Any  # (N,) float64
    blank: Any  # (1,) SecondRow of which nothing is known


def empty_micro(count: int) -> Micro:
    """Instruments of which nothing was heard."""
    levels = [np.zeros((count, 2, NEAR, 2), np.int64) for _ in range(2)]
    sides = [np.zeros((count, 2), layout(struct)) for struct in (NearRow, NearRow, SumsRow, WallRow)]
    made = Micro(
        row=rows(MicroRow, count),
        tape=rows(TapeRow, count),
        near=sides[0],
        levels=levels[0],
        near_then=sides[1],
        levels_then=levels[1],
        traded=np.zeros((count, 2, NEAR), np.int64),
        sums=sides[2],
        walls=sides[3],
        flows=np.zeros((count, FLOWS)),
        last=rows(NearRow, 2),
        last_levels=np.zeros((2, NEAR, 2), np.int64),
        scratch=np.zeros(NEAR),
        blank=_blank(),
    )
    made.row["spread_bps"] = math.nan
    made.row["is_broken"] = 1
    return made


def _blank() -> np.ndarray[Any, Any]:
    """A second (1,) of which nothing is known."""
    made = rows(SecondRow, 1)
    for name, kind in SecondRow.__annotations__.items():
        if kind == "float":
            made[name] = math.nan
    return made


@kernel
def _take_in(micro: Any, s: int, book: Any, bids: Any, asks: Any) -> None:
    """Hold the nearest levels of both sides."""
    hold(micro.near[s, 0], micro.levels[s, 0], bids, book.bids, 1, book.known_bid)
    hold(micro.near[s, 1], micro.levels[s, 1], asks, book.asks, -1, book.known_ask)


@kernel
def _weigh_spread(micro: Any, s: int, until_ns: int) -> None:
    """Add the spread as it stood until now to the open second."""
    row = micro.row[s]
    gone = until_ns - row.stood_ns
    if gone > 0:
        if not math.isnan(row.spread_bps):
            row.spread_area += row.spread_bps * gone
            row.spread_ns += gone
        row.stood_ns = until_ns


@kernel
def _look_at_spread(micro: Any, s: int) -> None:
    """The spread as it stands now."""
    row = micro.row[s]
    row.spread_bps = math.nan
    if micro.near[s, 0].count > 0 and micro.near[s, 1].count > 0:
        bid, ask = micro.levels[s, 0, 0, 0], micro.levels[s, 1, 0, 0]
        if bid < ask:
            row.spread_bps = (ask - bid) / (0.5 * (bid + ask)) * 1e4


@kernel
def begin_book(micro: Any, s: int, book: Any, bids: Any, asks: Any, at_ns: int) -> None:
    """A book (market.book) that begins from a snapshot: the open second has not had it throughout."""
    row = micro.row[s]
    row.is_begun = 1
    row.is_broken = 1
    row.changed_ns = at_ns
    row.stood_ns = max(row.stood_ns, at_ns)
    _take_in(micro, s, book, bids, asks)
    _look_at_spread(micro, s)


@kernel
def lose_book(micro: Any, s: int) -> None:
    """A gap: the book is worth nothing until it begins anew."""
    row = micro.row[s]
    row.is_begun = 0
    row.is_broken = 1
    row.spread_bps = math.nan


@kernel
def on_depth(micro: Any, s: int, book: Any, bids: Any, asks: Any, at_ns: int) -> None:
    """A book that a change was put into, or a picture took the place of."""
    row = micro.row[s]
    if row.is_begun == 0:
        begin_book(micro, s, book, bids, asks, at_ns)
        return
    _weigh_spread(micro, s, at_ns)
    row.updates += 1
    row.changed_ns = at_ns
    for side in range(2):
        keep(micro.near[s, side], micro.levels[s, side], micro.last[side], micro.last_levels[side])
    _take_in(micro, s, book, bids, asks)
    for m in range(FLOWS):
        came = flow_at(micro.last[0], micro.last_levels[0], micro.near[s, 0], micro.levels[s, 0], 1, m)
        came -= flow_at(micro.last[1], micro.last_levels[1], micro.near[s, 1], micro.levels[s, 1], -1, m)
        micro.flows[s, m] += came
    count_changes(micro.last[0], micro.last_levels[0], micro.near[s, 0], micro.levels[s, 0], 1, micro.sums[s, 0])
    count_changes(micro.last[1], micro.last_levels[1], micro.near[s, 1], micro.levels[s, 1], -1, micro.sums[s, 1])
    _look_at_spread(micro, s)


@kernel
def on_trade(micro: Any, trade: Any) -> None:
    """A trade; sellers deal with bids, buyers with asks, and one without a side with the level that stands at its price."""
    s = trade.instrument
    tell(micro.tape[s], trade)
    if trade.side <= 0:
        n = place_of(micro.near_then[s, 0], micro.levels_then[s, 0], 1, trade.ticks)
        if n >= 0:
            micro.traded[s, 0, n] += trade.lots
    if trade.side >= 0:
        n = place_of(micro.near_then[s, 1], micro.levels_then[s, 1], -1, trade.ticks)
        if n >= 0:
            micro.traded[s, 1, n] += trade.lots


@kernel
def _begin_second(micro: Any, s: int) -> None:
    """Sums from zero, and the levels as they stand to compare the next second's end with."""
    row = micro.row[s]
    row.is_broken = 1 - row.is_begun
    row.updates = 0
    row.spread_area = 0.0
    row.spread_ns = 0
    for m in range(FLOWS):
        micro.flows[s, m] = 0.0
    for side in range(2):
        micro.sums[s, side].added = 0.0
        micro.sums[s, side].removed = 0.0
        keep(micro.near[s, side], micro.levels[s, side], micro.near_then[s, side], micro.levels_then[s, side])
        for n in range(NEAR):
            micro.traded[s, side, n] = 0


@kernel
def _write_book(micro: Any, s: int, out: Any) -> None:
    """The book at the second's end, and how wide it was on average."""
    row = micro.row[s]
    bid, bid_lots = micro.levels[s, 0, 0, 0], micro.levels[s, 0, 0, 1]
    ask, ask_lots = micro.levels[s, 1, 0, 0], micro.levels[s, 1, 0, 1]
    out.updates = row.updates
    out.bid_ticks = bid
    out.bid_lots = bid_lots
    out.ask_ticks = ask
    out.ask_lots = ask_lots
    out.mid = 0.5 * (bid + ask)
    out.microprice = (float(bid) * ask_lots + float(ask) * bid_lots) / (bid_lots + ask_lots)
    out.spread_bps = row.spread_bps
    out.spread_mean_bps = row.spread_area / row.spread_ns if row.spread_ns > 0 else row.spread_bps
    bids, asks = micro.near[s, 0], micro.near[s, 1]
    out.bid_depth_1 = depth_of(bids, micro.levels[s, 0], 1)
    out.bid_depth_5 = depth_of(bids, micro.levels[s, 0], 5)
    out.bid_depth_10 = depth_of(bids, micro.levels[s, 0], 10)
    out.bid_depth_20 = depth_of(bids, micro.levels[s, 0], 20)
    out.ask_depth_1 = depth_of(asks, micro.levels[s, 1], 1)
    out.ask_depth_5 = depth_of(asks, micro.levels[s, 1], 5)
    out.ask_depth_10 = depth_of(asks, micro.levels[s, 1], 10)
    out.ask_depth_20 = depth_of(asks, micro.levels[s, 1], 20)
    out.bid_reach_5 = out.mid - micro.levels[s, 0, 4, 0] if bids.count >= 5 else math.nan
    out.bid_reach_20 = out.mid - micro.levels[s, 0, 19, 0] if bids.count >= 20 else math.nan
    out.ask_reach_5 = micro.levels[s, 1, 4, 0] - out.mid if asks.count >= 5 else math.nan
    out.ask_reach_20 = micro.levels[s, 1, 19, 0] - out.mid if asks.count >= 20 else math.nan


@kernel
def _write_flows(micro: Any, s: int, out: Any) -> None:
    """What came and went in the second; a level that is not there has no flow."""
    levels = min(micro.near[s, 0].count, micro.near[s, 1].count)
    out.ofi_1 = micro.flows[s, 0]
    out.ofi_2 = micro.flows[s, 1] if levels > 1 else math.nan
    out.ofi_3 = micro.flows[s, 2] if levels > 2 else math.nan
    out.ofi_4 = micro.flows[s, 3] if levels > 3 else math.nan
    out.ofi_5 = micro.flows[s, 4] if levels > 4 else math.nan
    out.bid_added = micro.sums[s, 0].added
    out.bid_removed = micro.sums[s, 0].removed
    out.ask_added = micro.sums[s, 1].added
    out.ask_removed = micro.sums[s, 1].removed


@kernel
def _write_walls(micro: Any, s: int, second: int, out: Any) -> None:
    """What was pulled since the second before, and the walls that stand."""
    near, levels, then, olds, traded = micro.near[s], micro.levels[s], micro.near_then[s], micro.levels_then[s], micro.traded[s]
    out.bid_pulled = pulled(then[0], olds[0], near[0], levels[0], 1, traded[0], micro.scratch)
    out.ask_pulled = pulled(then[1], olds[1], near[1], levels[1], -1, traded[1], micro.scratch)
    bid, ask = micro.walls[s, 0], micro.walls[s, 1]
    follow_wall(bid, near[0], levels[0], then[0], olds[0], traded[0], second, micro.scratch)
    follow_wall(ask, near[1], levels[1], then[1], olds[1], traded[1], second, micro.scratch)
    out.bid_wall = bid.excess
    out.ask_wall = ask.excess
    out.bid_wall_age = 0.0
    out.bid_wall_refills = 0.0
    out.ask_wall_age = 0.0
    out.ask_wall_refills = 0.0
    if bid.ticks > 0:
        out.bid_wall_bps = (out.mid - bid.ticks) / out.mid * 1e4
        out.bid_wall_age = float(second - bid.since)
        out.bid_wall_refills = float(bid.refills)
    if ask.ticks > 0:
        out.ask_wall_bps = (ask.ticks - out.mid) / out.mid * 1e4
        out.ask_wall_age = float(second - ask.since)
        out.ask_wall_refills = float(ask.refills)


@kernel
def close_second(micro: Any, s: int, second: int, now_ns: int, is_sound: bool, score: float, imbalance: float, out: Any, n: int) -> None:
    """Write the second that ends, `second` of Unix time, to out[n] (rows of SecondRow), and begin the next one.

    `is_sound` says whether the feed's book is to be trusted now, `score` is its quality, `imbalance` the consolidated book's.
    """
    row = micro.row[s]
    closed_ns = (second + 1) * 1_000_000_000
    _weigh_spread(micro, s, closed_ns)
    out[n] = micro.blank[0]
    made = out[n]
    made.instrument = s
    made.second = second
    made.closed_ns = closed_ns
    made.known_ns = max(now_ns, closed_ns)
    made.score = score
    if is_sound and row.is_begun != 0 and row.is_broken == 0 and not math.isnan(row.spread_bps):
        made.is_trusted = 1
        made.changed_ns = row.changed_ns
        made.cob_imbalance = imbalance
        _write_book(micro, s, made)
        _write_flows(micro, s, made)
        _write_walls(micro, s, second, made)
    else:
        micro.walls[s, 0].ticks = 0
        micro.walls[s, 1].ticks = 0
    close_tape(micro.tape[s], closed_ns, made)
    _begin_second(micro, s)
