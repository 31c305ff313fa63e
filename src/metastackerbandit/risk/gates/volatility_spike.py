"""Volatility spike: the forecast has not caught up with the market."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import UNKNOWN, GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Fast over slow volatility of the book's bars."""
    if math.isnan(seen.volatility_spike):
        return seen.volatility_spike, limits.rests.ratio, UNKNOWN
    return broken(seen.volatility_spike, limits.rests.ratio, seen.rests & 2)


GATE = GateSpec(
    "volatility_spike",
    "x slow",
    "at most",
    "safety",
    "fast over slow volatility of the book's bars",
    ask,
    setting="risk.max_volatility_ratio",
    states=("TRIPPED",),
    domain=(0.0, math.inf),
)
