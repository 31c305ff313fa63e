"""Net exposure: longs and shorts together do not lean too far."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.caps import kept_under


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Longs less shorts in the trade's direction over equity, after this order; N/A where no new risk is asked for."""
    if seen.asks == 0:
        return not_asked(limits.max_net_exposure)
    return kept_under(seen.net_exposure, limits.max_net_exposure, seen.net_room, seen.cap_lots)


GATE = GateSpec(
    "net_exposure",
    "x equity",
    "at most",
    "safety",
    "net notional in the trade's direction over equity, after this order",
    ask,
    setting="risk.max_net_exposure",
    domain=(-math.inf, math.inf),
)
