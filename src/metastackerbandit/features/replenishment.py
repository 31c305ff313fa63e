"""How fast the near book is added to and cancelled from, in units of itself."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_MINUTE = share_of(SECONDS[1])


class Memory(Struct, frozen=True):
    """Averages a second of lots added, cancelled and resting near the touch, over seconds in which 20 levels a side are known (`deep` of them)."""

    deep: int
    bid_added: float
    ask_added: float
    bid_cancelled: float
    ask_cancelled: float
    bid_depth: float
    ask_depth: float


@kernel
def hears(second: Any, mine: Any) -> None:
    """Take in a second. What was dealt is taken out of what went over the minute, not by the second: trades and changes come apart."""
    if math.isnan(second.bid_depth_20) or math.isnan(second.ask_depth_20):
        return
    mine.deep += 1
    share = gain(_MINUTE, 1.0 / mine.deep)
    mine.bid_added += share * (second.bid_added - mine.bid_added)
    mine.ask_added += share * (second.ask_added - mine.ask_added)
    mine.bid_cancelled += share * (second.bid_removed - second.sold_lots - mine.bid_cancelled)
    mine.ask_cancelled += share * (second.ask_removed - second.bought_lots - mine.ask_cancelled)
    mine.bid_depth += share * (second.bid_depth_20 - mine.bid_depth)
    mine.ask_depth += share * (second.ask_depth_20 - mine.ask_depth)


@kernel
def step(mine: Any, out: Any) -> None:
    """Averages over the average depth."""
    if mine.deep >= 60:
        out[0] = mine.bid_added / mine.bid_depth
        out[1] = mine.ask_added / mine.ask_depth
        out[2] = mine.bid_cancelled / mine.bid_depth
        out[3] = mine.ask_cancelled / mine.ask_depth


_SOURCE = "Hasbrouck and Saar 2009 (idea)"
_ADDED = "lots added a second on the nearest 20 {}, average of span 60 s, over those resting"
_CANCELLED = "lots that went without a trade a second on the nearest 20 {}, average of span 60 s, over those resting"
_UNIT = "depths a second"
FAMILY = Family(
    "replenishment",
    1,
    (
        FeatureSpec("bid_added_60", _UNIT, "swap", 1, _SOURCE, _ADDED.format("bids"), "book", partner="ask_added_60", seconds=60),
        FeatureSpec("ask_added_60", _UNIT, "swap", 1, _SOURCE, _ADDED.format("asks"), "book", partner="bid_added_60", seconds=60),
        FeatureSpec("bid_cancelled_60", _UNIT, "swap", 1, _SOURCE, _CANCELLED.format("bids"), "book", partner="ask_cancelled_60", seconds=60),
        FeatureSpec("ask_cancelled_60", _UNIT, "swap", 1, _SOURCE, _CANCELLED.format("asks"), "book", partner="bid_cancelled_60", seconds=60),
    ),
    step,
    Memory,
    hears=hears,
)
