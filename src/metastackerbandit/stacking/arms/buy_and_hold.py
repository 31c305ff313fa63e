"""Buy and hold: long, always."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared
from metastackerbandit.stacking.settings import BuyAndHold


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Long."""
    return 1


def prepare(settings: BuyAndHold, max_ticks: int) -> Prepared:
    """Nothing to remember."""
    return prepared([0], 0, [], 1)


ARM = ArmSpec("buy_and_hold", prepare, step, "long, always")
