"""Order-flow imbalance in units of what rests: of the best level, and of the nearest five together."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import gain, share_of
from metastackerbandit.features.spans import SECONDS
from metastackerbandit.features.spec import Family, FeatureSpec

_SHORT, _MINUTE, _LONG = (share_of(span) for span in SECONDS)


class Memory(Struct, frozen=True):
    """Averages a second: of the best level's flow and depth, and of the mean flow and depth of five levels where all are known (`deep` of them)."""

    depth: float
    flow_short: float
    flow_minute: float
    flow_long: float
    deep: int
    deep_depth: float
    deep_short: float
    deep_minute: float
    deep_long: float


@kernel
def hears(second: Any, heard: Any, mine: Any) -> None:
    """Take in a second."""
    young = heard.young
    if not math.isnan(second.ofi_1):
        mine.depth += gain(_LONG, young) * (0.5 * (second.bid_depth_1 + second.ask_depth_1) - mine.depth)
        mine.flow_short += gain(_SHORT, young) * (second.ofi_1 - mine.flow_short)
        mine.flow_minute += gain(_MINUTE, young) * (second.ofi_1 - mine.flow_minute)
        mine.flow_long += gain(_LONG, young) * (second.ofi_1 - mine.flow_long)
    flow = 0.2 * (second.ofi_1 + second.ofi_2 + second.ofi_3 + second.ofi_4 + second.ofi_5)
    depth = 0.1 * (second.bid_depth_5 + second.ask_depth_5)
    if not (math.isnan(flow) or math.isnan(depth)):
        mine.deep += 1
        young = 1.0 / mine.deep
        mine.deep_depth += gain(_LONG, young) * (depth - mine.deep_depth)
        mine.deep_short += gain(_SHORT, young) * (flow - mine.deep_short)
        mine.deep_minute += gain(_MINUTE, young) * (flow - mine.deep_minute)
        mine.deep_long += gain(_LONG, young) * (flow - mine.deep_long)


@kernel
def step(heard: Any, mine: Any, out: Any) -> None:
    """Averages of flow over the average depth."""
    if mine.depth > 0.0:
        if heard.seconds >= 10:
            out[0] = mine.flow_short / mine.depth
        if heard.seconds >= 60:
            out[1] = mine.flow_minute / mine.depth
        if heard.seconds >= 300:
            out[2] = mine.flow_long / mine.depth
    if mine.deep_depth > 0.0:
        if mine.deep >= 10:
            out[3] = mine.deep_short / mine.deep_depth
        if mine.deep >= 60:
            out[4] = mine.deep_minute / mine.deep_depth
        if mine.deep >= 300:
            out[5] = mine.deep_long / mine.deep_depth


_ONE = "Cont, Kukanov and Stoikov 2014"
_FIVE = "Cont, Cucuringu and Zhang 2023 (equal weights)"
_UNIT = "depths a second"
FAMILY = Family(
    "order_flow",
    1,
    (
        *(
            FeatureSpec(
                f"ofi_1_{span}",
                _UNIT,
                "odd",
                1,
                _ONE,
                f"order-flow imbalance of the best level, average of span {span} s, over its depth",
                "book",
                seconds=span,
            )
            for span in SECONDS
        ),
        *(
            FeatureSpec(
                f"ofi_5_{span}",
                _UNIT,
                "odd",
                1,
                _FIVE,
                f"the same of five levels together, average of span {span} s, over their mean depth",
                "book",
                seconds=span,
            )
            for span in SECONDS
        ),
    ),
    step,
    Memory,
    hears=hears,
)
