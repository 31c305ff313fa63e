"""What a prediction means for a position: a side, the edge behind it, and how much of the position it is worth.

A prediction is about a trade that leaves by the label's barriers, so a position taken on one is left to its barriers and its
horizon unless the opposite is predicted: fading conviction alone does not pay for an exit.
"""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import KEEP

BY_EDGE, BY_CONFIDENCE, BY_STRENGTH = 0, 1, 2


@kernel
def predicted_side(p_down: float, p_up: float, long_bps: float, short_bps: float) -> int:
    """+1 or -1 where class probabilities and expected returns name the same side, else 0."""
    lead = p_up - p_down
    edge = long_bps - short_bps
    if lead > 0.0 and edge > 0.0:
        return 1
    if lead < 0.0 and edge < 0.0:
        return -1
    return 0


@kernel
def predicted_sides(p_down: Any, p_up: Any, long_bps: Any, short_bps: Any, sides: Any) -> None:
    """`predicted_side` of many predictions (P,), written into `sides` (P,) int64."""
    for n in range(len(sides)):
        sides[n] = predicted_side(p_down[n], p_up[n], long_bps[n], short_bps[n])


@kernel
def wanted_side(prediction: Any, leaves: float, held: int) -> int:
    """The target that a prediction asks for, given the side held (-1, 0, +1): KEEP where it gives no reason to change.

    `leaves` is the strength |p_up - p_down| that the other side must show to end a position; nothing does where it is not known (NaN).
    """
    if prediction.silence != 0:
        return KEEP
    side = predicted_side(prediction.p_down, prediction.p_up, prediction.long_bps, prediction.short_bps)
    if held == 0:
        return side
    if side == -held and abs(prediction.p_up - prediction.p_down) >= leaves:
        return side
    return KEEP


@kernel
def edge_of(prediction: Any, side: int) -> float:
    """Expected gross return of a side, bps; NaN when asleep."""
    return prediction.long_bps if side > 0 else prediction.short_bps


@kernel
def scale_of(mode: int, net_edge_bps: float, least_bps: float, full_bps: float, prediction: Any, side: int) -> float:
    """Position scale in [0, 1] before the floor: by net edge, by the side's probability, or by strength; NaN when unknown."""
    if mode == BY_CONFIDENCE:
        return prediction.p_up if side > 0 else prediction.p_down
    if mode == BY_STRENGTH:
        return abs(prediction.p_up - prediction.p_down)
    if math.isnan(net_edge_bps):
        return math.nan
    return min(max((net_edge_bps - least_bps) / full_bps, 0.0), 1.0)
