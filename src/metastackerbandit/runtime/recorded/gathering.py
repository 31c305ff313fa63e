"""All rows of a capture, by kind: every frame through the scanner, and what it tells copied out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import (
    DEPTH,
    LIQUIDATION,
    MARK,
    QUOTE,
    TRADES,
    VENUE_BARS,
    DepthRow,
    LiquidationRow,
    MarkRow,
    QuoteRow,
    TradeRow,
    VenueBarRow,
)
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_rules import codec_in
from metastackerbandit.runtime.frame_walk import frames_of, walking

NAMES = {DEPTH: "depth", TRADES: "trades", QUOTE: "quotes", VENUE_BARS: "venue_bars", MARK: "marks", LIQUIDATION: "liquidations"}


class Gathered(NamedTuple):
    """Rows (N,) of each kind in the order of the frames, levels (L, 2) of the book messages, and how many there are of each kind (9,); the last
    of these counts levels."""

    counts: Any
    depth: Any
    levels: Any
    trades: Any
    quotes: Any
    bars: Any
    marks: Any
    liquidations: Any


def _room(counts: np.ndarray) -> Gathered:
    """Room for so many rows."""
    return Gathered(
        counts=np.zeros(9, np.int64),
        depth=rows(DepthRow, int(counts[DEPTH])),
        levels=np.zeros((int(counts[8]), 2), np.int64),
        trades=rows(TradeRow, int(counts[TRADES])),
        quotes=rows(QuoteRow, int(counts[QUOTE])),
        bars=rows(VenueBarRow, int(counts[VENUE_BARS])),
        marks=rows(MarkRow, int(counts[MARK])),
        liquidations=rows(LiquidationRow, int(counts[LIQUIDATION])),
    )


@kernel
def count(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """How many rows a frame has."""
    if is_again:
        return
    mine.counts[kind] += market.decoded.found[0].rows
    if kind == DEPTH:
        mine.counts[8] += market.decoded.depth[0].bids + market.decoded.depth[0].asks


@kernel
def gather(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """Copy a frame's rows out."""
    if is_again:
        return
    decoded = market.decoded
    first = mine.counts[kind]
    many = decoded.found[0].rows
    if kind == DEPTH:
        mine.depth[first] = decoded.depth[0]
        at = mine.counts[8]
        for n in range(decoded.depth[0].bids):
            mine.levels[at, 0] = decoded.bids[n, 0]
            mine.levels[at, 1] = decoded.bids[n, 1]
            at += 1
        for n in range(decoded.depth[0].asks):
            mine.levels[at, 0] = decoded.asks[n, 0]
            mine.levels[at, 1] = decoded.asks[n, 1]
            at += 1
        mine.counts[8] = at
    for n in range(many):
        if kind == TRADES:
            mine.trades[first + n] = decoded.trades[n]
        elif kind == QUOTE:
            mine.quotes[first + n] = decoded.quotes[n]
        elif kind == VENUE_BARS:
            mine.bars[first + n] = decoded.bars[n]
        elif kind == MARK:
            mine.marks[first + n] = decoded.marks[n]
        elif kind == LIQUIDATION:
            mine.liquidations[first + n] = decoded.liquidations[n]
    mine.counts[kind] += many


def rows_in(capture: Capture, instruments: Sequence[Instrument]) -> Gathered:
    """All rows that a capture's sound frames tell of these instruments, which are of one venue."""
    codec, frames = codec_in(capture, instruments), frames_of(capture, instruments)
    nothing = _room(np.zeros(9, np.int64))
    walking(codec.venue, count)(frames, feeds_of(instruments, codec=codec), nothing)
    found = _room(nothing.counts)
    walking(codec.venue, gather)(frames, feeds_of(instruments, codec=codec), found)
    return found
