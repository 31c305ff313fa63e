"""Queue imbalance: what rests to be bought from against what rests to be sold to, over the nearest levels."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.spec import Family, FeatureSpec


class Memory(Struct, frozen=True):
    """The imbalance of so many levels at the newest second's end; NaN where they were not all known."""

    of_1: float
    of_5: float
    of_10: float
    of_20: float


@kernel
def imbalance(bid: float, ask: float) -> float:
    """(bid - ask) / (bid + ask)."""
    return (bid - ask) / (bid + ask)


@kernel
def hears(second: Any, mine: Any) -> None:
    """Take in a second."""
    mine.of_1 = imbalance(second.bid_depth_1, second.ask_depth_1)
    mine.of_5 = imbalance(second.bid_depth_5, second.ask_depth_5)
    mine.of_10 = imbalance(second.bid_depth_10, second.ask_depth_10)
    mine.of_20 = imbalance(second.bid_depth_20, second.ask_depth_20)


@kernel
def step(mine: Any, out: Any) -> None:
    """The newest imbalances."""
    out[0] = mine.of_1
    out[1] = mine.of_5
    out[2] = mine.of_10
    out[3] = mine.of_20


FAMILY = Family(
    "queue",
    1,
    tuple(
        FeatureSpec(
            f"queue_imbalance_{levels}",
            "-1..1",
            "odd",
            1,
            "Gould and Bonart 2016",
            f"lots bid less lots asked on the nearest {levels} level{'s' if levels > 1 else ''}, over their sum, at the newest second's end",
            "book",
            seconds=1,
        )
        for levels in (1, 5, 10, 20)
    ),
    step,
    Memory,
    hears=hears,
)
