"""Worth: the meta-label finds this call worth acting on."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.decision.derived import effective, least_worth
from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Chance that the proposed trade ends above its costs. N/A for rule arms, where no side is wanted, and for versions without a meta-label.

    The limit is the stricter of what is written and of the chance at which a trade pays.
    """
    if seen.has_model == 0 or seen.silence != 0 or seen.side == 0 or math.isnan(seen.worth):
        return not_asked(limits.min_worth)
    return at_least(seen.worth, effective(limits.min_worth, least_worth(limits.cost_bps, seen.barrier_bps), limits.alone))


GATE = GateSpec(
    "worth",
    "probability",
    "at least",
    "opinion",
    "chance that the proposed trade ends above its costs",
    ask,
    setting="decision.min_worth",
    domain=(0.0, 1.0),
)
