"""How fast trades follow each other: buyers against sellers, and now against the last minute."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.spec import Family, FeatureSpec

_HEARD = 1e-6  # trades a second in the last minutes, below which nobody dealt for a quarter of an hour, or trades are not heard
_ONE = 1.0 / 60.0  # trades a second: one in the longest memory, which stands beside those counted


class Memory(Struct, frozen=True):
    """The newest second's rates, in trades a second, with memories of 1, 10 and 60 s."""

    buys_1: float
    buys_10: float
    buys_60: float
    sells_1: float
    sells_10: float
    sells_60: float


@kernel
def hears(second: Any, mine: Any) -> None:
    """Take in a second."""
    mine.buys_1 = second.buy_rate_1
    mine.buys_10 = second.buy_rate_10
    mine.buys_60 = second.buy_rate_60
    mine.sells_1 = second.sell_rate_1
    mine.sells_10 = second.sell_rate_10
    mine.sells_60 = second.sell_rate_60


@kernel
def step(heard: Any, mine: Any, out: Any) -> None:
    """Logs of ratios of counts with one trade more on each side, so that none is no infinity."""
    usual = mine.buys_60 + mine.sells_60
    if not usual > _HEARD:
        return
    out[0] = math.log((mine.buys_1 + 1.0) / (mine.sells_1 + 1.0))
    if heard.seconds >= 10:
        out[1] = math.log((mine.buys_10 * 10.0 + 1.0) / (mine.sells_10 * 10.0 + 1.0))
    if heard.seconds >= 60:
        out[2] = math.log((mine.buys_60 * 60.0 + 1.0) / (mine.sells_60 * 60.0 + 1.0))
        out[3] = math.log((mine.buys_1 + mine.sells_1 + _ONE) / (usual + _ONE))
        out[4] = math.log((mine.buys_10 + mine.sells_10 + _ONE) / (usual + _ONE))


_SOURCE = "Hawkes 1971; Cestari et al. 2023"
FAMILY = Family(
    "intensity",
    1,
    (
        *(
            FeatureSpec(
                f"trade_side_{memory}",
                "log",
                "odd",
                1,
                _SOURCE,
                f"log of bought over sold trades, each weighed by exp(-age / {memory} s), one more on each side",
                "book",
                seconds=memory,
                is_event=True,
            )
            for memory in (1, 10, 60)
        ),
        *(
            FeatureSpec(
                f"trade_surprise_{memory}",
                "log",
                "even",
                1,
                _SOURCE,
                f"log of the rate of trades with a memory of {memory} s over that of 60 s, 1/60 a second beside each",
                "book",
                seconds=60,
                is_event=True,
            )
            for memory in (1, 10)
        ),
    ),
    step,
    Memory,
    hears=hears,
)
