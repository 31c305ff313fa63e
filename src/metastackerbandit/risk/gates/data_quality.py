"""Data quality: the book's bars came, and came whole."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """How many of the newest bars are incomplete or never came."""
    return broken(seen.data_quality, limits.rests.most_bad, seen.rests & 4)


GATE = GateSpec("data_quality", "bars", "at most", "safety", "bad ones among the newest bars: incomplete or missing", ask)
