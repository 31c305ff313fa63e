"""What the book and the trades of one instrument did in one second, as sums that need no unit of money and no average."""

from __future__ import annotations

from msgspec import Struct


class SecondRow(Struct, frozen=True, array_like=True):
    """One second by our clock, [`second`, `second` + 1) of Unix time; `known_ns` is when the first frame or tick at or after its end came.

    Sizes are lots, prices ticks (float where between two), so that sums are exact and a mirrored market is the same row with its sides
    exchanged; NaN stands for what was not known. `is_trusted` is 1 where the book followed its venue throughout and its best prices lie
    within what its snapshot reached: else all of the book is NaN or 0, and only the trades count. `changed_ns` is when the book last changed by
    our clock (0: not known). `score` is the feed's quality (market.quality), 0 .. 1.

    Book at the end: best prices, `mid`, `microprice` (bid and ask weighed by the other side's size: Stoikov 2018, first approximation),
    `spread_bps`; `.._depth_n` is what rests on the nearest n levels, `.._reach_n` how far the n-th is from the middle. During the second:
    `spread_mean_bps` weighs spreads by how long they stood, `updates` counts changes, `ofi_m` is the order-flow imbalance of level m (Cont,
    Kukanov and Stoikov 2014; beyond the first Xu, Gould and Howison 2019), `.._added` and `.._removed` what came and went on the nearest 20
    levels (trades are in what went).

    `.._pulled` is the largest drop of a level's log size that no trade explains, since the second before: log((before + m) / (now + traded + m))
    with m the median level, so a small order that goes is nothing. `.._wall` is the largest level above the median in median absolute
    deviations, `.._wall_bps` how far from the middle it stands; where it is above 6, `.._wall_age` is for how many seconds it has been the
    largest, and `.._wall_refills` in how many of them it was dealt against and yet became no smaller (else 0).

    `cob_imbalance` is the consolidated book's (market.cob). Of the trades: takers' `bought` and `sold` (how many, `.._lots`, `.._value` in ticks
    times lots), `unsided_lots` where the venue names no taker, `last_ticks` of the last trade (0: none). `buy_rate_n` and `sell_rate_n` are trades a
    second weighed by exp(-age / n s) at the second's end: Hawkes's recursion, which counts by the second could not give back.
    """

    instrument: int
    second: int
    closed_ns: int
    known_ns: int
    changed_ns: int
    is_trusted: int
    updates: int
    score: float
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    mid: float
    microprice: float
    spread_bps: float
    spread_mean_bps: float
    bid_depth_1: float
    bid_depth_5: float
    bid_depth_10: float
    bid_depth_20: float
    ask_depth_1: float
    ask_depth_5: float
    ask_depth_10: float
    ask_depth_20: float
    bid_reach_5: float
    bid_reach_20: float
    ask_reach_5: float
    ask_reach_20: float
    ofi_1: float
    ofi_2: float
    ofi_3: float
    ofi_4: float
    ofi_5: float
    bid_added: float
    bid_removed: float
    ask_added: float
    ask_removed: float
    bid_pulled: float
    ask_pulled: float
    bid_wall: float
    bid_wall_bps: float
    bid_wall_age: float
    bid_wall_refills: float
    ask_wall: float
    ask_wall_bps: float
    ask_wall_age: float
    ask_wall_refills: float
    cob_imbalance: float
    trades: int
    bought: int
    sold: int
    bought_lots: int
    sold_lots: int
    unsided_lots: int
    bought_value: float
    sold_value: float
    last_ticks: int
    buy_rate_1: float
    buy_rate_10: float
    buy_rate_60: float
    sell_rate_1: float
    sell_rate_10: float
    sell_rate_60: float
