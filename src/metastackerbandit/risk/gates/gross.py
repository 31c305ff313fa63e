"""Gross exposure: the account has room."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Sum of absolute notionals over equity, before this order."""
    return at_most(seen.gross_exposure, limits.max_gross_exposure)


GATE = GateSpec(
    "gross_exposure",
    "x equity",
    "at most",
    "safety",
    "sum of absolute notionals over equity, before this order",
    ask,
    setting="risk.max_gross_exposure",
    domain=(0.0, math.inf),
)
