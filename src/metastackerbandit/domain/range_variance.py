"""The variance of one bar from its range: three estimators in squared log prices, for labels and features alike."""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel

_FOUR_LN2 = 4.0 * math.log(2.0)
_TWO_LN2_LESS_1 = 2.0 * math.log(2.0) - 1.0


@kernel
def parkinson(high: float, low: float) -> float:
    """ln(H/L)^2 / (4 ln 2), for a walk without drift (Parkinson 1980, eq. 4)."""
    span = math.log(high / low)
    return span * span / _FOUR_LN2


@kernel
def garman_klass(open_: float, high: float, low: float, close: float) -> float:
    """ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2, for a walk without drift (Garman and Klass 1980)."""
    span = math.log(high / low)
    move = math.log(close / open_)
    return 0.5 * span * span - _TWO_LN2_LESS_1 * move * move


@kernel
def rogers_satchell(open_: float, high: float, low: float, close: float) -> float:
    """ln(H/C) ln(H/O) + ln(L/C) ln(L/O), whatever the drift (Rogers and Satchell 1991); never negative."""
    return math.log(high / close) * math.log(high / open_) + math.log(low / close) * math.log(low / open_)
