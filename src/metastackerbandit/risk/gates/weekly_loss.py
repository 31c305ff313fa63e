"""Weekly loss: the breaker that rests until the next UTC week."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Loss since the UTC week began; until the next Monday once it tripped."""
    return broken(seen.weekly_loss, limits.max_weekly_loss, seen.weekly_tripped)


GATE = GateSpec(
    "weekly_loss",
    "share",
    "at most",
    "safety",
    "loss since the UTC week began",
    ask,
    setting="risk.max_weekly_loss",
    states=("TRIPPED",),
    domain=(0.0, 1.0),
)
