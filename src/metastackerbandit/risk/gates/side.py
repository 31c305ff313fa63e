"""Side exposure: not everything leans one way."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.caps import kept_under


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Notional of all longs, or of all shorts, over equity, after this order; N/A where no new risk is asked for."""
    if seen.asks == 0:
        return not_asked(limits.max_side_exposure)
    return kept_under(seen.side_exposure, limits.max_side_exposure, seen.side_room, seen.cap_lots)


GATE = GateSpec(
    "side_exposure",
    "x equity",
    "at most",
    "safety",
    "notional of this side over equity, after this order",
    ask,
    setting="risk.max_side_exposure",
    domain=(0.0, math.inf),
)
