"""Walls, the large orders near the touch: how much of one was pulled, how large the largest is, how old, how often refilled."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

LEAST = 5  # levels without which there is no usual size
WALL = 6.0  # median absolute deviations above the median from which a level is a wall (method.md 13.2)


class WallRow(Struct, frozen=True):
    """The wall that is followed: its price (0: none), since which second, its lots, in how many seconds it was dealt against and filled up again.

    `excess` is the largest level's size above the median in median absolute deviations, whether it is a wall or not.
    """

    ticks: int
    since: int
    lots: int
    refills: int
    excess: float


@kernel
def middle(scratch: Any, count: int) -> float:
    """The median of scratch[:count], which is sorted on the way; 0 < count."""
    for n in range(1, count):
        value = scratch[n]
        m = n - 1
        while m >= 0 and scratch[m] > value:
            scratch[m + 1] = scratch[m]
            m -= 1
        scratch[m + 1] = value
    return float(0.5 * (scratch[(count - 1) // 2] + scratch[count // 2]))


@kernel
def usual_size(near: Any, levels: Any, scratch: Any) -> float:
    """Median lots of the held levels."""
    for n in range(near.count):
        scratch[n] = float(levels[n, 1])
    return float(middle(scratch, near.count))


@kernel
def pulled(before: Any, olds: Any, near: Any, levels: Any, sign: int, traded: Any, scratch: Any) -> float:
    """The largest drop of log size of a level since the second before that was not dealt; 0 where none fell, NaN where too little is known.

    `traded` (NEAR,) lots were dealt at the old levels meanwhile. Levels that the new picture does not reach to are left out.
    """
    if before.count < LEAST or near.count == 0:
        return math.nan
    usual = usual_size(before, olds, scratch)
    worst, j = 0.0, 0
    for i in range(before.count):
        key = sign * olds[i, 0]
        if key < near.floor:
            break
        while j < near.count and sign * levels[j, 0] > key:
            j += 1
        left = levels[j, 1] if j < near.count and levels[j, 0] == olds[i, 0] else 0
        worst = max(worst, math.log((olds[i, 1] + usual) / (left + traded[i] + usual)))
    return worst


@kernel
def follow_wall(wall: Any, near: Any, levels: Any, before: Any, olds: Any, traded: Any, second: int, scratch: Any) -> None:
    """Look for the largest level at the end of a second, and whether it is the wall that stood before.

    `excess` is NaN where no usual size or spread of sizes is known. A wall was refilled in a second in which it was dealt against and became
    no smaller.
    """
    wall.excess = math.nan
    largest = 0
    if near.count >= LEAST:
        usual = usual_size(near, levels, scratch)
        for n in range(near.count):
            scratch[n] = abs(levels[n, 1] - usual)
            if levels[n, 1] > levels[largest, 1]:
                largest = n
        spread = middle(scratch, near.count)
        if spread > 0.0:
            wall.excess = (levels[largest, 1] - usual) / spread
    if not wall.excess > WALL:
        wall.ticks = 0
        return
    ticks, lots = levels[largest, 0], levels[largest, 1]
    if ticks != wall.ticks:
        wall.ticks = ticks
        wall.since = second
        wall.refills = 0
    else:
        for n in range(before.count):
            if olds[n, 0] == ticks and traded[n] > 0 and lots >= wall.lots:
                wall.refills += 1
    wall.lots = lots
