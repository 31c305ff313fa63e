"""Market impact by the square-root law: (2/3) Y sigma_day sqrt(Q / V_day), the average paid on the way to the peak.

Source: Almgren et al. 2005; Toth et al. 2011; Donier and Bonart 2015 for bitcoin.
"""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel

MOST_IMPACT = 10_000_000  # 10 % of price: beyond it the law says nothing


@kernel
def impact_rate(coefficient: float, daily_volatility: float, participation: float) -> int:
    """1e-8 of price for an order that is `participation` of a day's volume; 0 where either is unknown (NaN)."""
    if coefficient == 0.0 or math.isnan(daily_volatility) or math.isnan(participation):
        return 0
    rate = 2.0 / 3.0 * coefficient * daily_volatility * math.sqrt(participation) * 1e8
    if not rate < MOST_IMPACT:
        return MOST_IMPACT
    return int(rate)
