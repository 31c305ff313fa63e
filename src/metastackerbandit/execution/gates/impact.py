"""Impact: the order does not move the market too much."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Modelled impact of the order. N/A when no new risk is asked, or where volumes are not recorded."""
    if seen.asks == 0 or seen.has_volume == 0:
        return not_asked(limits.max_impact_bps)
    return at_most(seen.impact_bps, limits.max_impact_bps)


GATE = GateSpec("impact", "bps", "at most", "safety", "modelled impact of the order", ask, setting="execution.max_impact_bps", domain=(0.0, math.inf))
