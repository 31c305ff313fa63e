"""A capture's books and trades by the second: every frame through the feeds, as it would be live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.continuity import ANEW, APPLY, GAP, LIVE, WAIT
from metastackerbandit.market.cob import CobTerms, bucket_width, empty_cob
from metastackerbandit.market.cob import close_second as close_cob
from metastackerbandit.market.micro import begin_book, close_second, empty_micro, lose_book, on_depth, on_trade
from metastackerbandit.market.quality import begin_watch, limits_of, score_at
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_feed import feeds_of, for_venue, take
from metastackerbandit.runtime.book_quality import book_quality, judge
from metastackerbandit.runtime.capture_rules import places_of_replies

MOST_SILENT = 300  # seconds in a row without a frame that are written; behind them nobody knows whether anything was heard


class SecondCourse(Struct, frozen=True):
    """The second that stands open (0: none), and how many rows were written."""

    second: int
    written: int


@kernel
def follow_book(market: Any, micro: Any, kind: int, is_again: bool, received_ns: int) -> None:
    """What the newest frame did to a book or the tape; of one that had waited for its snapshot, the book alone."""
    if kind == DEPTH:
        s = market.decoded.depth[0].instrument
        verdict = market.feeds[s].verdict
        if verdict == APPLY:
            on_depth(micro, s, market.book.row[s], market.book.bids[s], market.book.asks[s], received_ns)
        elif verdict == ANEW:
            begin_book(micro, s, market.book.row[s], market.book.bids[s], market.book.asks[s], received_ns)
        elif verdict == GAP:
            lose_book(micro, s)
    elif kind == TRADES and not is_again:
        for n in range(market.decoded.found[0].rows):
            on_trade(micro, market.decoded.trades[n])


@kernel
def close_all(market: Any, micro: Any, cob: Any, live: Any, quality: Any, limits: Any, second: int, now_ns: int, course: Any, out: Any) -> None:
    """Write a second that ended, for every instrument of the one venue. A cob without a width has buckets for the first price it sees."""
    for s in range(len(market.feeds)):
        row = market.book.row[s]
        live[0] = market.feeds[s].state == LIVE
        if live[0] and cob.terms[s].width == 0 and row.bids > 0:
            cob.terms[s].width = bucket_width(float(market.book.bids[s, row.bids - 1, 0]), 1.0, np.nan, np.nan)
        live[0] = live[0] and cob.terms[s].width > 0
        close_cob(cob, s, second, live, market.book.row[s : s + 1], market.book.bids[s : s + 1], market.book.asks[s : s + 1])
        score = score_at(quality.row[s], limits, (second + 1) * 1_000_000_000)
        close_second(micro, s, second, now_ns, live[0], score, cob.row[s].imbalance, out, course.written)
        course.written += 1


@kernel
def fill_seconds(
    text: Any,
    starts: Any,
    ends: Any,
    received: Any,
    alone: Any,
    market: Any,
    micro: Any,
    cob: Any,
    live: Any,
    quality: Any,
    limits: Any,
    pending: Any,
    state: Any,
    out: Any,
) -> None:
    """Every frame (F,) through the feeds; each second of each instrument is written to `out` (N,) once a frame of a later one has come.

    `live` (1,) is scratch, `pending` (P,) what waits for a snapshot.
    """
    course, limits = state[0], limits[0]
    if len(starts) > 0:
        begin_watch(quality, limits, received[0])
    next_frame, again, stop, waiting = 0, 0, 0, 0
    while again < stop or next_frame < len(starts):
        is_again = again < stop
        if is_again:
            f = pending[again % len(pending)]
            again += 1
        else:
            f = next_frame
            next_frame += 1
            second = received[f] // 1_000_000_000
            if course.second > 0:
                for ended in range(max(course.second, second - MOST_SILENT), second):
                    close_all(market, micro, cob, live, quality, limits, ended, received[f], course, out)
            course.second = max(course.second, second)
        kind = take(text[starts[f] : ends[f]], ends[f] - starts[f], received[f], alone[f], market)
        judge(market, quality, limits, kind, received[f], alone[f] >= 0, is_again)
        follow_book(market, micro, kind, is_again, received[f])
        if kind == DEPTH:
            verdict = market.feeds[market.decoded.depth[0].instrument].verdict
            if verdict == WAIT or verdict == GAP:
                pending[waiting % len(pending)] = f
                waiting += 1
            elif verdict == ANEW:
                again, stop = max(waiting - len(pending), stop), waiting


def seconds_of(
    capture: Capture, instruments: Sequence[Instrument], widths: Sequence[int] = (), settings: QualitySettings | None = None
) -> np.ndarray:
    """The capture's whole seconds, rows (N,) of SecondRow in the order in which they were known, of these instruments of one venue.

    `widths` are the ticks of the consolidated book's buckets (none: 2 bp of the first price). The second in which the capture ends is not there.
    """
    count = len(instruments)
    market, micro, quality = feeds_of(instruments), empty_micro(count), book_quality(count)
    limits = limits_of(QualitySettings() if settings is None else settings)
    terms = rows(CobTerms, count)
    terms["width"] = widths or 0
    terms["unit"] = [float(one.tick_size) * float(one.lot_size) for one in instruments]
    cob, live, course = empty_cob(terms), np.zeros(1, np.bool_), rows(SecondCourse, 1)
    pending = np.zeros(min(len(capture.starts), 200_000) + 1, np.int64)
    alone = places_of_replies(capture, [one.symbol for one in instruments])
    out = rows(SecondRow, count * whole_seconds(capture.received_ns))
    for_venue(fill_seconds, instruments[0].venue)(
        capture.text,
        capture.starts,
        capture.ends,
        capture.received_ns,
        alone,
        market,
        micro,
        cob,
        live,
        quality,
        limits,
        pending,
        course,
        out,
    )
    return out[: int(course[0]["written"])]


def whole_seconds(received_ns: np.ndarray) -> int:
    """How many seconds are written of frames that came at these times (F,)."""
    if len(received_ns) == 0:
        return 0
    steps = np.diff(np.maximum.accumulate(received_ns // SECOND_NS))
    return int(np.minimum(steps, MOST_SILENT).sum())
