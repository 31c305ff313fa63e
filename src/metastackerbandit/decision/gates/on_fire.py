"""Volatility, upper end: the market is not beyond what sizes were made for."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Forecast volatility."""
    return at_most(seen.volatility, limits.max_volatility)


GATE = GateSpec(
    "volatility_cap", "1/year", "at most", "safety", "forecast volatility", ask, setting="decision.max_volatility", domain=(0.0, math.inf)
)
