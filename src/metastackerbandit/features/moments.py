"""The shape of returns: skew, and whether they follow themselves."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.fixed import POWER_STEP, fixed_power, limited
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

ROUNDING = 1e-12  # of a variance got as a difference of sums that are exact to 16 digits


class Memory(Struct, frozen=True):
    """Exact sums over USUAL bars of returns, their squares, cubes, and products with the return before."""

    firsts: int
    squares: int
    cubes: int
    pairs: int


@kernel
def _skew(first: float, second: float, third: float) -> float:
    """Third standardised moment from raw moments; NaN where nothing varies beyond rounding."""
    variance = second - first * first
    if not variance > ROUNDING * second:
        return math.nan
    return (third - 3.0 * first * second + 2.0 * first * first * first) / (variance * math.sqrt(variance))


@kernel
def _move(seen: Any, past: Any, bars: int) -> float:
    """The return of the bar `bars` before the newest, within its limits."""
    return limited(close_before(past, seen, bars) - close_before(past, seen, bars + 1))


@kernel
def _add(mine: Any, move: float, sign: int) -> None:
    mine.firsts += sign * fixed_power(move)
    mine.squares += sign * fixed_power(move * move)
    mine.cubes += sign * fixed_power(move * move * move)


@kernel
def step(seen: Any, past: Any, mine: Any, out: Any) -> None:
    """Take the newest return in and the oldest out."""
    if seen.bars == 1:
        return
    _add(mine, limited(seen.change), 1)
    if seen.bars > 2:
        mine.pairs += fixed_power(limited(seen.change) * _move(seen, past, 1))
    if seen.bars > USUAL + 1:
        gone = _move(seen, past, USUAL)
        _add(mine, gone, -1)
        if seen.bars > USUAL + 2:
            mine.pairs -= fixed_power(gone * _move(seen, past, USUAL + 1))
        newest = limited(seen.change)
        earlier = mine.squares - fixed_power(newest * newest) + fixed_power(gone * gone)
        if mine.squares > 0 and earlier > 0:
            out[1] = mine.pairs / math.sqrt(float(mine.squares) * float(earlier))
    if seen.bars > USUAL:
        out[0] = _skew(mine.firsts * POWER_STEP / USUAL, mine.squares * POWER_STEP / USUAL, mine.cubes * POWER_STEP / USUAL)


FAMILY = Family(
    "moments",
    1,
    (
        FeatureSpec("skew_48", "skew", "odd", USUAL + 1, "Amaya et al. 2015", "skewness of 48 returns"),
        FeatureSpec(
            "autocorrelation_48",
            "-1..1",
            "even",
            USUAL + 2,
            "Lo and MacKinlay 1988",
            "correlation of 48 returns with the return before each, about zero",
        ),
    ),
    step,
    Memory,
)
