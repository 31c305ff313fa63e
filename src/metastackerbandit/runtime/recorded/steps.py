"""Decimals as whole steps: how fine a column's numbers are, and each of them as so many steps, exactly."""

from __future__ import annotations

import numpy as np

MOST_DECIMALS = 12
LAST_BITS = 4 * float(np.finfo(np.float64).eps)  # share of a value by which two floats are the same decimal


def decimals_of(values: np.ndarray) -> int:
    """How many decimals the values (N,) need, NaN aside: the fewest with which each is a decimal; at most 12."""
    left = np.unique(values[np.isfinite(values)])
    for decimals in range(MOST_DECIMALS):
        left = left[~_is_exact(left, decimals)]
        if not len(left):
            return decimals
    return MOST_DECIMALS


def steps_of_values(values: np.ndarray, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (N,) in steps of so many decimals, int64, 0 where there is none; and which (N,) are no such number: NaN, too fine or too large."""
    known = np.isfinite(values) & (np.abs(values) * 10.0**decimals < 2.0**53)
    plain = np.where(known, values, 0.0)
    return np.rint(plain * 10.0**decimals).astype(np.int64), ~known | ~_is_exact(plain, decimals)


def step_text(decimals: int) -> str:
    """The step of so many decimals, such as 0.01."""
    return f"0.{'0' * (decimals - 1)}1" if decimals else "1"


def _is_exact(values: np.ndarray, decimals: int) -> np.ndarray:
    """Which values are a decimal of so many places, but for the last bits: recorders have added and multiplied what they write."""
    scale = 10.0**decimals
    return np.asarray(np.abs(np.rint(values * scale) / scale - values) <= LAST_BITS * np.abs(values))
