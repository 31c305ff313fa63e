"""Reals as whole numbers of a small step, so that a sum to which we add and from which we drop stays exact for ever.

A float sum drifts and depends on where it started; an integer one does neither, and its bits are the same in a batch, in a
stream and after a restart. Rounding is half to even, hence odd: the fixed of -x is minus the fixed of x.
"""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel

LOG_STEP = 2.0**-44  # of log prices, 6e-14: 48 logs of prices to 1e18 ticks, weighted 0..47, stay below 2^60
MOVE_STEP = 2.0**-52  # of absolute log returns, 2e-16: 48 moves of a factor e^8 stay below 2^61
POWER_STEP = 2.0**-58  # of returns and their products, 3e-18: 48 returns of LARGEST_MOVE stay below 2^63
LARGEST_MOVE = 0.5  # log return beyond which powers count as this much: a fall of 39 % or a rise of 65 % in one bar

_LOGS = 2.0**44
_MOVES = 2.0**52
_POWERS = 2.0**58


@kernel
def fixed_log(log_price: float) -> int:
    """A log price in LOG_STEPs."""
    return round(log_price * _LOGS)


@kernel
def fixed_move(move: float) -> int:
    """An absolute log return in MOVE_STEPs, at most e^8."""
    return round(min(move, 8.0) * _MOVES)


@kernel
def fixed_power(power: float) -> int:
    """A return of at most LARGEST_MOVE, or a product of such, in POWER_STEPs."""
    return round(power * _POWERS)


@kernel
def limited(move: float) -> float:
    """A log return within +-LARGEST_MOVE."""
    return min(max(move, -LARGEST_MOVE), LARGEST_MOVE)
