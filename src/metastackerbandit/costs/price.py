"""What a taker pays: the reference price made worse by spread, slippage and impact, rounded to a tick against us."""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import rate_up


@kernel
def taken_at(reference: int, side: int, rate: int) -> int:
    """Ticks paid (side +1) or received (-1) for `rate` (1e-8) of cost on `reference` ticks; at least one tick."""
    worse = rate_up(reference, rate)
    if side > 0:
        return reference + worse
    return max(reference - worse, 1)
