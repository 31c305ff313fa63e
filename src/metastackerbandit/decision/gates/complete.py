"""Data complete: the bar has enough of its source candles."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Share of the bar's source candles that exist."""
    return at_least(seen.completeness, limits.min_completeness)


GATE = GateSpec(
    "complete",
    "share",
    "at least",
    "safety",
    "share of the bar's source candles that exist",
    ask,
    setting="decision.min_completeness",
    domain=(0.0, 1.0),
)
