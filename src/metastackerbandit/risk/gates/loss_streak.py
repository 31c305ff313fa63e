"""Loss streak: a book that only loses rests."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.breakers import broken


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Losing round trips of the book in a row, net."""
    return broken(seen.loss_streak, float(limits.rests.streak), seen.rests & 1)


GATE = GateSpec(
    "loss_streak",
    "trips",
    "at most",
    "safety",
    "losing round trips of the book in a row",
    ask,
    setting="risk.max_loss_streak",
    states=("TRIPPED",),
    domain=(0.0, math.inf),
)
