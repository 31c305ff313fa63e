"""Heat: what is lost when every position leaves at its stop."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.caps import kept_under


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Sum of the losses to the stops over equity, after this order; N/A where no new risk is asked for."""
    if seen.asks == 0:
        return not_asked(limits.max_heat)
    return kept_under(seen.heat, limits.max_heat, seen.heat_room, seen.cap_lots)


GATE = GateSpec(
    "heat",
    "share",
    "at most",
    "safety",
    "losses to the stops over equity, after this order",
    ask,
    setting="risk.max_heat",
    domain=(0.0, math.inf),
)
