"""How the book deepens away from the touch, and how deep it is for its own habit."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_LONG = share_of(SECONDS[2])


class Memory(Struct, frozen=True):
    """The newest slopes and depth, and the average depth over seconds in which 20 levels were known on both sides (`deep` of them)."""

    bid_slope: float
    ask_slope: float
    depth: float
    deep: int
    average: float


@kernel
def slope_of(depth_5: float, depth_20: float, reach_5: float, reach_20: float) -> float:
    """How fast lots grow with distance from the middle between the 5th and the 20th level: the exponent of a power law; NaN where not known."""
    return math.log(depth_20 / depth_5) / math.log(reach_20 / reach_5)


@kernel
def hears(second: Any, mine: Any) -> None:
    """Take in a second."""
    mine.bid_slope = slope_of(second.bid_depth_5, second.bid_depth_20, second.bid_reach_5, second.bid_reach_20)
    mine.ask_slope = slope_of(second.ask_depth_5, second.ask_depth_20, second.ask_reach_5, second.ask_reach_20)
    mine.depth = second.bid_depth_20 + second.ask_depth_20
    if not math.isnan(mine.depth):
        mine.deep += 1
        mine.average += gain(_LONG, 1.0 / mine.deep) * (mine.depth - mine.average)


@kernel
def step(mine: Any, out: Any) -> None:
    """Slopes as they are, depth against its average."""
    out[0] = mine.bid_slope
    out[1] = mine.ask_slope
    if mine.deep >= 300:
        out[2] = math.log(mine.depth / mine.average)


_SLOPE = "Naes and Skjeltorp 2006 (idea)"
_MEANING = "growth of log lots with log distance from the middle, 5th to 20th level of the {}"
FAMILY = Family(
    "depth",
    1,
    (
        FeatureSpec("bid_depth_slope", "exponent", "swap", 1, _SLOPE, _MEANING.format("bids"), "book", partner="ask_depth_slope", seconds=1),
        FeatureSpec("ask_depth_slope", "exponent", "swap", 1, _SLOPE, _MEANING.format("asks"), "book", partner="bid_depth_slope", seconds=1),
        FeatureSpec(
            "depth_ratio", "log", "even", 1, _SLOPE, "log of the lots on 20 levels a side over their average of span 300 s", "book", seconds=300
        ),
    ),
    step,
    Memory,
    hears=hears,
)
