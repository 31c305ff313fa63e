"""How straight the path was: the way made good over the way travelled."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain, share_of
from metastackerbandit.features.fixed import MOVE_STEP, fixed_move
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import FAST, SLOW, USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_SLOW_SHARE = share_of(SLOW)


class Memory(Struct, frozen=True):
    """Exact sums of absolute returns over FAST and USUAL bars; average squares of one-bar and of FAST-bar returns."""

    fast_way: int
    usual_way: int
    square: float
    fast_square: float


@kernel
def step(seen: Any, past: Any, mine: Any, out: Any) -> None:
    """Advance the ways travelled; each is the sum of what the closes of its window say, to the bit."""
    if seen.bars == 1:
        return
    newest = fixed_move(abs(seen.change))
    mine.fast_way += newest
    mine.usual_way += newest
    if seen.bars > FAST + 1:
        mine.fast_way -= fixed_move(abs(close_before(past, seen, FAST) - close_before(past, seen, FAST + 1)))
    if seen.bars > USUAL + 1:
        mine.usual_way -= fixed_move(abs(close_before(past, seen, USUAL) - close_before(past, seen, USUAL + 1)))
    if seen.bars <= FAST:
        return
    made_good = seen.log_close - close_before(past, seen, FAST)
    if mine.fast_way > 0:
        out[1] = made_good / (mine.fast_way * MOVE_STEP)
        out[0] = abs(out[1])
    if seen.bars > USUAL and mine.usual_way > 0:
        out[2] = (seen.log_close - close_before(past, seen, USUAL)) / (mine.usual_way * MOVE_STEP)
    pairs = seen.bars - FAST
    share = gain(_SLOW_SHARE, 1.0 / pairs)
    mine.square += share * (seen.change * seen.change - mine.square)
    mine.fast_square += share * (made_good * made_good - mine.fast_square)
    if pairs >= SLOW and mine.square > DUST:
        out[3] = mine.fast_square / (FAST * mine.square) - 1.0


_SOURCE = "Kaufman 2013"
FAMILY = Family(
    "efficiency",
    1,
    (
        FeatureSpec("price_efficiency", "0..1", "even", FAST + 1, _SOURCE, "size of efficiency_12"),
        FeatureSpec("efficiency_12", "-1..1", "odd", FAST + 1, _SOURCE, "return of 12 bars over the sum of its bars' absolute returns"),
        FeatureSpec("efficiency_48", "-1..1", "odd", USUAL + 1, _SOURCE, "return of 48 bars over the sum of its bars' absolute returns"),
        FeatureSpec(
            "variance_ratio_12",
            "ratio - 1",
            "even",
            FAST + SLOW,
            "Lo and MacKinlay 1988",
            "average square of 12-bar returns over 12 times that of one-bar returns, less 1, span 96: above 0 trends, below reverts",
        ),
    ),
    step,
    Memory,
)
