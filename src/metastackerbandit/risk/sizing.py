"""The one sizing formula, and the caps behind it.

target = side x share x alpha x min(volatility target / forecast volatility, fractional Kelly) x drawdown scale x correlation scale, then caps
(caps.py); or a fixed size. The model rung's multiplier is in alpha; a rule arm has no estimate of its edge, and no Kelly bound. The correlation
scale splits the account among its books (engine/portfolio.py); a share is 1 where nobody named one.
"""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel

BY_VOLATILITY, BY_FRACTION, BY_NOTIONAL, BY_QUANTITY = 0, 1, 2, 3
UNKNOWN_SIZE = -1
SPOT_MOST = 0.98  # of equity: spot pays in full, and costs and a gap must fit beside the purchase


@kernel
def drawdown_scale(drawdown: float, most: float, least: float) -> float:
    """1 at the peak, falling towards 0 at the largest drawdown allowed (Grossman and Zhou 1993), but never below `least`: docs/decisions/0010."""
    return min(max(1.0 - drawdown / most, least), 1.0)


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

    `share` is the book's part of the account, `lot_money` the money of one lot at the price, `target` and `volatility`
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
        if alpha == 0.0 or kelly == 0.0:
            return 0
        money = share * alpha * min(target / volatility, kelly) * scale * equity
    wanted = money / lot_money
    if not wanted > 0.0:
        return 0
    return int(min(wanted, 4e18))
