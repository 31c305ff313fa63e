"""Net edge: what the trade is expected to earn after what it is expected to cost."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Expected return of the side less fees, spread, slippage, impact and funding. N/A for rule arms and silent models."""
    if seen.has_model == 0 or seen.silence != 0:
        return not_asked(limits.min_net_edge_bps)
    return at_least(seen.net_edge_bps, limits.min_net_edge_bps)


GATE = GateSpec(
    "net_edge",
    "bps",
    "at least",
    "opinion",
    "expected return less expected costs",
    ask,
    setting="decision.min_net_edge_bps",
    domain=(-math.inf, math.inf),
)
