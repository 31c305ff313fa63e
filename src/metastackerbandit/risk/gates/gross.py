"""Gross exposure: the account has room."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.caps import kept_under


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Sum of absolute notionals over equity, after this order; N/A where no new risk is asked for."""
    if seen.asks == 0:
        return not_asked(limits.max_gross_exposure)
    return kept_under(seen.gross_exposure, limits.max_gross_exposure, seen.gross_room, seen.cap_lots)


GATE = GateSpec(
    "gross_exposure",
    "x equity",
    "at most",
    "safety",
    "sum of absolute notionals over equity, after this order",
    ask,
    setting="risk.max_gross_exposure",
    domain=(0.0, math.inf),
)
