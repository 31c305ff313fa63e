"""Funding: the last settlement does not cost the position too much."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Last settled funding against the wanted side. N/A where there is no funding: on spot, or without a series."""
    if seen.has_funding == 0:
        return not_asked(limits.max_funding_bps)
    return at_most(seen.funding_bps, limits.max_funding_bps)


GATE = GateSpec(
    "funding",
    "bps",
    "at most",
    "safety",
    "last settled funding against the wanted side",
    ask,
    setting="decision.max_funding_bps",
    domain=(-math.inf, math.inf),
)
