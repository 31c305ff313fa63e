"""What a cache of closed bars lacks, found from its bars, the time, and the venue's candles where they are at hand; and what to ask for.

A bar that should be there is due: it ended `settle_s` ago, within the newest `bars` of its frame. A due bar is wanted where it is absent, was not
heard from its beginning, or says something else than the venue's candle. Requests are as few as the venue's limit allows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.market.bars import BAR_FRAMES
from metastackerbandit.market.settings import UpkeepSettings

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

# Why a bar is wanted.
WELL, GAP, STALE_HEAD, PARTIAL, DIFFERS = 0, 1, 2, 3, 4
LACKS = ("well", "gap", "stale_head", "partial", "differs")


class Stretch(Struct, frozen=True):
    """Bars in a row that lack the same (a word of LACKS): they opened from `from_ns` on, the last one ended at `to_ns`."""

    lack: str
    from_ns: int
    to_ns: int
    bars: int


class KlineRequest(Struct, frozen=True):
    """Candles to fetch: all that open at `from_ns` or later and end at `to_ns` or earlier, `limit` of them where the venue has each."""

    symbol: str
    frame: str
    from_ns: int
    to_ns: int
    limit: int


class UpkeepPlan(Struct, frozen=True):
    """What a cache lacks, and the requests that mend it, both in time order."""

    stretches: tuple[Stretch, ...]
    requests: tuple[KlineRequest, ...]


def plan_upkeep(
    cache: np.ndarray,
    symbol: str,
    frame: str,
    now_ns: int,
    settings: UpkeepSettings,
    *,
    klines: np.ndarray | None = None,
    listed_ns: int = 0,
    silent: Ints | None = None,
) -> UpkeepPlan:
    """What to fetch for a cache (N,) in the layout of Bar.

    `klines` (K,), in the same layout, are the venue's closed candles as far as they are known: bars are held against them. Nothing before
    `listed_ns` is due, nor is a bar whose opening stands in `silent`: the venue was asked and has none (market/backfill.py tells).

    Raises:
        DataRefused: cache or candles are not sorted bars of the frame, or a candle is not closed.
    """
    frame_ns = BAR_FRAMES[frame]
    where = f"{symbol} {frame}"
    require_bars(cache, frame_ns, f"cache of {where}")
    last_ns = (now_ns - round(settings.settle_s * SECOND_NS)) // frame_ns * frame_ns
    first_ns = max(last_ns - settings.bars * frame_ns, -(-listed_ns // frame_ns) * frame_ns)
    due = np.arange(first_ns, last_ns, frame_ns)
    lacks = np.full(len(due), GAP)
    held = cache[(cache["opened_ns"] >= first_ns) & (cache["opened_ns"] < last_ns)]
    at = (held["opened_ns"] - first_ns) // frame_ns
    newest = int(at[-1]) if len(at) else -1
    lacks[newest + 1 :] = STALE_HEAD
    lacks[at] = np.where(held["parts"] < held["parts_due"], PARTIAL, WELL)
    if klines is not None:
        require_bars(klines, frame_ns, f"candles of {where}")
        require_closed(klines, f"candles of {where}")
        _, ours, theirs = np.intersect1d(held["opened_ns"], klines["opened_ns"], return_indices=True)
        differs = ~agreeing(held[ours], klines[theirs], settings.volume_tolerance)
        lacks[at[ours[differs & (lacks[at[ours]] == WELL)]]] = DIFFERS
    if silent is not None:
        lacks[np.isin(due, silent) & ((lacks == GAP) | (lacks == STALE_HEAD))] = WELL
    return UpkeepPlan(_stretches(due, lacks, frame_ns), _requests(due[lacks != WELL], symbol, frame, settings.most_bars))


def agreeing(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> Bools:
    """Whether bars (N,) of one time say the same: prices to the tick, volumes to a share of `tolerance`; what one side does not know (NaN) is no
    difference."""
    same = np.ones(len(ours), np.bool_)
    for name in ("open", "high", "low", "close"):
        same &= ours[name] == theirs[name]
    for name in ("volume", "quote_volume", "taker_volume", "trades"):
        one, other = ours[name], theirs[name]
        same &= np.isnan(one) | np.isnan(other) | (np.abs(one - other) <= tolerance * np.maximum(np.abs(one), np.abs(other)))
    return same


def require_bars(bars: np.ndarray, frame_ns: int, where: str) -> None:
    """DataRefused where bars (N,) are not of the frame, on its clock, in time order and each once."""
    wrong = (bars["opened_ns"] % frame_ns != 0) | (bars["closed_ns"] - bars["opened_ns"] != frame_ns)
    if wrong.any():
        first = bars[wrong][0]
        what = f"a bar from {first['opened_ns']} to {first['closed_ns']} is none of {frame_ns // SECOND_NS} s on the UTC clock"
        raise DataRefused(what, where=where, mend="give bars of one frame")
    steps = np.diff(bars["opened_ns"])
    if (steps <= 0).any():
        place = int(np.argmax(steps <= 0))
        raise DataRefused(
            f"the bar of {bars['opened_ns'][place + 1]} follows that of {bars['opened_ns'][place]}", where=where, mend="sort, each once"
        )


def require_closed(klines: np.ndarray, where: str) -> None:
    """DataRefused where a candle was known before its end: it was still forming."""
    forming = klines["known_ns"] < klines["closed_ns"]
    if forming.any():
        first = klines[forming][0]
        what = f"the candle of {first['opened_ns']} was fetched at {first['known_ns']}, before it closed"
        raise DataRefused(what, where=where, mend="leave the forming candle out, and set known_ns to the time of the answer")


def _stretches(due: Ints, lacks: Ints, frame_ns: int) -> tuple[Stretch, ...]:
    """Runs of due bars that lack the same."""
    starts = np.flatnonzero(np.diff(lacks, prepend=-1))
    ends = np.append(starts[1:], len(lacks))
    return tuple(
        Stretch(LACKS[lacks[start]], int(due[start]), int(due[end - 1]) + frame_ns, int(end - start))
        for start, end in zip(starts, ends, strict=True)
        if lacks[start] != WELL
    )


def _requests(wanted: Ints, symbol: str, frame: str, most: int) -> tuple[KlineRequest, ...]:
    """As few requests of at most so many bars as cover all that is wanted: each begins at the first bar that none before it covers."""
    frame_ns = BAR_FRAMES[frame]
    made, place = [], 0
    while place < len(wanted):
        from_ns = int(wanted[place])
        place = int(np.searchsorted(wanted, from_ns + most * frame_ns))
        to_ns = int(wanted[place - 1]) + frame_ns
        made.append(KlineRequest(symbol, frame, from_ns, to_ns, (to_ns - from_ns) // frame_ns))
    return tuple(made)
