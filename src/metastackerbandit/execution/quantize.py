"""The last word on an order: the nearest legal quantity towards zero, or none; never rounded up."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel


@kernel
def least_lots(price: int, rules: Any) -> int:
    """The smallest quantity that may be sent at `price` ticks: minimum quantity and minimum notional."""
    lot_money = price * rules.unit
    by_notional = (rules.min_notional + lot_money - 1) // lot_money
    return max(rules.min_lots, by_notional)


@kernel
def legal_lots(lots: int, price: int, rules: Any, reduces: bool) -> int:
    """Signed lots -> signed legal lots: cut to the maximum, nothing below the minimum.

    Reductions of a perp are free of the minimum notional (venues accept them as reduce-only); on spot they are not.
    """
    size = min(abs(lots), rules.max_lots)
    least = rules.min_lots if reduces and rules.is_spot == 0 else least_lots(price, rules)
    if size < least:
        return 0
    return size if lots > 0 else -size
