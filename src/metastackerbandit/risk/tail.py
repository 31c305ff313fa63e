"""The tail of losses: value at risk and expected shortfall of a sample, and of the normal law.

Losses are positive. Value at risk at a level is the loss that is exceeded with chance 1 - level at most; expected shortfall is the mean of
the worst 1 - level of all losses, a fraction of an observation counted as such, which makes it coherent (Acerbi and Tasche 2002, "On the
coherence of expected shortfall", Proposition 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORMAL = NormalDist()
_DIGITS = 9  # of the number of observations in a tail: 1000 x (1 - 0.99) is ten, not 10.000000000000009


class Tail(Struct, frozen=True):
    """Value at risk and expected shortfall, in the unit of the losses; negative where even the tail gains."""

    value_at_risk: float
    shortfall: float


def beyond(count: int, level: float) -> float:
    """How many of `count` observations lie in the tail beyond the level."""
    return round(count * (1.0 - level), _DIGITS)


def tail_of(losses: Floats, level: float) -> Tail:
    """The tail of losses (N,) at a level in (0, 1); N >= 1."""
    return tails_of(losses, (level,))[0]


def tails_of(losses: Floats, levels: Sequence[float]) -> list[Tail]:
    """The tails of losses (N,) at several levels; only the worst few are put in order."""
    count = len(losses)
    few = min(math.floor(beyond(count, min(levels))) + 1, count)
    worst = np.sort(np.partition(losses, count - few)[count - few :])[::-1]
    return [tail_of_ordered(worst, level, count) for level in levels]


def tail_of_ordered(worst: Floats, level: float, count: int) -> Tail:
    """The tail of `count` losses from the worst of them, the worst first, as many as lie in the tail and one more."""
    inside = beyond(count, level)
    whole = min(int(inside), count - 1)
    edge = float(worst[whole])
    if not inside > 0.0:
        return Tail(edge, edge)
    mean = (float(worst[:whole].sum()) + (inside - whole) * edge) / inside
    return Tail(edge, max(mean, edge))  # rounding may not put the mean of a tail below its edge


def normal_tail(deviation: float, level: float) -> Tail:
    """The tail of a normal loss about zero: z sigma, and phi(z) sigma / (1 - level) (McNeil, Frey and Embrechts 2015, Example 2.14)."""
    z = NORMAL.inv_cdf(level)
    return Tail(z * deviation, density(z) * deviation / (1.0 - level))


def density(z: float) -> float:
    """The standard normal density."""
    return math.exp(-0.5 * (z * z)) / math.sqrt(2.0 * math.pi)
