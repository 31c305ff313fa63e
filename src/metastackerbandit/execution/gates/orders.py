"""Order rate: entries of one symbol in a UTC day."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Entries of the UTC day, this one included."""
    return at_most(seen.orders_today, limits.max_orders_a_day)


GATE = GateSpec(
    "orders_a_day",
    "orders",
    "at most",
    "safety",
    "entries of the UTC day, this one included",
    ask,
    setting="execution.max_orders_a_day",
    domain=(1.0, math.inf),
)
