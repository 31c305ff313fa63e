"""A capture's books and trades by the second: every frame through the feeds, as it would be live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.continuity import ANEW, APPLY, GAP, LIVE
from metastackerbandit.market.cob import Cob, CobTerms, empty_cob
from metastackerbandit.market.cob import close_second as close_cob
from metastackerbandit.market.feed_score import score_at
from metastackerbandit.market.micro import Micro, begin_book, close_second, empty_micro, lose_book, on_depth, on_trade
from metastackerbandit.market.quality import begin_watch, limits_of
from metastackerbandit.market.quality_rows import Quality
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.book_quality import book_quality, judge
from metastackerbandit.runtime.capture_rules import codec_in
from metastackerbandit.runtime.frame_walk import frames_of, walking

MOST_SILENT = 300  # seconds in a row without a frame that are written; behind them nobody knows whether anything was heard


class SecondCourse(Struct, frozen=True):
    """The second that stands open (0: none), and how many rows were written."""

    second: int
    written: int


class SecondFeed(NamedTuple):
    """What makes seconds of a venue's frames."""

    micro: Micro
    cob: Cob
    live: Any  # (1,) bool, scratch
    quality: Quality
    limits: Any  # (1,) QualitySettings
    course: Any  # (1,) SecondCourse
    out: Any  # (N,) SecondRow


@kernel
def follow(micro: Any, market: Any, received_ns: int, kind: int, is_again: bool) -> None:
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
def follow_only(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """After a frame: what it did; `mine` is a Micro, whose seconds nobody ends."""
    follow(mine, market, received_ns, kind, is_again)


@kernel
def hear(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """After a frame: what it says of the feed's quality, and what it did."""
    judge(market, mine.quality, mine.limits[0], kind, received_ns, alone >= 0, is_again)
    follow(mine.micro, market, received_ns, kind, is_again)


@kernel
def close_all(mine: Any, market: Any, second: int, now_ns: int) -> None:
    """Write a second that ended, for every instrument of the one venue."""
    course, limits = mine.course[0], mine.limits[0]
    for s in range(len(market.feeds)):
        mine.live[0] = market.feeds[s].state == LIVE
        close_cob(mine.cob, s, second, mine.live, market.book.row[s : s + 1], market.book.bids[s : s + 1], market.book.asks[s : s + 1])
        score = score_at(mine.quality.row[s], limits, (second + 1) * 1_000_000_000)
        close_second(mine.micro, s, second, now_ns, mine.live[0], score, mine.cob.row[s].imbalance, mine.out, course.written)
        course.written += 1


@kernel
def close_seconds(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """Before a frame: the open second, if it ended before it came, and those without a frame behind it."""
    course = mine.course[0]
    second = received_ns // 1_000_000_000
    if 0 < course.second < second:
        close_all(mine, market, course.second, received_ns)
        for ended in range(max(course.second + 1, second - MOST_SILENT), second):
            close_all(mine, market, ended, received_ns)
    course.second = max(course.second, second)


def second_feed(
    received_ns: np.ndarray, instruments: Sequence[Instrument], widths: Sequence[int] = (), settings: QualitySettings | None = None
) -> SecondFeed:
    """What makes the seconds of frames that come at these times (F,); `widths` as in `seconds_of`."""
    count = len(instruments)
    terms = rows(CobTerms, count)
    terms["width"] = widths or 0
    terms["unit"] = [float(one.tick_size) * float(one.lot_size) for one in instruments]
    made = SecondFeed(
        micro=empty_micro(count),
        cob=empty_cob(terms),
        live=np.zeros(1, np.bool_),
        quality=book_quality(count),
        limits=limits_of(QualitySettings() if settings is None else settings),
        course=rows(SecondCourse, 1),
        out=rows(SecondRow, count * whole_seconds(received_ns)),
    )
    if len(received_ns):
        begin_watch(made.quality, made.limits[0], int(received_ns[0]))
    return made


def seconds_of(
    capture: Capture, instruments: Sequence[Instrument], widths: Sequence[int] = (), settings: QualitySettings | None = None
) -> np.ndarray:
    """The capture's whole seconds, rows (N,) of SecondRow in the order in which they were known, of these instruments of one venue.

    `widths` are the ticks of the consolidated book's buckets (0, or none given: by the first price). The second in which the capture ends is not
    there.
    """
    mine = second_feed(capture.received_ns, instruments, widths, settings)
    codec = codec_in(capture, instruments)
    walking(codec.venue, hear, close_seconds)(frames_of(capture, instruments), feeds_of(instruments, codec=codec), mine)
    return mine.out[: int(mine.course[0]["written"])]


def whole_seconds(received_ns: np.ndarray) -> int:
    """How many seconds are written of frames that came at these times (F,)."""
    if len(received_ns) == 0:
        return 0
    steps = np.diff(np.maximum.accumulate(received_ns // SECOND_NS))
    return int(np.minimum(steps, MOST_SILENT + 1).sum())
