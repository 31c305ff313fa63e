"""A capture's books by the second: the rings of the COB filled as they would be live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.exchanges.continuity import LIVE
from metastackerbandit.market.cob import Cob, CobTerms, close_second, empty_cob
from metastackerbandit.runtime.book_feed import Feeds, feeds_of
from metastackerbandit.runtime.capture_rules import codec_in
from metastackerbandit.runtime.frame_walk import after, frames_of, walking


class Filling(NamedTuple):
    """What fills a COB: the rings, scratch, and the second that stands open (0: none)."""

    cob: Cob
    live: Any  # (1,) bool
    second: Any  # (1,) int64


@kernel
def close_seconds(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """A frame has come: the seconds before its own are written, of every instrument."""
    second = received_ns // 1_000_000_000
    if mine.second[0] > 0:
        for ended in range(max(mine.second[0], second - 300), second):
            close_all(market, mine.cob, mine.live, ended)
    mine.second[0] = max(mine.second[0], second)


@kernel
def close_all(market: Any, cob: Any, live: Any, second: int) -> None:
    """Write a second that ended, for every instrument of the one venue; `live` (1,) is scratch."""
    for s in range(len(market.feeds)):
        live[0] = market.feeds[s].state == LIVE
        close_second(cob, s, second, live, market.book.row[s : s + 1], market.book.bids[s : s + 1], market.book.asks[s : s + 1])


def cob_of(capture: Capture, instruments: Sequence[Instrument], widths: Sequence[int] = ()) -> tuple[Cob, Feeds]:
    """The COB (S instruments, one venue) as it stands at the capture's end, with buckets of so many ticks (0, or none given: by the first price)."""
    codec = codec_in(capture, instruments)
    market = feeds_of(instruments, codec=codec)
    terms = rows(CobTerms, len(instruments))
    terms["width"] = widths or 0
    terms["unit"] = [float(one.tick_size) * float(one.lot_size) for one in instruments]
    mine = Filling(empty_cob(terms), np.zeros(1, np.bool_), np.zeros(1, np.int64))
    walking(codec.venue, after, close_seconds)(frames_of(capture, instruments), market, mine)
    if mine.second[0] > 0:
        close_all(market, mine.cob, mine.live, int(mine.second[0]))
    return mine.cob, market
