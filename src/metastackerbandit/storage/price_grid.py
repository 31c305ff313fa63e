"""Recorded prices are floats; here they become whole ticks exactly, or show the grid that they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

FINEST = 10  # decimals of a price that are looked for
_MOST_STEPS = 2.0**50  # beyond it a float cannot tell a price from its neighbours on the grid
_EPS = float(np.finfo(np.float64).eps)


def ticks_of(prices: Floats, tick: Decimal) -> tuple[Ints, int]:
    """Prices (N,) -> ticks (N,), and the first row that is off the grid (-1: none, so that ticks * tick is each price)."""
    steps, scale = _fraction(tick)
    scaled = prices * scale / steps if scale > 1 else prices / steps
    whole = np.rint(scaled)
    off = np.flatnonzero(_is_off(scaled, whole))
    return np.minimum(whole, _MOST_STEPS).astype(np.int64), int(off[0]) if len(off) else -1


def grid_of(columns: Sequence[Floats]) -> Decimal | None:
    """The widest step 1, 2 or 5 times a power of ten that every price is a multiple of; None where prices are finer than 1e-10.

    It is at most a thousandth of the typical price, since a few round prices would otherwise look like a coarse grid.
    """
    decimals = 0
    for column in columns:
        while decimals <= FINEST and _is_off(column * 10.0**decimals, np.rint(column * 10.0**decimals)).any():
            decimals += 1
    if decimals > FINEST:
        return None
    common = int(np.gcd.reduce([np.gcd.reduce(np.rint(column * 10.0**decimals).astype(np.int64)) for column in columns]))
    widest = Decimal(float(np.median(columns[-1]))) / 1000
    step = Decimal(1).scaleb(-decimals)
    best = step
    for power in range(19):
        for digit in (1, 2, 5):
            wider = digit * 10**power
            if common % wider == 0 and step * wider <= widest:
                best = step * wider
    while best > widest:
        best = best.scaleb(-1)
    return best


def _is_off(scaled: Floats, whole: Floats) -> Any:
    """Where a scaled price is not a whole number, beyond what a float of that size (or of a price computed once) cannot tell."""
    noise = np.maximum(4 * _EPS * scaled, np.minimum(1e-12 * scaled, 1e-3))
    return (np.abs(scaled - whole) > noise) | (scaled > _MOST_STEPS)


def _fraction(tick: Decimal) -> tuple[int, float]:
    """A tick as steps / 10**digits, so that the division below is rounded once or twice and not more."""
    sign, digits, exponent = tick.as_tuple()
    assert sign == 0 and isinstance(exponent, int)
    steps = int("".join(map(str, digits)))
    return (steps, 10.0**-exponent) if exponent < 0 else (steps * 10**exponent, 1.0)
