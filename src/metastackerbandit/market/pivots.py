"""Williams pivots of five levels: swings, swings of swings, and so on, each known only once its right neighbour is.

A bar is a high of level 1 if H[i-1] <= H[i] > H[i+1], bars inside the bar before them left out; a high of level k + 1 is one by the
same rule among the highs of level k. Lows are the highs of the negated lows. (Williams 1995; the recursion is ours.) A level 1 of strength n
asks the same of n bars on each side, H[i-n] .. H[i-1] <= H[i] > H[i+1] .. H[i+n], and is known n bars later; the levels above keep their rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.kernel import kernel, layout, rows

LEVELS = 5
POINTS, BEFORE, MIDDLE, MIDDLE_AT, COUNT, LAST, LAST_AT, PRIOR = range(8)
SWING = 8  # cells a level and side: points taken, the two newest of them, pivots found, the two newest of those
CELLS = 2 * LEVELS * SWING + 3  # highs of level 1 .. 5, lows of level 1 .. 5, then bars taken, high and low of the bar kept last
_KEPT = 2 * LEVELS * SWING
STRENGTHS = (1, 2, 3, 5)  # bars on each side of a level 1 that one may ask for


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
def _stands_out(points: Any, newest: int, width: int) -> bool:
    """Whether the middle one of the newest points (W, 2) is a pivot: none before it is above it, and each behind it is below."""
    price = points[(newest - width // 2) % width, 0]
    for n in range(1, width // 2 + 1):
        if points[(newest - width // 2 - n) % width, 0] > price or points[(newest - width // 2 + n) % width, 0] >= price:
            return False
    return True


@kernel
def _rise(cells: Any, price: int, at: int, first: int) -> int:
    """Note a pivot of level 1, and offer it to the levels above."""
    start = first * SWING
    cells[start + COUNT] += 1
    cells[start + PRIOR] = cells[start + LAST]
    cells[start + LAST] = price
    cells[start + LAST_AT] = at
    found = 1 << first
    for place in range(first + 1, first + LEVELS):
        start = place * SWING
        if not _offer(cells, start, price, at):
            break
        found |= 1 << place
        price = cells[start + LAST]
        at = cells[start + LAST_AT]
    return found


@kernel
def watch_strong(cells: Any, recent: Any, high: int, low: int, at: int) -> int:
    """`watch` with a level 1 of strength n: `recent` (2, 2n + 1, 2) int64 holds the newest kept bars' highs and negated lows, and where they are."""
    if cells[_KEPT] > 0 and high <= cells[_KEPT + 1] and low >= cells[_KEPT + 2]:
        return 0
    width = recent.shape[1]
    newest = cells[_KEPT]
    cells[_KEPT] += 1
    cells[_KEPT + 1] = high
    cells[_KEPT + 2] = low
    place = newest % width
    recent[0, place, 0] = high
    recent[0, place, 1] = at
    recent[1, place, 0] = -low
    recent[1, place, 1] = at
    found = 0
    if newest + 1 >= width:
        for side in range(2):
            if _stands_out(recent[side], newest, width):
                middle = (newest - width // 2) % width
                found |= _rise(cells, recent[side, middle, 0], recent[side, middle, 1], side * LEVELS)
    return found


@kernel
def _watch_all(highs: Any, lows: Any, cells: Any, recent: Any, pivots: Any) -> int:
    count = 0
    for at in range(len(highs)):
        if recent.shape[1] == 3:
            found = watch(cells, highs[at], lows[at], at)
        else:
            found = watch_strong(cells, recent, highs[at], lows[at], at)
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


def pivots_of(highs: np.ndarray, lows: np.ndarray, strength: int = 1) -> np.ndarray:
    """All pivots of bars (N,) in ticks, as rows in the layout of Pivot, in the order in which they became known.

    Raises:
        UsageError: a strength that is none of STRENGTHS.
    """
    if strength not in STRENGTHS:
        raise UsageError(f"no swing has a strength of {strength}", mend=f"give one of {', '.join(map(str, STRENGTHS))}")
    found = rows(Pivot, 2 * len(highs) + 2 * LEVELS)
    columns = (np.ascontiguousarray(highs, np.int64), np.ascontiguousarray(lows, np.int64))
    count = int(_watch_all(*columns, np.zeros(CELLS, np.int64), recent_of(strength), found.view(layout(Pivot))))
    return found[:count].copy()


def recent_of(strength: int) -> np.ndarray:
    """Room for the bars that `watch_strong` looks back on, none yet."""
    return np.zeros((2, 2 * strength + 1, 2), np.int64)
