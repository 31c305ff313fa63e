"""What a fill's fee is in money of the quote currency: exact where it is paid in it, by the fill's own price where it is paid in the base coin.

A fee in any other coin cannot be priced by the fill: it is not booked, and stands as a difference in that coin.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import money_digits

_EXACT = Context(prec=60)  # digits: a venue's amounts have some thirty at most


def fee_money(fee: Decimal, asset: str, price: Decimal, one: Instrument) -> int | None:
    """Money units, rounded up (against us), below zero for a rebate; None for a fee in another coin than base and quote. No fee is no asset."""
    if fee == 0:
        return 0
    if asset not in (one.quote, one.base):
        return None
    paid = fee if asset == one.quote else _EXACT.multiply(fee, price)
    return int(_EXACT.scaleb(paid, money_digits(one.quote)).to_integral_value(ROUND_CEILING))


def nearest_tick(price: Decimal, side: int, one: Instrument) -> int:
    """A price between two ticks as the one that is worse for us: the higher for a buyer (side +1), the lower for a seller."""
    steps = _EXACT.divide(price, Decimal(one.tick_size))
    return max(int(side * (side * steps).to_integral_value(ROUND_CEILING)), 1)
