"""Correlated heat: positions that fall together are one bet."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.caps import kept_under


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """sqrt(h'Ch) over equity, with signed losses to the stops h, after this order; N/A where no new risk is asked for."""
    if seen.asks == 0:
        return not_asked(limits.max_correlated_heat)
    return kept_under(seen.correlated_heat, limits.max_correlated_heat, seen.correlated_room, seen.cap_lots)


GATE = GateSpec(
    "correlated_heat",
    "share",
    "at most",
    "safety",
    "losses to the stops under the correlations, after this order",
    ask,
    setting="risk.max_correlated_heat",
    domain=(0.0, math.inf),
)
