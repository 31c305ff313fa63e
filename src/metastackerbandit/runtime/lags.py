"""How late things are: lags counted between bounds a tenth apart, so that quantiles of millions are known so well at a size that never grows.

A frame is late three times over: until it was received after the venue stamped it (both clocks as they are), from there until the engine had taken
it, and both together. The event loop is late by how much longer than asked it lets a sleeper sleep.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.runtime.live_take import stamp_of

RECEIVED, HANDLED, TAKEN, LOOP = range(4)  # from stamp to receipt, from receipt to taken, from stamp to taken; sleepers of the event loop
SNAPSHOT = 2  # `is_whole` of a book that was asked for
KINDS = ("received", "handled", "taken", "loop")

# Bounds of a decade: each at most a seventh above the one before. From a microsecond to a hundred seconds.
_DECADE = (100, 110, 120, 135, 150, 165, 180, 200, 220, 250, 275, 300, 330, 365, 400, 450, 500, 550, 600, 675, 750, 825, 900)
BOUNDS_NS = np.array([mantissa * 10**power for power in range(1, 9) for mantissa in _DECADE], np.int64)


class Lags(NamedTuple):
    """`counts` of each kind that lie at or below each bound and above the one before, the last above all; the `longest` since it was set to 0."""

    bounds: Any  # (B,) int64 ns, rising
    counts: Any  # (4, B + 1) int64
    longest: Any  # (4,) int64 ns


class Late(Struct, frozen=True):
    """How late `count` things were, in milliseconds; quantiles are the bound that so many do not exceed, at most a seventh too high."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def empty_lags() -> Lags:
    """Nothing was late yet."""
    return Lags(BOUNDS_NS.copy(), np.zeros((len(KINDS), len(BOUNDS_NS) + 1), np.int64), np.zeros(len(KINDS), np.int64))


@kernel
def note(lags: Any, kind: int, late_ns: int) -> None:
    """Count a lag; one below 0 (two clocks) as 0."""
    low, high = 0, len(lags.bounds)
    while low < high:
        middle = (low + high) // 2
        if lags.bounds[middle] < late_ns:
            low = middle + 1
        else:
            high = middle
    lags.counts[kind, low] += 1
    lags.longest[kind] = max(lags.longest[kind], late_ns)


@kernel
def note_frame(lags: Any, decoded: Any, kind: int, received_ns: int, taken_ns: int) -> None:
    """Count the lags of the frame that was decoded last; without a stamp of the venue's only what it took us, and nothing of a snapshot, which was
    asked for by another clock."""
    if kind == DEPTH and decoded.depth[0].is_whole == SNAPSHOT:
        return
    stamp_ns = stamp_of(decoded, kind, decoded.found[0].rows)
    note(lags, HANDLED, taken_ns - received_ns)
    if stamp_ns > 0:
        note(lags, RECEIVED, received_ns - stamp_ns)
        note(lags, TAKEN, taken_ns - stamp_ns)


async def probe(lags: Lags, every_s: float) -> None:
    """Count how late the event loop wakes a sleeper, again and again until cancelled. Its timers are of a millisecond, so an idle one is late too."""
    every_ns = round(every_s * 1e9)
    while True:
        due_ns = time.perf_counter_ns() + every_ns
        await asyncio.sleep(every_s)
        note(lags, LOOP, max(time.perf_counter_ns() - due_ns, 0))


def late_of(counts: np.ndarray, longest_ns: int, per_ms: float = 1e6) -> Late | None:
    """Counts (B + 1,) in words; None where there are none. `per_ms`: ns in a millisecond of ours, more where stamps are of a quicker clock."""
    total = int(counts.sum())
    if total == 0:
        return None
    reached = np.cumsum(counts)
    p50, p99 = (_bound(int(np.searchsorted(reached, share * total)), longest_ns) / per_ms for share in (0.5, 0.99))
    return Late(total, p50, p99, max(longest_ns, 0) / per_ms)


def at_most(counts: np.ndarray, bound_ns: int) -> int:
    """How many of counts (B + 1,) are known to lie at or below a bound: all that do, where it is one of BOUNDS_NS."""
    return int(counts[: int(np.searchsorted(BOUNDS_NS, bound_ns, "right"))].sum())


def _bound(place: int, longest_ns: int) -> int:
    """The bound of a place; what lies above all of them, or above the longest, is the longest."""
    return min(int(BOUNDS_NS[place]), longest_ns) if place < len(BOUNDS_NS) else longest_ns
