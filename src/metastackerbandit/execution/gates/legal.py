"""Legal order: the venue's rules leave something to send."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Lots left by the quantiser. N/A when no order is wanted."""
    if seen.moves == 0:
        return not_asked(seen.least_lots)
    return at_least(seen.legal_lots, seen.least_lots)


GATE = GateSpec("legal_order", "lots", "at least", "safety", "lots left by the quantiser", ask, domain=(0.0, math.inf))
