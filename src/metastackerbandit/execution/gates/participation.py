"""Participation of one order in the average day's volume."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Order over average daily volume. N/A when no new risk is asked, or where volumes are not recorded."""
    if seen.asks == 0 or seen.has_volume == 0:
        return not_asked(limits.max_order_volume)
    return at_most(seen.participation, limits.max_order_volume)


GATE = GateSpec(
    "order_volume", "share", "at most", "safety", "order over average daily volume", ask, setting="execution.max_order_volume", domain=(0.0, math.inf)
)
