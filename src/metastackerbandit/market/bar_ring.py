"""Closed bars in rings, written twice, once a length apart, so that the newest LENGTH are always one stretch of memory."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.market.tick_ring import Ticks

LENGTH = 1_500  # closed bars kept, of a symbol and frame


class Bars(NamedTuple):
    """Bars of S instruments on F frames; at most K of a frame are open at a time (market.bars), T is 2 LENGTH."""

    frames: Any  # (F,) int64 ns
    rules: Any  # (1,) BarRules
    terms: Any  # (S,) BarTerms (market.bar_terms)
    tape: Any  # (S,) TapeRow
    cursor: Any  # (S, F) BarCursor
    open: Any  # (S, F, K) OpenBarRow
    closed: Any  # (S, F, T) Bar
    ticks: Ticks


class BarCursor(Struct, frozen=True):
    """Where a ring of closed bars stands: bars `written` since the start or the last refill, the end and close of the newest (0: none yet), and
    when the next one is due to close."""

    written: int
    ends_ns: int
    close: int
    due_ns: int


@kernel
def lay_in_quiet(bars: Any, s: int, f: int, until_ns: int) -> None:
    """Bars without trades from the newest closed one up to `until_ns`; of a long silence only as many as the ring holds."""
    cursor = bars.cursor[s, f]
    frame_ns = bars.frames[f]
    if cursor.ends_ns > 0:
        opened_ns = max(cursor.ends_ns, until_ns - LENGTH * frame_ns)
        while opened_ns < until_ns:
            length = bars.closed.shape[2] // 2
            place = cursor.written % length
            for at in range(place, place + length + 1, length):
                done = bars.closed[s, f, at]
                _stamp(done, opened_ns, frame_ns, bars.tape[s])
                done.open = cursor.close
                done.high = cursor.close
                done.low = cursor.close
                done.close = cursor.close
                done.volume = 0.0
                done.quote_volume = 0.0
                done.taker_volume = 0.0
                done.trades = 0.0
            cursor.written += 1
            opened_ns += frame_ns
            cursor.ends_ns = opened_ns


@kernel
def lay_in(bars: Any, s: int, f: int, bar: Any) -> None:
    """An open bar becomes the newest closed one."""
    cursor = bars.cursor[s, f]
    terms = bars.terms[s]
    length = bars.closed.shape[2] // 2
    place = cursor.written % length
    for at in range(place, place + length + 1, length):
        done = bars.closed[s, f, at]
        _stamp(done, bar.opened_ns, bars.frames[f], bars.tape[s])
        done.open = bar.open
        done.high = bar.high
        done.low = bar.low
        done.close = bar.close
        done.volume = bar.lots * terms.lot_step / terms.lot_over
        done.quote_volume = bar.turnover * terms.turnover_step / terms.turnover_over
        done.taker_volume = bar.taker_lots * terms.lot_step / terms.lot_over if bar.untold == 0 else math.nan
        done.trades = float(bar.trades)
    cursor.written += 1
    cursor.ends_ns = bar.opened_ns + bars.frames[f]
    cursor.close = bar.close


@kernel
def _stamp(done: Any, opened_ns: int, frame_ns: int, tape: Any) -> None:
    """A closed bar's times, and whether it was heard from its beginning."""
    done.opened_ns = opened_ns
    done.closed_ns = opened_ns + frame_ns
    done.known_ns = tape.known_ns
    done.parts = 1 if opened_ns >= tape.heard_ns else 0
    done.parts_due = 1


def closed_bars(bars: Bars, s: int, f: int, count: int = LENGTH) -> np.ndarray:
    """A view (N,) of the newest closed bars, at most `count`, in the layout of Bar, oldest first; the next bars are written over it."""
    written = int(bars.cursor[s, f]["written"])
    end = (written - 1) % LENGTH + LENGTH + 1
    view: np.ndarray = bars.closed[s, f, end - min(written, count, LENGTH) : end]
    return view


def append(bars: Bars, s: int, f: int, bar: np.ndarray) -> None:
    """A closed bar (1,) from elsewhere becomes the newest; one that is not newer than those that are there is let go."""
    cursor = bars.cursor[s, f]
    if bar["opened_ns"][0] < cursor["ends_ns"]:
        return
    place = int(cursor["written"]) % LENGTH
    bars.closed[s, f, place] = bars.closed[s, f, place + LENGTH] = bar[0]
    cursor["written"] += 1
    cursor["ends_ns"], cursor["close"] = bar["closed_ns"][0], bar["close"][0]


def refill(bars: Bars, s: int, f: int, kept: np.ndarray) -> None:
    """Put a cache that was kept whole (market/backfill.py) in the place of the ring: bars (N,) in time order, of which the newest LENGTH stay.

    Open bars that the new ones cover are let go; trades of theirs that still come count on the other frames only.

    Raises:
        DataRefused: a closed bar newer than all of `kept` would be lost.
    """
    cursor, frame_ns = bars.cursor[s, f], int(bars.frames[f])
    ends_ns = int(kept[-1]["closed_ns"]) if len(kept) else 0
    if ends_ns < cursor["ends_ns"]:
        raise DataRefused(
            f"the cache ends at {ends_ns}, and a bar that ended at {cursor['ends_ns']} is closed already", mend="lay candles into the newest cache"
        )
    newest = kept[-LENGTH:]
    for start in (0, LENGTH):
        bars.closed[s, f, start : start + len(newest)] = newest
    if len(newest):
        cursor["written"], cursor["ends_ns"], cursor["close"] = len(newest), ends_ns, newest[-1]["close"]
        covered = bars.open[s, f]["opened_ns"] + frame_ns <= ends_ns
        bars.open[s, f]["rows"][covered] = 0
        if bars.rules[0]["fills_gaps"]:
            cursor["due_ns"] = min(int(cursor["due_ns"]), ends_ns + frame_ns + int(bars.rules[0]["grace_ns"]))
