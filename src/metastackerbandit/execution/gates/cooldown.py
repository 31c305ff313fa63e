"""Cooldown: some decisions are skipped after an exit."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Bars closed since the last exit. N/A before the first exit; an exit filled at a bar's open counts that bar's close as the first."""
    if seen.since_exit < 0:
        return not_asked(limits.cooldown_bars + 1.0)
    return at_least(seen.since_exit, limits.cooldown_bars + 1.0)


GATE = GateSpec(
    "cooldown",
    "bars",
    "at least",
    "safety",
    "bars closed since the last exit",
    ask,
    setting="execution.cooldown_bars",
    lead=1.0,
    domain=(0.0, math.inf),
)
