"""Minimum change: the order is worth its trouble."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Change of position over equity. N/A when no new risk is asked."""
    if seen.asks == 0:
        return not_asked(limits.min_change_bps)
    return at_least(seen.change_bps, limits.min_change_bps)


GATE = GateSpec(
    "minimum_change", "bps", "at least", "safety", "change of position over equity", ask, setting="execution.min_change_bps", domain=(0.0, math.inf)
)
