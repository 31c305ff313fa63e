"""Depth: enough rests on the other side to take the order."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """What rests on the other side's ten best levels, in sizes of the order. N/A without new risk, and on candles, where there is no book."""
    if limits.has_book == 0 or seen.asks == 0:
        return not_asked(limits.min_depth)
    return at_least(seen.depth, limits.min_depth)


GATE = GateSpec(
    "depth",
    "x order",
    "at least",
    "safety",
    "what rests on the other side's ten best levels, in sizes of the order",
    ask,
    setting="decision.min_depth",
    domain=(0.0, math.inf),
)
