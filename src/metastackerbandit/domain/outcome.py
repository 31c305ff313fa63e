"""What becomes of a prediction, as far as whole bars tell: the training label (domain/label.py) without its finer candles."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP


@kernel
def set_barriers(followed: Any, price: int) -> None:
    """The bar after the prediction's begins at `price` ticks: from here the barriers of `followed` are counted.

    `followed` is any record with the distance `barrier` (fraction) and room for `entry` (ticks), `upper` and `lower`.
    """
    followed.entry = price
    followed.upper = price * (1.0 + followed.barrier)
    followed.lower = price * (1.0 - followed.barrier)


@kernel
def truth_of(followed: Any, high: int, low: int, close: int, is_over: bool, terms: Any) -> int:
    """The class (its bit in domain.prediction) that a bar tells, 0 while nothing is told: UP at the upper barrier, DOWN at the lower, FLAT where
    both are touched or costs eat the move; at the end of the horizon the side of a move that is worth its cost.

    `terms` has the round trip's `cost` (fraction), and `flat_share`, the least move that has a side, as a share of the barrier.
    """
    is_up, is_down = high >= followed.upper, low <= followed.lower
    if is_up or is_down:
        if (is_up and is_down) or followed.barrier <= terms.cost:
            return IN_FLAT
        return IN_UP if is_up else IN_DOWN
    if not is_over:
        return 0
    move = (close - followed.entry) / followed.entry
    if abs(move) <= terms.cost or abs(move) < terms.flat_share * followed.barrier:
        return IN_FLAT
    return IN_UP if move > 0.0 else IN_DOWN
