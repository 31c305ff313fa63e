"""Volatility, lower end: the market moves at all."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Forecast volatility."""
    return at_least(seen.volatility, limits.min_volatility)


GATE = GateSpec(
    "volatility_floor", "1/year", "at least", "safety", "forecast volatility", ask, setting="decision.min_volatility", domain=(0.0, math.inf)
)
