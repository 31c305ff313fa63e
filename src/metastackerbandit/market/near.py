"""The levels nearest the touch, held from one change of a book to the next, and what came and went between the two."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import inlined, kernel

NEAR = 20  # levels of a side that are held
NOWHERE = -(2**62)  # a price below any other, as a key
BID, ASK = 0, 1  # places of the sides


class NearRow(Struct, frozen=True):
    """One side's held levels: `count` of them, best first, known from the best price to the key `floor`, that one included.

    A key is the price in ticks, negative for asks, so that a higher one is a better price on either side.
    """

    count: int
    floor: int


@kernel
def hold(near: Any, levels: Any, side: Any, count: int, sign: int, known: int) -> None:
    """Copy the nearest levels of a book's side (D, 2) to `levels` (NEAR, 2), best first; beyond the price `known` (0: none) nothing is known."""
    least = sign * known if known > 0 else NOWHERE
    n = 0
    while n < NEAR and n < count and sign * side[count - 1 - n, 0] >= least:
        levels[n, 0] = side[count - 1 - n, 0]
        levels[n, 1] = side[count - 1 - n, 1]
        n += 1
    near.count = n
    near.floor = sign * levels[n - 1, 0] if n == NEAR else least


@kernel
def keep(near: Any, levels: Any, other: Any, copies: Any) -> None:
    """Copy what is held (NEAR, 2) as it stands."""
    other.count = near.count
    other.floor = near.floor
    for n in range(near.count):
        copies[n, 0] = levels[n, 0]
        copies[n, 1] = levels[n, 1]


@kernel
def place_of(near: Any, levels: Any, sign: int, ticks: int) -> int:
    """Which of the held levels is at that price; -1 where none is."""
    for n in range(near.count):
        if sign * levels[n, 0] <= sign * ticks:
            return n if levels[n, 0] == ticks else -1
    return -1


@inlined
def key_at(near: Any, levels: Any, sign: int, n: int, floor: int) -> int:
    """The key of the n-th held level, or NOWHERE where there is none at or above `floor`."""
    if n >= near.count:
        return NOWHERE
    key = sign * levels[n, 0]
    return key if key >= floor else NOWHERE


@kernel
def count_changes(before: Any, olds: Any, near: Any, levels: Any, sign: int, tally: Any) -> None:
    """Add to `tally` what came (`added`) and went (`removed`), in lots, between two pictures of a side (NEAR, 2).

    Levels that only one of them reaches to are left out: what leaves the window was not cancelled.
    """
    floor = max(before.floor, near.floor)
    i, j = 0, 0
    while True:
        old, new = key_at(before, olds, sign, i, floor), key_at(near, levels, sign, j, floor)
        if old == new:
            if old == NOWHERE:
                return
            change = levels[j, 1] - olds[i, 1]
            if change > 0:
                tally.added += change
            else:
                tally.removed -= change
            i += 1
            j += 1
        elif old > new:
            tally.removed += olds[i, 1]
            i += 1
        else:
            tally.added += levels[j, 1]
            j += 1


@kernel
def depth_of(near: Any, levels: Any, count: int) -> float:
    """Lots on the nearest `count` levels; NaN where not so many are known, unless there are no more."""
    if near.count < count and near.floor != NOWHERE:
        return math.nan
    lots = 0
    for n in range(min(count, near.count)):
        lots += levels[n, 1]
    return float(lots)
