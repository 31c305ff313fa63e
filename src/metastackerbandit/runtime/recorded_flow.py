"""A capture as the flow of an exchange's background: every change of its books and every trade, at the venue's own times.

Book messages keep their order and trades theirs; between the two the venue's stamps decide. A book message without one (spot's snapshots and
pictures) counts as of the one before it, and where nothing was stamped before, as of when it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import DEPTH, MARK, TRADES, MarkRow
from metastackerbandit.exchanges.continuity import ANEW, APPLY
from metastackerbandit.market.book import Book, empty_books, place_of, put
from metastackerbandit.market.trade_ids import TradeIds, is_new, remember
from metastackerbandit.runtime.bar_feed import trade_ids_of
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_rules import codec_in
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.simulation.flow import LEVEL, PRINT, Flow, lay_row

MOST_PRICES = 32_768  # a side, in the book of a recording; Binance's books of the whole depth have about 10,000


class RecordedFlow(Struct, frozen=True, eq=False):
    """What a capture tells of S instruments, in the order of time: `flow` (N,) Flow and `marks` (M,) MarkRow, of which `exchange_ns` is the time.

    All books are there from `begun_ns` on, `ended_ns` is the newest time of all; no side ever has more than `prices` prices.
    """

    flow: np.ndarray
    marks: np.ndarray
    begun_ns: int
    ended_ns: int
    prices: int


class ToldRow(Struct, frozen=True):
    """An instrument while a capture is read: the time of its newest book message and trade, when its first whole book came (0: none did), and the
    most prices that a side has had."""

    depth_ns: int
    trade_ns: int
    begun_ns: int
    prices: int


class _Telling(NamedTuple):
    """What is told so far: rows written (flow, marks) which are counted even where `flow` and `marks` have no room for them."""

    counts: Any  # (2,) int64
    told: Any  # (S,) ToldRow
    books: Book  # as the flow has made them
    ids: TradeIds
    flow: Any
    marks: Any


def recorded_flow(capture: Capture, instruments: Sequence[Instrument]) -> RecordedFlow:
    """The flow of these instruments of one venue.

    Raises:
        DataRefused: there is no whole book of an instrument, or one has more prices than are taken.
    """
    counted, forgotten = _told(capture, instruments, 0, 0)
    for one, row, is_cut in zip(instruments, counted.told, forgotten, strict=True):
        if not row["begun_ns"]:
            what = f"there is no whole book of {one.symbol}: no snapshot, and no picture of it"
            raise DataRefused(what, where=capture.source, mend="give the file with its snapshot, or leave the symbol out with --symbols")
        if is_cut:
            raise DataRefused(f"the book of {one.symbol} has more than {MOST_PRICES:,} prices a side", where=capture.source, mend="cut it to fewer")
    made, _ = _told(capture, instruments, *counted.counts.tolist())
    flow = made.flow[np.argsort(made.flow["at_ns"], kind="stable")]
    marks = made.marks[np.argsort(made.marks["exchange_ns"], kind="stable")]
    return RecordedFlow(flow, marks, int(made.told["begun_ns"].max()), int(flow["at_ns"][-1]), int(made.told["prices"].max()))


def _told(capture: Capture, instruments: Sequence[Instrument], flow: int, marks: int) -> tuple[_Telling, list[bool]]:
    """The capture read once, with room for so many rows; of each instrument, whether its book had more prices than are followed."""
    codec, count = codec_in(capture, instruments), len(instruments)
    books, ids = empty_books(count, MOST_PRICES), trade_ids_of(codec, count)
    mine = _Telling(np.zeros(2, np.int64), rows(ToldRow, count), books, ids, rows(Flow, flow), rows(MarkRow, marks))
    feeds = feeds_of(instruments, MOST_PRICES, codec)
    walking(codec.venue, tell_frame)(frames_of(capture, instruments), feeds, mine)
    return mine, [bool(count) for count in feeds.book.row["forgotten"]]


@kernel
def tell_frame(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """What a frame says, as rows; only book messages are taken again."""
    if kind == DEPTH:
        s = market.decoded.depth[0].instrument
        verdict = market.feeds[s].verdict
        if verdict == ANEW or (verdict == APPLY and market.decoded.depth[0].is_whole != 0):
            _tell_whole(mine, market, s)
        elif verdict == APPLY:
            _tell_changes(mine, market, s)
    elif kind == TRADES and not is_again:
        for n in range(market.decoded.found[0].rows):
            _tell_trade(mine, market.decoded.trades[n])
    elif kind == MARK and not is_again:
        for n in range(market.decoded.found[0].rows):
            _tell_mark(mine, market.decoded.marks[n])


@kernel
def _stamp(told: Any, depth: Any) -> int:
    """When a book message is of; times do not go back."""
    at_ns = depth.exchange_ns if depth.exchange_ns > 0 else (told.depth_ns if told.depth_ns > 0 else depth.received_ns)
    told.depth_ns = max(told.depth_ns, at_ns)
    return int(told.depth_ns)


@kernel
def _tell_changes(mine: Any, market: Any, s: int) -> None:
    """Prices that changed; those that went are told first, so that no price is crossed meanwhile."""
    depth = market.decoded.depth[0]
    at_ns = _stamp(mine.told[s], depth)
    for gone in range(2):
        for side in range(2):
            changes = market.decoded.bids if side == 0 else market.decoded.asks
            for n in range(depth.bids if side == 0 else depth.asks):
                if (changes[n, 1] == 0) == (gone == 0):
                    _tell_level(mine, s, at_ns, side, changes[n, 0], changes[n, 1])


@kernel
def _tell_whole(mine: Any, market: Any, s: int) -> None:
    """The whole book in the place of what was told of it."""
    at_ns = _stamp(mine.told[s], market.decoded.depth[0])
    row = market.book.row[s]
    for side in range(2):
        told = mine.books.bids[s] if side == 0 else mine.books.asks[s]
        known = market.book.bids[s] if side == 0 else market.book.asks[s]
        count = row.bids if side == 0 else row.asks
        sign = 1 if side == 0 else -1
        n = (mine.books.row[s].bids if side == 0 else mine.books.row[s].asks) - 1
        while n >= 0:
            place = place_of(known, count, sign, told[n, 0])
            if place == count or known[place, 0] != told[n, 0]:
                _tell_level(mine, s, at_ns, side, told[n, 0], 0)
            n -= 1
    for side in range(2):
        known = market.book.bids[s] if side == 0 else market.book.asks[s]
        for n in range(row.bids if side == 0 else row.asks):
            _tell_level(mine, s, at_ns, side, known[n, 0], known[n, 1])
    if mine.told[s].begun_ns == 0:
        mine.told[s].begun_ns = at_ns


@kernel
def _tell_level(mine: Any, s: int, at_ns: int, side: int, ticks: int, lots: int) -> None:
    """A price has another size."""
    row, told = mine.books.row[s], mine.told[s]
    levels = mine.books.bids[s] if side == 0 else mine.books.asks[s]
    count = row.bids if side == 0 else row.asks
    if lots > 0 and count == len(levels):
        return  # the book that is followed has no room either, and tells so
    count = put(levels, count, 1 if side == 0 else -1, ticks, lots)
    if side == 0:
        row.bids = count
    else:
        row.asks = count
    told.prices = max(told.prices, count)
    _write(mine, s, at_ns, LEVEL, side, ticks, lots)


@kernel
def _tell_trade(mine: Any, trade: Any) -> None:
    """A trade that has not come before. A taker who is not told counts as a seller."""
    if not is_new(mine.ids, trade):
        return
    remember(mine.ids, trade)
    told = mine.told[trade.instrument]
    at_ns = trade.traded_ns if trade.traded_ns > 0 else trade.received_ns
    told.trade_ns = max(told.trade_ns, at_ns)
    _write(mine, trade.instrument, told.trade_ns, PRINT, 0 if trade.side > 0 else 1, trade.ticks, trade.lots)


@kernel
def _write(mine: Any, s: int, at_ns: int, what: int, side: int, ticks: int, lots: int) -> None:
    n = mine.counts[0]
    mine.counts[0] += 1
    if n < len(mine.flow):
        lay_row(mine.flow[n], at_ns, s, what, side, ticks, lots)


@kernel
def _tell_mark(mine: Any, mark: Any) -> None:
    """A mark price; one that the venue did not stamp is of when it came."""
    n = mine.counts[1]
    mine.counts[1] += 1
    if n < len(mine.marks):
        mine.marks[n] = mark
        if mark.exchange_ns == 0:
            mine.marks[n].exchange_ns = mark.received_ns
