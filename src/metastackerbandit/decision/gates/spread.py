"""Spread: crossing it does not cost too much."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Best ask over best bid. N/A on candles, where there is no book."""
    if limits.has_book == 0:
        return not_asked(limits.max_spread_bps)
    return at_most(seen.spread_bps, limits.max_spread_bps)


GATE = GateSpec("spread", "bps", "at most", "safety", "best ask over best bid", ask, setting="decision.max_spread_bps", domain=(0.0, math.inf))
