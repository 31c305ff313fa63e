"""Volatility over a label's horizon: an average of the bars' own range variances, never far below what is usual; one step at two speeds.

Variance is Rogers and Satchell's, averaged with weights that fall by the bar, and scaled by the square root of the horizon. The floor is a
quantile of the trailing volatilities themselves, so that barriers do not shrink to nothing in a dead hour.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import kernel, layout, row, rows
from metastackerbandit.domain.label import LabelSpec
from metastackerbandit.domain.range_variance import rogers_satchell

Floats = NDArray[np.float64]

LEAST = 1e-6  # of price over the horizon: a market that stands still counts as moving this much, so that nothing divides by zero
_BINS = 8_192  # of the logarithm of volatility, which covers LEAST to 8.9
_BINS_PER_E = 512.0  # so a bin is 0.2 % wide, and the floor at most that much below the exact quantile


class Pace(Struct, frozen=True):
    """The specification as the step reads it: share kept a bar, bars of the horizon and of the warm-up, quantile of the floor."""

    keep: float
    horizon: float
    warm_up: int
    quantile: float


class Seen(Struct, frozen=True):
    """Running average and its weight (so that a young average is not biased to its first bar), and the window of the floor.

    `held` volatilities stand in the ring, the oldest at `oldest` once it is full; `below` of them lie under the floor's `bin`.
    """

    variance: float
    weight: float
    bars: int
    held: int
    oldest: int
    bin: int
    below: int


class Memory(NamedTuple):
    """Everything that the step remembers."""

    seen: Any  # (1,) Seen
    counts: Any  # (BINS,) int64: how many of the trailing volatilities lie in each bin
    ring: Any  # (floor_bars,) int16: the bin of each, oldest overwritten first


def pace_of(spec: LabelSpec) -> Pace:
    """Span in bars -> share kept a bar, 1 - 2 / (span + 1)."""
    return Pace(keep=1.0 - 2.0 / (spec.span + 1.0), horizon=float(spec.horizon), warm_up=spec.span, quantile=spec.floor_quantile)


def empty_memory(spec: LabelSpec) -> Memory:
    """Nothing seen yet."""
    return Memory(rows(Seen, 1), np.zeros(_BINS, np.int64), np.zeros(spec.floor_bars, np.int16))


@kernel
def _floor(seen: Any, counts: Any, quantile: float) -> float:
    """Lower edge of the bin that holds the quantile (the value of rank quantile x (n - 1), rounded down); 0 before anything is held."""
    if seen.held == 0:
        return 0.0
    rank = int(quantile * (seen.held - 1))
    while seen.below > rank:
        seen.bin -= 1
        seen.below -= counts[seen.bin]
    while seen.below + counts[seen.bin] <= rank:
        seen.below += counts[seen.bin]
        seen.bin += 1
    return LEAST * math.exp(seen.bin / _BINS_PER_E)


@kernel
def _remember(seen: Any, counts: Any, ring: Any, volatility: float) -> None:
    """Put a volatility into the window, and the oldest out of a full one."""
    place = min(int(math.log(volatility / LEAST) * _BINS_PER_E), _BINS - 1)
    if seen.held == len(ring):
        gone = ring[seen.oldest]
        counts[gone] -= 1
        if gone < seen.bin:
            seen.below -= 1
        ring[seen.oldest] = place
        seen.oldest = (seen.oldest + 1) % len(ring)
    else:
        ring[seen.held] = place
        seen.held += 1
    counts[place] += 1
    if place < seen.bin:
        seen.below += 1


@kernel
def step(memory: Any, pace: Any, open_: int, high: int, low: int, close: int) -> float:
    """Take one closed bar (ticks) -> volatility over the horizon, fraction of price; NaN until `warm_up` bars were seen."""
    seen = memory.seen[0]
    variance = rogers_satchell(float(open_), float(high), float(low), float(close))
    seen.variance = pace.keep * seen.variance + (1.0 - pace.keep) * variance
    seen.weight = pace.keep * seen.weight + (1.0 - pace.keep)
    seen.bars += 1
    if seen.bars < pace.warm_up:
        return math.nan
    now = max(math.sqrt(seen.variance / seen.weight * pace.horizon), LEAST)
    floor = _floor(seen, memory.counts, pace.quantile)
    _remember(seen, memory.counts, memory.ring, now)
    return max(now, floor)


@kernel
def _steps(memory: Any, paces: Any, bars: Any, out: Floats) -> None:
    """Repeat `step` over bars (N,) into out (N,)."""
    pace = paces[0]
    for n in range(len(bars)):
        bar = bars[n]
        out[n] = step(memory, pace, bar.open, bar.high, bar.low, bar.close)


@kernel
def _step_at(memory: Any, paces: Any, bars: Any, place: int) -> float:
    """`step` on one row of bars."""
    bar = bars[place]
    return step(memory, paces[0], bar.open, bar.high, bar.low, bar.close)


def horizon_volatility(bars: np.ndarray[Any, Any], spec: LabelSpec) -> Floats:
    """Bars (N,) in the layout of Bar -> volatility over the horizon (N,), fraction of price, each from its own and earlier bars.

    NaN for the first `span` - 1 bars. Never below the `floor_quantile` of the volatilities of the `floor_bars` bars before.
    """
    out = np.empty(len(bars))
    _steps(empty_memory(spec), row(pace_of(spec)), bars, out)
    return out


class VolatilityStream:
    """The same volatility, one bar at a time."""

    def __init__(self, spec: LabelSpec) -> None:
        self._pace = row(pace_of(spec))
        self._memory = empty_memory(spec)

    def on_bar(self, bars: np.ndarray[Any, Any], place: int) -> float:
        """Take row `place` of bars (layout of Bar), the next closed bar -> volatility over the horizon; NaN while warming up."""
        return float(_step_at(self._memory, self._pace, bars, place))

    def state(self) -> bytes:
        """Everything remembered, for a snapshot."""
        return b"".join(part.tobytes() for part in self._memory)

    def restore(self, state: bytes) -> None:
        """Take back what `state` gave for the same specification."""
        sizes = [part.nbytes for part in self._memory]
        if len(state) != sum(sizes):
            raise DataRefused(
                f"a snapshot of {len(state)} bytes where this specification needs {sum(sizes)}",
                where="volatility",
                mend="restore a snapshot of the same label specification",
            )
        seen, counts = sizes[0], sizes[0] + sizes[1]
        self._memory = Memory(
            np.frombuffer(state[:seen], layout(Seen)).copy(),
            np.frombuffer(state[seen:counts], np.int64).copy(),
            np.frombuffer(state[counts:], np.int16).copy(),
        )
