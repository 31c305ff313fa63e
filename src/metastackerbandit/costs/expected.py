"""What holding a position is expected to cost before it is taken, in basis points of its notional."""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import HOUR_NS

FUNDING_NS = 8 * HOUR_NS  # the usual interval of perpetuals; venues that settle more often charge less each time


@kernel
def expected_funding(funding_bps: float, side: int, hold_ns: int) -> float:
    """Settlements over the hold at the last rate, bps; negative when the side receives."""
    return side * funding_bps * (hold_ns / FUNDING_NS)
