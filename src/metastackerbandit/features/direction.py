"""Which side extends the range: Wilder's directional movement in logs."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain
from metastackerbandit.features.spans import WILDER
from metastackerbandit.features.spec import Family, FeatureSpec

_SHARE = 1.0 / WILDER


class Memory(Struct, frozen=True):
    """The range of the bar before, averages of upward and downward movement, and of the index of `indexed` bars."""

    log_high: float
    log_low: float
    up: float
    down: float
    index: float
    indexed: int


@kernel
def step(seen: Any, mine: Any, out: Any) -> None:
    """Advance the movements; the true range in both of Wilder's indicators cancels in their ratio."""
    up = seen.log_high - mine.log_high
    down = mine.log_low - seen.log_low
    mine.log_high = seen.log_high
    mine.log_low = seen.log_low
    if seen.bars == 1:
        return
    share = gain(_SHARE, seen.young_return)
    mine.up += share * ((up if up > down and up > 0.0 else 0.0) - mine.up)
    mine.down += share * ((down if down > up and down > 0.0 else 0.0) - mine.down)
    both = mine.up + mine.down
    if seen.bars <= WILDER or not both > DUST:
        return
    direction = (mine.up - mine.down) / both
    mine.indexed += 1
    mine.index += gain(_SHARE, 1.0 / mine.indexed) * (abs(direction) - mine.index)
    out[0] = direction
    if mine.indexed >= WILDER:
        out[1] = mine.index


FAMILY = Family(
    "direction",
    1,
    (
        FeatureSpec("direction_14", "-1..1", "odd", WILDER + 1, "Wilder 1978", "upward less downward movement over their sum, averages of 14 bars"),
        FeatureSpec("adx_14", "0..1", "even", 2 * WILDER, "Wilder 1978", "average of the size of direction_14 over 14 bars"),
    ),
    step,
    Memory,
)
