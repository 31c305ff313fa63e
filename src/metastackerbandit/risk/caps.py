"""Caps: how many lots each of them leaves for a book beside what all the others hold.

Every cap says how much of one thing, in money, a share of equity allows; the others use some of it, and a lot of the book a little more.
"""

from __future__ import annotations

import math

import numpy as np

from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from metastackerbandit.domain.kernel import kernel

CAPS = ("symbol_exposure", "gross_exposure", "side_exposure", "net_exposure", "heat", "correlated_heat")  # the gates that name them
MOST_LOTS = 4e18  # a whole number of lots stays below 2**62


@kernel
def room_for(most: float, equity: int, used: float, a_lot: float) -> float:
    """Lots that a cap of `most` (share of equity) leaves, where others use `used` and each lot adds `a_lot` (money); NaN where unknown.

    Others that offset the trade use less than nothing. Never below 0.
    """
    left = most * equity - used
    if math.isnan(left) or math.isnan(a_lot):
        return math.nan
    if not left > 0.0:
        return 0.0
    if not a_lot > 0.0:
        return 4e18
    return min(left / a_lot, 4e18)


@kernel
def room_for_heat(most: float, equity: int, square: float, along: float, a_lot: float) -> float:
    """Lots that a cap on correlated heat leaves: the largest n with sqrt(square + 2 n a_lot along + (n a_lot)^2) <= most x equity.

    `square` is h'Ch of the others (money squared), `along` the part of it that points the trade's way (money, negative where it hedges).
    Where not even the best hedge comes below the cap, nothing is left.
    """
    cap = most * equity
    inside = along * along - square + cap * cap
    if math.isnan(inside) or math.isnan(a_lot):
        return math.nan
    if not (inside >= 0.0 and cap > 0.0):
        return 0.0
    heat = math.sqrt(inside) - along
    if not heat > 0.0:
        return 0.0
    if not a_lot > 0.0:
        return 4e18
    return min(heat / a_lot, 4e18)


@kernel
def heat_with(square: float, along: float, heat: float) -> float:
    """Correlated heat (money) once the trade adds `heat` of its own; never below 0, whatever the rounding."""
    return math.sqrt(max(square + 2.0 * heat * along + heat * heat, 0.0))


@kernel
def smaller(lots: int, room: float) -> int:
    """At most the room, in whole lots; a room that is not known leaves the size to its gate."""
    if room < lots:
        return int(room)
    return lots


@kernel
def kept_under(observed: float, limit: float, room: float, lots: float) -> tuple[float, float, int]:
    """PASS where the room holds the lots; `observed` is what they would make of the account, NaN in either is UNKNOWN.

    Lots are whole and decide; `observed`, a quotient of floats, may be off by its last bit and is put on the verdict's side of the limit.
    """
    if math.isnan(room) or math.isnan(observed):
        return math.nan, limit, UNKNOWN
    if lots <= room:
        return min(observed, limit), limit, PASS
    return max(observed, np.nextafter(limit, math.inf)), limit, BLOCK
