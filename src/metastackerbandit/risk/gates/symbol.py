"""Symbol exposure: one symbol does not carry the account, whatever its books think."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.risk.caps import kept_under


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """The symbol's notional on the trade's side over all its books, over equity, after this order; N/A where no new risk is asked for."""
    if seen.asks == 0:
        return not_asked(limits.max_symbol_exposure)
    return kept_under(seen.symbol_exposure, limits.max_symbol_exposure, seen.symbol_room, seen.cap_lots)


GATE = GateSpec(
    "symbol_exposure",
    "x equity",
    "at most",
    "safety",
    "the symbol's notional on this side, over its books, after this order",
    ask,
    setting="risk.max_symbol_exposure",
    domain=(0.0, math.inf),
)
