"""Decimals as MEXC writes them: plain, or in the short form of Java's decimals, 0E-8 for a zero of eight places and 8.51E-7 for 0.000000851."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.exchanges.json_scan import MISTYPED, read_float, read_integer, read_steps

NO_POWER = -1_000  # what stands behind the E is no power
LARGEST = 9_223_372_036_854_775_807


@kernel
def mantissa_end(text: Any, first: int, end: int) -> int:
    """Where the E of a short form stands in text[first:end], else its end."""
    p = first
    while p < end and text[p] != 69 and text[p] != 101:
        p += 1
    return p


@kernel
def read_power(text: Any, p: int, end: int) -> int:
    """The power of ten behind the E that stands at `p`, one to three digits; NO_POWER where it is none."""
    p += 1
    sign = -1 if p < end and text[p] == 45 else 1
    if p < end and (text[p] == 45 or text[p] == 43):
        p += 1
    if end - p > 3:
        return -1_000
    power = read_integer(text, p, end)
    return sign * power if power >= 0 else -1_000


@kernel
def read_decimal(text: Any, first: int, end: int, decimals: int, step: int, rounds: bool) -> int:
    """The decimal that fills text[first:end] in whole steps as json_scan.read_steps has them; minus the fault otherwise."""
    steps = read_steps(text, first, end, decimals, step, rounds)
    if steps != MISTYPED:
        return steps
    at = mantissa_end(text, first, end)
    power = read_power(text, at, end) if at < end else -1_000
    if power == -1_000:
        return MISTYPED
    shift = decimals + power
    scaled: Any = np.int64(step)
    while shift < 0:  # a step is so many ones of the mantissa
        scaled = scaled * 10 if scaled <= 922_337_203_685_477_580 else np.int64(LARGEST)
        shift += 1
    return read_steps(text, first, at, shift, scaled, rounds)


@kernel
def read_amount(text: Any, first: int, end: int) -> float:
    """The decimal that fills text[first:end], 0 or more, as a float; NaN where it is none."""
    at = mantissa_end(text, first, end)
    value = read_float(text, first, at)
    if at < end:
        power = read_power(text, at, end)
        if power == -1_000:
            return math.nan
        scale = 1.0  # exact up to 1e22, so that one rounding is left
        for _ in range(abs(power)):
            scale *= 10.0
        value = value * scale if power > 0 else value / scale
    return value if 0.0 <= value < math.inf else math.nan
