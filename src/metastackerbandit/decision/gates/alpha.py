"""Alpha: the opinion's position scale is worth a trade."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, of_wanted
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Position scale of the opinion."""
    return at_least(seen.alpha, of_wanted(seen.side, limits.min_alpha_buy, limits.min_alpha_sell))


GATE = GateSpec(
    "alpha",
    "share",
    "at least",
    "opinion",
    "position scale of the opinion",
    ask,
    setting="decision.min_alpha",
    by_side=True,
    domain=(0.0, 1.0),
)
