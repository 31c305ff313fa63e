"""Which part of the movement came in jumps: squared returns against products of neighbours, which a single jump cannot enlarge."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.fixed import POWER_STEP, fixed_power, limited
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import FAST, USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_FAST_SHARE = share_of(FAST)
_HALF_PI = math.pi / 2.0  # E|z| E|z'| = 2 / pi for standard normals
JUMP = 3.0  # bipower sigmas beyond which a return counts as a jump: about one bar in 370 of a Gaussian walk


class Memory(Struct, frozen=True):
    """Exact sums over USUAL bars of squared returns and of products of neighbours' sizes; average of signed jumps over `scored` bars."""

    squares: int
    products: int
    jump: float
    scored: int


@kernel
def _move(seen: Any, past: Any, bars: int) -> float:
    """The return of the bar `bars` before the newest, within its limits."""
    return limited(close_before(past, seen, bars) - close_before(past, seen, bars + 1))


@kernel
def step(seen: Any, past: Any, mine: Any, out: Any) -> None:
    """Score the newest return by the bipower volatility of the bars before it, then take it in."""
    if seen.bars == 1:
        return
    newest = limited(seen.change)
    if seen.bars > USUAL + 2 and mine.products > 0:
        score = seen.change / math.sqrt(_HALF_PI / USUAL * (mine.products * POWER_STEP))
        mine.scored += 1
        mine.jump += gain(_FAST_SHARE, 1.0 / mine.scored) * ((score if abs(score) > JUMP else 0.0) - mine.jump)
        out[1] = abs(score)
        if mine.scored >= FAST:
            out[2] = mine.jump
    mine.squares += fixed_power(newest * newest)
    if seen.bars > 2:
        mine.products += fixed_power(abs(newest) * abs(_move(seen, past, 1)))
    if seen.bars > USUAL + 1:
        gone = _move(seen, past, USUAL)
        mine.squares -= fixed_power(gone * gone)
        if seen.bars > USUAL + 2:
            mine.products -= fixed_power(abs(gone) * abs(_move(seen, past, USUAL + 1)))
        if mine.squares > 0:
            out[0] = max(1.0 - _HALF_PI * mine.products / mine.squares, 0.0)


FAMILY = Family(
    "jumps",
    1,
    (
        FeatureSpec(
            "jump_share",
            "0..1",
            "even",
            USUAL + 2,
            "Barndorff-Nielsen and Shephard 2004",
            "part of 48 squared returns that is more than the bipower variation, at least 0",
        ),
        FeatureSpec(
            "jump_magnitude",
            "sigma",
            "even",
            USUAL + 3,
            "Lee and Mykland 2008",
            "size of the last return in bipower sigmas of the 48 bars before it",
        ),
        FeatureSpec(
            "jump_signed",
            "sigma",
            "odd",
            USUAL + FAST + 2,
            "Lee and Mykland 2008",
            "average, span 12, of returns beyond 3 bipower sigmas, in those; other bars count 0",
        ),
    ),
    step,
    Memory,
)
