"""The input's block of pivots: the newest two swing highs and lows of five levels, told from the close."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.input_state import deviation
from metastackerbandit.features.structure import trend_of
from metastackerbandit.market.pivots import COUNT, LAST, LAST_AT, LEVELS, SWING, swing_of, watch

NEWEST, PRIOR_POINT = 0, 1
LOG_PRICE, AT = 0, 1
TREND = 8


@kernel
def take_swing(cells: Any, points: Any, high: int, low: int, at: int) -> None:
    """Take a bar into the swings; of each pivot that it confirms, remember the log of its price and where it stands, and the one before it."""
    found = watch(cells, high, low, at)
    if found == 0:
        return
    for place in range(2 * LEVELS):
        if found >> place & 1:
            side = 0 if place < LEVELS else 1
            level = place - side * LEVELS
            price = cells[place * SWING + LAST]
            points[level, side, PRIOR_POINT, LOG_PRICE] = points[level, side, NEWEST, LOG_PRICE]
            points[level, side, PRIOR_POINT, AT] = points[level, side, NEWEST, AT]
            points[level, side, NEWEST, LOG_PRICE] = math.log(price if side == 0 else -price)
            points[level, side, NEWEST, AT] = cells[place * SWING + LAST_AT]


@kernel
def write_pivots(state: Any, now: int, out: Any, valid: Any) -> int:
    """Pivots as of the bar `now` -> out (5, 9), valid. When they were known."""
    course = state.bar_course[0]
    swing = deviation(course.returns)
    for level in range(LEVELS):
        swing *= 2.0
        for c in range(9):
            out[level, c] = math.nan
        for side in range(2):
            for which in range(2):
                point = state.points[level, side, which]
                if point[AT] > 0.0:
                    out[level, 4 * side + 2 * which] = (point[LOG_PRICE] - course.log_close) / swing
                    out[level, 4 * side + 2 * which + 1] = math.log1p(now - point[AT])
        high, low = swing_of(level, 1), swing_of(level, -1)
        if state.cells[high + COUNT] > 1 and state.cells[low + COUNT] > 1:
            out[level, TREND] = trend_of(state.cells, high, low)
        for c in range(9):
            valid[level, c] = not math.isnan(out[level, c])
    return course.known_ns
