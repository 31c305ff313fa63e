"""Signal: the model leans far enough to the side (the plans' S_MIN)."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked, of_wanted
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Lead of the side over the other. N/A for rule arms, silent models, and where no side is wanted."""
    limit = of_wanted(seen.side, limits.min_signal_buy, limits.min_signal_sell)
    if seen.has_model == 0 or seen.silence != 0 or seen.side == 0:
        return not_asked(limit)
    return at_least(seen.p_with - seen.p_against, limit)


GATE = GateSpec(
    "signal",
    "probability",
    "at least",
    "opinion",
    "lead of the side over the other",
    ask,
    setting="decision.min_model_signal",
    by_side=True,
    domain=(-1.0, 1.0),
    off=0.0,
)
