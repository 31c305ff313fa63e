"""A capture's books by the second: the rings of the COB filled as they would be live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.continuity import ANEW, GAP, LIVE, WAIT
from metastackerbandit.market.cob import Cob, CobTerms, close_second, empty_cob
from metastackerbandit.runtime.book_feed import Feeds, feeds_of, for_venue, take
from metastackerbandit.runtime.capture_rules import places_of_replies


@kernel
def fill_cob(text: Any, starts: Any, ends: Any, received: Any, alone: Any, market: Any, cob: Any, live: Any, pending: Any, state: Any) -> None:
    """Every frame (F,) through the feeds; each second of each instrument is written once a frame of a later one has come.

    `live` (1,) is scratch, `pending` (P,) what waits for a snapshot. `state` (1,) is the second that stands open (0: none).
    """
    next_frame, again, stop, waiting = 0, 0, 0, 0
    while again < stop or next_frame < len(starts):
        if again < stop:
            f = pending[again % len(pending)]
            again += 1
        else:
            f = next_frame
            next_frame += 1
            second = received[f] // 1_000_000_000
            if state[0] > 0:
                for ended in range(max(state[0], second - 300), second):
                    close_all(market, cob, live, ended)
            state[0] = max(state[0], second)
        kind = take(text[starts[f] : ends[f]], ends[f] - starts[f], received[f], alone[f], market)
        if kind == DEPTH:
            verdict = market.feeds[market.decoded.depth[0].instrument].verdict
            if verdict == WAIT or verdict == GAP:
                pending[waiting % len(pending)] = f
                waiting += 1
            elif verdict == ANEW:
                again, stop = max(waiting - len(pending), stop), waiting


@kernel
def close_all(market: Any, cob: Any, live: Any, second: int) -> None:
    """Write a second that ended, for every instrument of the one venue."""
    for s in range(len(market.feeds)):
        live[0] = market.feeds[s].state == LIVE
        close_second(cob, s, second, live, market.book.row[s : s + 1], market.book.bids[s : s + 1], market.book.asks[s : s + 1])


def cob_of(capture: Capture, instruments: Sequence[Instrument], widths: Sequence[int]) -> tuple[Cob, Feeds]:
    """The COB (S instruments, one venue) as it stands at the capture's end, with buckets of so many ticks; and the books."""
    market = feeds_of(instruments)
    terms = rows(CobTerms, len(instruments))
    terms["width"] = widths
    terms["unit"] = [float(one.tick_size) * float(one.lot_size) for one in instruments]
    cob, live, state = empty_cob(terms), np.zeros(1, np.bool_), np.zeros(1, np.int64)
    pending = np.zeros(min(len(capture.starts), 200_000) + 1, np.int64)
    alone = places_of_replies(capture, [one.symbol for one in instruments])
    for_venue(fill_cob, instruments[0].venue)(
        capture.text, capture.starts, capture.ends, capture.received_ns, alone, market, cob, live, pending, state
    )
    if state[0] > 0:
        close_all(market, cob, live, int(state[0]))
    return cob, market
