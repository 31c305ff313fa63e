"""The one sizing formula, and the caps behind it.

target = side x alpha x min(volatility target / forecast volatility, fractional Kelly) x drawdown scale, then caps; or a fixed size.
The model rung's multiplier is in alpha; a rule arm has no estimate of its edge, and no Kelly bound.
"""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel

BY_VOLATILITY, BY_FRACTION, BY_NOTIONAL, BY_QUANTITY = 0, 1, 2, 3
UNKNOWN_SIZE = -1
SPOT_MOST = 0.98  # of equity: spot pays in full, and costs and a gap must fit beside the purchase


@kernel
def drawdown_scale(drawdown: float, most: float) -> float:
    """1 at the peak, 0 at the largest drawdown allowed (Grossman and Zhou 1993)."""
    return min(max(1.0 - drawdown / most, 0.0), 1.0)


@kernel
def wanted_lots(
    mode: int,
    alpha: float,
    share: float,
    equity: int,
    lot_money: int,
    volatility: float,
    target: float,
    fraction: float,
    notional: int,
    lots: int,
    scale: float,
    kelly: float,
) -> int:
    """Size before caps, in lots >= 0; UNKNOWN_SIZE when the volatility it needs is unknown.

    `share` is the symbol's part of the book, `lot_money` the money of one lot at the price, `target` and `volatility`
    fractions a year, `fraction` of equity, `notional` money, `lots` the fixed quantity, `kelly` the most of equity that
    the edge is worth (infinity: no estimate, NaN: unknown). Rounded down.
    """
    if mode == 3:
        return lots
    if mode == 2:
        money = float(notional)
    elif mode == 1:
        money = share * fraction * equity
    else:
        if math.isnan(volatility) or math.isnan(kelly):
            return -1
        money = share * alpha * min(target / volatility, kelly) * scale * equity
    wanted = money / lot_money
    if not wanted > 0.0:
        return 0
    return int(min(wanted, 4e18))


@kernel
def capped_lots(lots: int, equity: int, lot_money: int, max_symbol: float, gross_others: int, max_gross: float, max_lots: int) -> int:
    """At most what the symbol's cap, the account's remaining room and 64-bit money allow."""
    most = min(max_symbol * equity, max_gross * equity - gross_others) / lot_money
    if not most > 0.0:
        return 0
    return min(lots, int(min(most, 4e18)), max_lots)
