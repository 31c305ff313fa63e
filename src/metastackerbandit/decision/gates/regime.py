"""Regime: new risk is taken in this context."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """1 in an allowed context, 0 in another. N/A where all are allowed; UNKNOWN until volatility is known."""
    if limits.asks_regime == 0:
        return not_asked(1.0)
    return at_least(seen.regime_allowed, 1.0)


GATE = GateSpec(
    "regime",
    "allowed",
    "at least",
    "opinion",
    "1 where volatility tercile and trend are an allowed context",
    ask,
    states=("NOT_ALLOWED",),
    domain=(0.0, 1.0),
)
