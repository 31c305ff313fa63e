"""The chance that a Student-t variable is at most t, as a kernel: regularised incomplete beta by its continued fraction.

Sources: DLMF 8.17.22 (continued fraction), 5.11.1 (Stirling's series), evaluated by Lentz's method.
"""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel

_HALF_LOG_PI = 0.5723649429247001  # ln(pi) / 2
_ASYMPTOTIC = 12.0  # from here Stirling's series to the ninth power is exact to double precision
_MOST_TERMS = 2_000  # of the fraction; about sqrt(degrees of freedom) are needed
_EXACT = 1e-15  # relative change at which the fraction has converged
_TINY = 1e-300  # stands for a zero denominator in Lentz's method


@kernel
def stirling(a: float) -> float:
    """What Stirling's formula leaves out of ln gamma(a), for a >= 12."""
    inverse = 1.0 / a
    square = inverse * inverse
    return inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))))


@kernel
def log_beta_half(a: float) -> float:
    """ln B(a, 1/2) for a > 0, as a difference of logarithms of gamma that loses no digits where a is large."""
    shift = 0.0
    while a < _ASYMPTOTIC:
        shift += math.log((a + 0.5) / a)
        a += 1.0
    rise = a * math.log1p(0.5 / a) + 0.5 * math.log(a) - 0.5 + stirling(a + 0.5) - stirling(a)  # ln gamma(a + 1/2) - ln gamma(a)
    return _HALF_LOG_PI - rise + shift


@kernel
def beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of I_x(a, b), which converges fast for x < (a + 1) / (a + b + 2)."""
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    fraction = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d = 1.0 + even * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + even / c
        c = c if abs(c) > _TINY else _TINY
        fraction *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 + odd * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + odd / c
        c = c if abs(c) > _TINY else _TINY
        step = d * c
        fraction *= step
        if abs(step - 1.0) < _EXACT:
            break
    return fraction


@kernel
def student_chance(t: float, freedom: float) -> float:
    """P(T <= t) for Student's t with `freedom` > 0 degrees; absolute error below 1e-12; NaN for NaN."""
    if math.isnan(t) or math.isnan(freedom):
        return math.nan
    if math.isinf(t):
        return 1.0 if t > 0.0 else 0.0
    ratio = t * t / freedom
    if ratio == 0.0:
        return 0.5
    a = 0.5 * freedom
    near = ratio / (1.0 + ratio)
    far = 1.0 / (1.0 + ratio)
    front = math.exp(0.5 * math.log(near) - a * math.log1p(ratio) - log_beta_half(a))
    if far < (a + 1.0) / (a + 2.5):
        tail = 0.5 * front * beta_fraction(a, 0.5, far) / a
    else:
        tail = 0.5 - front * beta_fraction(0.5, a, near)
    return 1.0 - tail if t > 0.0 else tail
