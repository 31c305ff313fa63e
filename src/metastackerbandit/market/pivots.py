"""Williams pivots of five levels: swings, swings of swings, and so on, each known only once its right neighbour is.

A bar is a high of level 1 if H[i-1] <= H[i] > H[i+1], bars inside the bar before them left out; a high of level k + 1 is one by the
same rule among the highs of level k. Lows are the highs of the negated lows. (Williams 1995; the recursion is ours.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, layout, rows

LEVELS = 5
POINTS, BEFORE, MIDDLE, MIDDLE_AT, COUNT, LAST, LAST_AT, PRIOR = range(8)
SWING = 8  # cells a level and side: points taken, the two newest of them, pivots found, the two newest of those
CELLS = 2 * LEVELS * SWING + 3  # highs of level 1 .. 5, lows of level 1 .. 5, then bars taken, high and low of the bar kept last
_KEPT = 2 * LEVELS * SWING


class Pivot(Struct, frozen=True):
    """A swing point: `at` the bar where it stands, `confirmed_at` the one at whose close it is known; `side` 1 high, -1 low; `price` ticks."""

    at: int
    confirmed_at: int
    price: int
    level: int
    side: int


@kernel
def swing_of(level: int, side: int) -> int:
    """First cell of a level (0 .. LEVELS - 1) of highs (side 1) or lows (-1, prices negated)."""
    return (level if side > 0 else level + LEVELS) * SWING


@kernel
def _offer(cells: Any, start: int, price: int, at: int) -> bool:
    """Take a point; True where it is the right neighbour that makes the middle one a pivot."""
    points = cells[start + POINTS]
    is_pivot = points >= 2 and cells[start + BEFORE] <= cells[start + MIDDLE] and cells[start + MIDDLE] > price
    if is_pivot:
        cells[start + COUNT] += 1
        cells[start + PRIOR] = cells[start + LAST]
        cells[start + LAST] = cells[start + MIDDLE]
        cells[start + LAST_AT] = cells[start + MIDDLE_AT]
    cells[start + POINTS] = points + 1
    cells[start + BEFORE] = cells[start + MIDDLE]
    cells[start + MIDDLE] = price
    cells[start + MIDDLE_AT] = at
    return is_pivot


@kernel
def _climb(cells: Any, price: int, at: int, first: int) -> int:
    """Offer a point to level 1, and every pivot that it confirms to the level above."""
    found = 0
    for place in range(first, first + LEVELS):
        start = place * SWING
        if not _offer(cells, start, price, at):
            break
        found |= 1 << place
        price = cells[start + LAST]
        at = cells[start + LAST_AT]
    return found


@kernel
def watch(cells: Any, high: int, low: int, at: int) -> int:
    """Take one closed bar; the answer has bit k set where a high of level k + 1 was confirmed by it, bit LEVELS + k for lows."""
    if cells[_KEPT] > 0 and high <= cells[_KEPT + 1] and low >= cells[_KEPT + 2]:
        return 0
    cells[_KEPT] += 1
    cells[_KEPT + 1] = high
    cells[_KEPT + 2] = low
    return _climb(cells, high, at, 0) | _climb(cells, -low, at, LEVELS)


@kernel
def _watch_all(highs: Any, lows: Any, cells: Any, pivots: Any) -> int:
    count = 0
    for at in range(len(highs)):
        found = watch(cells, highs[at], lows[at], at)
        for place in range(2 * LEVELS):
            if found >> place & 1:
                start = place * SWING
                side = 1 if place < LEVELS else -1
                pivots[count].at = cells[start + LAST_AT]
                pivots[count].confirmed_at = at
                pivots[count].price = side * cells[start + LAST]
                pivots[count].level = place % LEVELS + 1
                pivots[count].side = side
                count += 1
    return count


def pivots_of(highs: np.ndarray, lows: np.ndarray) -> np.ndarray:
    """All pivots of bars (N,) in ticks, as rows in the layout of Pivot, in the order in which they became known."""
    found = rows(Pivot, 2 * len(highs) + 2 * LEVELS)
    count = int(
        _watch_all(np.ascontiguousarray(highs, np.int64), np.ascontiguousarray(lows, np.int64), np.zeros(CELLS, np.int64), found.view(layout(Pivot)))
    )
    return found[:count].copy()
