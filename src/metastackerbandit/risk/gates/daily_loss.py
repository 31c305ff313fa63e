"""Daily loss: the breaker that rests until the next UTC day."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Loss since the UTC day began, the worst of the day."""
    return broken(seen.daily_loss, limits.max_daily_loss, seen.daily_tripped)


GATE = GateSpec(
    "daily_loss",
    "share",
    "at most",
    "safety",
    "loss since the UTC day began, the worst of the day",
    ask,
    setting="risk.max_daily_loss",
    states=("TRIPPED",),
    domain=(0.0, 1.0),
)
