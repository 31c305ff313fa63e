"""Warm: the arm has seen the bars it needs."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Bars seen by the arm."""
    return at_least(seen.bars_seen, limits.warm_up)


GATE = GateSpec("warm", "bars", "at least", "safety", "bars seen by the arm", ask, domain=(0.0, math.inf))
