"""Walls near the touch, and walls that were pulled: what large resting orders do that no trade explains."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.heard import largest_back, remember
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_MINUTE = share_of(SECONDS[1])


class Memory(Struct, frozen=True):
    """Averages of the largest pull of each second (`pulls` seconds of both sides), and the newest second's walls."""

    pulls: int
    bid_pulled: float
    ask_pulled: float
    bid_wall: float
    ask_wall: float
    bid_age: float
    ask_age: float
    bid_refills: float
    ask_refills: float


@kernel
def hears(second: Any, heard: Any, mine: Any, cells: Any) -> None:
    """Take in a second."""
    remember(cells[0:10], heard, second.bid_pulled)
    remember(cells[10:20], heard, second.ask_pulled)
    if not (math.isnan(second.bid_pulled) or math.isnan(second.ask_pulled)):
        mine.pulls += 1
        share = gain(_MINUTE, 1.0 / mine.pulls)
        mine.bid_pulled += share * (second.bid_pulled - mine.bid_pulled)
        mine.ask_pulled += share * (second.ask_pulled - mine.ask_pulled)
    mine.bid_wall = second.bid_wall
    mine.ask_wall = second.ask_wall
    mine.bid_age = second.bid_wall_age
    mine.ask_age = second.ask_wall_age
    mine.bid_refills = second.bid_wall_refills
    mine.ask_refills = second.ask_wall_refills


@kernel
def step(heard: Any, mine: Any, cells: Any, out: Any) -> None:
    """Pulls of ten seconds and a minute, and walls in logs, so that one of a thousand deviations does not drown the rest."""
    if heard.age >= 10:
        out[0] = largest_back(cells[0:10], heard, 10)
        out[1] = largest_back(cells[10:20], heard, 10)
    if mine.pulls >= 60:
        out[2] = mine.bid_pulled
        out[3] = mine.ask_pulled
    out[4] = math.log1p(mine.bid_wall)
    out[5] = math.log1p(mine.ask_wall)
    out[6] = math.log1p(mine.bid_age)
    out[7] = math.log1p(mine.ask_age)
    out[8] = math.log1p(mine.bid_refills)
    out[9] = math.log1p(mine.ask_refills)


def _sides(name: str, unit: str, source: str, meaning: str, seconds: int) -> tuple[FeatureSpec, FeatureSpec]:
    """A column of either side, each the other's partner."""
    bid, ask = f"bid_{name}", f"ask_{name}"
    return (
        FeatureSpec(bid, unit, "swap", 1, source, meaning.format("bids"), "book", partner=ask, seconds=seconds),
        FeatureSpec(ask, unit, "swap", 1, source, meaning.format("asks"), "book", partner=bid, seconds=seconds),
    )


_PULLED = "Cartea, Jaimungal and Wang 2020 (idea)"
_WALL = "Cartea, Jaimungal and Wang 2020 (idea)"
FAMILY = Family(
    "pulled",
    1,
    (
        *_sides("pulled_10", "log", _PULLED, "largest drop of a level's log size without a trade in 10 s, nearest 20 {}", 10),
        *_sides("pulled_60", "log", _PULLED, "the largest such drop of each second, average of span 60 s, {}", 60),
        *_sides("wall", "log MADs", _WALL, "log(1 + size) of the largest level above the median in median absolute deviations, nearest 20 {}", 1),
        *_sides("wall_age", "log s", _WALL, "log(1 + seconds) for which that level of the {} was the largest, where it is above 6 deviations", 1),
        *_sides("wall_refills", "log", _WALL, "log(1 + seconds) in which that wall of the {} was dealt against and became no smaller", 1),
    ),
    step,
    Memory,
    hears=hears,
    cells=20,
)
