"""Data quality: the book's bars came, and came whole."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """The share of the newest bars that are incomplete or never came."""
    return broken(seen.data_quality, limits.rests.bad_share, seen.rests & 4)


GATE = GateSpec(
    "data_quality",
    "share",
    "at most",
    "safety",
    "share of the newest bars that is incomplete or missing",
    ask,
    setting="risk.max_bad_bars",
    states=("TRIPPED",),
    domain=(0.0, 1.0),
)
