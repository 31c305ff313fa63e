"""Flip gap: some decisions are skipped before taking the other side."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Bars closed since the exit from the other side. N/A unless the last position was on the other side."""
    if seen.since_exit < 0 or seen.last_side != -seen.side:
        return not_asked(limits.flip_gap_bars + 1.0)
    return at_least(seen.since_exit, limits.flip_gap_bars + 1.0)


GATE = GateSpec(
    "flip_gap",
    "bars",
    "at least",
    "safety",
    "bars closed since the exit from the other side",
    ask,
    setting="execution.flip_gap_bars",
    lead=1.0,
    domain=(0.0, math.inf),
)
