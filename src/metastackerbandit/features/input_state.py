"""What the standard input remembers of one instrument: rings of finished rows, and the averages that they are scaled by."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.features.advance import COUNT, state_of
from metastackerbandit.features.averages import LEAST_VARIANCE, gain
from metastackerbandit.features.batch import setup_of
from metastackerbandit.features.input_schema import FRAMES, FRAMES_NS, HEAT_RADIUS, INDICATED
from metastackerbandit.features.seen import Seen
from metastackerbandit.market.cob import COLUMNS
from metastackerbandit.market.pivots import CELLS, LEVELS

LEAST_SEEN = 30  # observations before a mean and a deviation count as known: a standard deviation to about 13 %
LEAST_SPAN = 48  # bars of an average, where a day has fewer; features.spans.USUAL
DAY_S = 86_400
RETURN, SPREAD, IMBALANCE, FLOW, VOLUME, TRADES, OFI, QUEUE, DEPTH, PULLED = range(10)  # channels of `micro`; those of bars stand in input_bars


class Spread(Struct, frozen=True):
    """An average and a variance that forget: `seen` values went in; of those before the newest one, since the past scales the present."""

    seen: int
    centre: float
    variance: float


class BarCourse(Struct, frozen=True):
    """Where a frame's rows stand: `index` (opening time over length) of the newest bar, 0 for none; bars `taken`, and the newest one's end."""

    index: int
    taken: int
    closed_ns: int
    known_ns: int
    log_close: float
    returns: Spread
    volumes: Spread


class BookCourse(Struct, frozen=True):
    """Where the rows by second stand: the newest `second` (0: none), its middle's bucket, the width of buckets, the log of the middle price.

    `price` is the newest middle price known and `width` its bucket in ticks; `usual` says what rests in a bucket, in quote currency.
    """

    second: int
    centre: int
    width: int
    price: float
    log_mid: float
    returns: Spread
    volumes: Spread
    usual: Spread


class MarkCourse(Struct, frozen=True):
    """The newest mark price of a perpetual; `received_ns` 0: none. `rate` and `basis` in bps, `settles_ns` 0: not told."""

    received_ns: int
    settles_ns: int
    rate: float
    basis: float


class Indicated(NamedTuple):
    """The state of the features (features/advance.py), and the newest row (1, F)."""

    setup: Any
    memory: Any
    blank: Any
    past: Any
    reals: Any
    integers: Any
    settlements: Any
    hearing: Any
    silent: Any
    cells: Any
    values: Any
    valid: Any


class InputState(NamedTuple):
    """All of one instrument. Rings are written twice, T = 600: rows of the index or second i stand at i % 300, and 300 behind. NaN: not known."""

    frames: Any  # (4,) int64 ns
    places: Any  # (4,) int64, which frames of market.bars they are
    bar_course: Any  # (4,) BarCourse
    bar_rows: Any  # (4, T, 4) float32
    points: Any  # (5, 2, 2, 2) float64: level, side (high, low), newest and prior; log price and bar's index (0: none)
    cells: Any  # (CELLS,) int64 of market.pivots
    course: Any  # (1,) BookCourse
    columns: Any  # (41,) Spread of what rests
    logs: Any  # (2, 41) float64, log1p of what rests, by parity of the second
    ages: Any  # (2, 41) float64, seconds, by parity of the second
    flow: Any  # (41,) float64, scratch
    cob: Any  # (4, T, 41) float32
    heat: Any  # (T, 21) float32
    log_mids: Any  # (T,) float64
    micro: Any  # (T, 10) float32
    mark: Any  # (1,) MarkCourse
    indicated: Indicated
    clock: Any  # (1,) Seen, scratch for the calendar


def empty_state(frames_ns: tuple[int, ...]) -> InputState:
    """Nothing is known yet; `frames_ns` are those of the bars (market.bars) that it will be advanced by."""
    length = 2 * FRAMES
    state = state_of(setup_of(FRAMES_NS[INDICATED], has_volume=True, has_flow=True, has_funding=True, has_book=True))
    indicated = Indicated(
        state.setup,
        state.memory,
        state.blank,
        state.past,
        state.reals,
        state.integers,
        state.settlements,
        state.hearing,
        state.silent,
        state.cells,
        np.full((1, COUNT), np.nan),
        np.zeros((1, COUNT), np.bool_),
    )
    return InputState(
        frames=np.array(FRAMES_NS, np.int64),
        places=np.array([frames_ns.index(frame) for frame in FRAMES_NS], np.int64),
        bar_course=rows(BarCourse, len(FRAMES_NS)),
        bar_rows=_nothing(len(FRAMES_NS), length, 4),
        points=np.zeros((LEVELS, 2, 2, 2)),
        cells=np.zeros(CELLS, np.int64),
        course=rows(BookCourse, 1),
        columns=rows(Spread, COLUMNS),
        logs=np.full((2, COLUMNS), np.nan),
        ages=np.zeros((2, COLUMNS)),
        flow=np.zeros(COLUMNS),
        cob=_nothing(4, length, COLUMNS),
        heat=_nothing(length, 2 * HEAT_RADIUS + 1),
        log_mids=np.full(length, np.nan),
        micro=_nothing(length, 10),
        mark=rows(MarkCourse, 1),
        indicated=indicated,
        clock=rows(Seen, 1),
    )


def _nothing(*shape: int) -> np.ndarray:
    return np.full(shape, np.nan, np.float32)


@kernel
def deviation(spread: Any) -> float:
    """Standard deviation of what was seen; NaN while that is too little, or nothing moved."""
    return math.sqrt(spread.variance) if spread.seen >= LEAST_SEEN and spread.variance > LEAST_VARIANCE else math.nan


@kernel
def take_value(spread: Any, value: float, span: float) -> None:
    """One more value: mean and variance around it, plain ones until half a span was seen, exponential from then on (West 1979)."""
    spread.seen += 1
    share = gain(2.0 / (span + 1.0), 1.0 / spread.seen)
    off = value - spread.centre
    spread.centre += share * off
    spread.variance = (1.0 - share) * (spread.variance + share * off * off)


@kernel
def score_then_take(spread: Any, value: float, span: float) -> float:
    """z-score of a value by those before it, after which it is one of them; a value that is not known changes nothing."""
    if math.isnan(value):
        return math.nan
    score = (value - spread.centre) / deviation(spread)
    take_value(spread, value, span)
    return score


@kernel
def take_square(spread: Any, value: float, span: float) -> None:
    """One more value of which the mean is taken to be zero, such as a return."""
    spread.seen += 1
    spread.variance += gain(2.0 / (span + 1.0), 1.0 / spread.seen) * (value * value - spread.variance)
