"""Drift: the model still knows more than the base rate."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Log loss of the model over the base rate's since it was last ahead; N/A for a rule arm, and while nothing has matured."""
    if seen.has_model == 0 or math.isnan(seen.drift):
        return not_asked(limits.rests.excess)
    return broken(seen.drift, limits.rests.excess, seen.rests & 8)


GATE = GateSpec(
    "drift",
    "nats",
    "at most",
    "safety",
    "log loss of matured predictions over the base rate's, since it was last below",
    ask,
    setting="risk.max_excess_loss",
    states=("TRIPPED",),
    domain=(0.0, math.inf),
)
