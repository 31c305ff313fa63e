"""New signal: after a stop, target or time exit the same signal is not bought again."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """1 when the arm's signal changed since a protective exit on this side. N/A when no new risk is asked."""
    if seen.asks == 0:
        return not_asked(1.0)
    return at_least(seen.is_new_signal, 1.0)


GATE = GateSpec(
    "new_signal",
    "signals",
    "at least",
    "safety",
    "1 when the arm's signal changed since a protective exit on this side",
    ask,
    states=("SPENT",),
    domain=(0.0, 1.0),
)
