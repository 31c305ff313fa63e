"""How long a run of equal answers chance explains."""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel


@kernel
def longest_run(count: float, chance: float, excess: float) -> float:
    """The run length that `count` answers, each going on with `chance` (0 to 1), pass with probability about e^-excess.

    The longest run lies around ln(n (1 - q)) / -ln q, with an exponential tail of rate -ln q beyond it (Schilling 1990).
    Infinite at a chance of 1.
    """
    if chance >= 1.0:
        return math.inf
    rate = -math.log(max(chance, 1e-12))
    return (math.log(max(count * (1.0 - chance), 1.0)) + excess) / rate
