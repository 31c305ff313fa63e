"""Participation of the UTC day's entries in the average day's volume."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Entries of the UTC day over average daily volume. N/A when no new risk is asked, or where volumes are not recorded."""
    if seen.asks == 0 or seen.has_volume == 0:
        return not_asked(limits.max_day_volume)
    return at_most(seen.day_participation, limits.max_day_volume)


GATE = GateSpec(
    "day_volume",
    "share",
    "at most",
    "safety",
    "entries of the UTC day over average daily volume",
    ask,
    setting="execution.max_day_volume",
    domain=(0.0, math.inf),
)
