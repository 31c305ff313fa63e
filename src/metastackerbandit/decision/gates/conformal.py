"""Conformal: the prediction set excludes the other side; it may hold neutral."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Conformal p-value of the other side: at the level in force or below, that side is outside of the set.

    N/A when not asked for, for rule arms, silent models, and where no side is wanted. The level follows how often sets missed the truth.
    """
    if limits.asks_conformal == 0 or seen.has_model == 0 or seen.silence != 0 or seen.side == 0:
        return not_asked(seen.conformal_level)
    return at_most(seen.p_value_against, seen.conformal_level)


GATE = GateSpec(
    "conformal",
    "p-value",
    "at most",
    "opinion",
    "conformal p-value of the other side",
    ask,
    domain=(0.0, 1.0),
    switch="decision.conformal",
)
