"""Data fresh: the decision follows its bar soon enough."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Age of the bar at the decision."""
    return at_most(seen.age_bars, limits.max_age_bars)


GATE = GateSpec("fresh", "bars", "at most", "safety", "age of the bar at the decision", ask, setting="decision.max_age_bars", domain=(0.0, math.inf))
