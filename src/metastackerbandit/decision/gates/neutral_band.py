"""Neutral band: the lead of the side is more than costs make meaningless."""

from __future__ import annotations

from typing import Any

from metastackerbandit.decision.derived import STAY, break_even_strength, effective
from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Lead of the side over the other; half of the band is enough where the position is already on that side.

    N/A for rule arms, silent models, and where no side is wanted. The band is the stricter of what is written and of the break-even s*.
    """
    if seen.has_model == 0 or seen.silence != 0 or seen.side == 0:
        return not_asked(limits.neutral_band)
    band = effective(limits.neutral_band, break_even_strength(limits.cost_bps, seen.barrier_bps), limits.alone)
    if seen.held_side == seen.side:
        band = STAY * band
    return at_least(seen.p_with - seen.p_against, band)


GATE = GateSpec(
    "neutral_band",
    "probability",
    "at least",
    "opinion",
    "lead of the side, against the band in which it means nothing",
    ask,
    setting="decision.neutral_band",
    domain=(-1.0, 1.0),
    off=0.0,
)
