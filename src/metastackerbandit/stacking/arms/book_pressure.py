"""Book pressure: with the side of the order book on which more rests near the best prices, averaged over seconds (Gould and Bonart 2016)."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared
from metastackerbandit.stacking.settings import BookPressure

# memory: 0 the newest second heard; reals: 0 smallest imbalance, 1 what a second leaves of the sums, 2 imbalances (-1 .. 1) by weight, 3 their weight


@kernel
def hears(memory: Any, reals: Any, second: Any) -> None:
    """A second's imbalance of the ten best levels; a second without a trusted book, or one that is missing, lets go of the average."""
    if second.second != memory[0] + 1 or second.is_trusted == 0:
        reals[2] = 0.0
        reals[3] = 0.0
    memory[0] = second.second
    total = second.bid_depth_10 + second.ask_depth_10
    if second.is_trusted != 0 and total > 0.0:
        imbalance = (second.bid_depth_10 - second.ask_depth_10) / total
        reals[2] = reals[1] * reals[2] + (1.0 - reals[1]) * imbalance
        reals[3] = reals[1] * reals[3] + (1.0 - reals[1])


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """The side of the average where it is large enough, else flat; flat too until seconds of half its weight were heard."""
    if not reals[3] > 0.5:
        return 0
    average = reals[2] / reals[3]
    if average >= reals[0]:
        return 1
    if average <= -reals[0]:
        return -1
    return 0


@kernel
def mirror(memory: Any, reals: Any) -> int:
    """What was bid is asked; prices it does not look at."""
    reals[2] = -reals[2]
    return 0


def prepare(settings: BookPressure, max_ticks: int) -> Prepared:
    """An average that has heard nothing."""
    return prepared([0], 0, [settings.min_imbalance, math.exp(-math.log(2.0) / settings.half_life_s), 0.0, 0.0], 1)


ARM = ArmSpec("book_pressure", prepare, step, "with the heavier side of the order book", mirror, hears)
