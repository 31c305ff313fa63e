"""Drawdown: the breaker that rests until the next UTC day."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Loss from the equity peak."""
    return broken(seen.drawdown, limits.max_drawdown, seen.drawdown_tripped)


GATE = GateSpec(
    "drawdown", "share", "at most", "safety", "loss from the equity peak", ask, setting="risk.max_drawdown", states=("TRIPPED",), domain=(0.0, 1.0)
)
