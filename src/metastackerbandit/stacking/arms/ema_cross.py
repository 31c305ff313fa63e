"""EMA cross: long while the fast exponential average of closes is above the slow one, short while below."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared, refuse_crossed
from metastackerbandit.stacking.settings import EmaCross

# memory: 0 slow, 1 seen, 2 side; reals: 0 fast weight, 1 slow weight, 2 fast mean, 3 slow mean


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Advance by one closed bar; both averages start at the first close; 0 until `slow` bars were seen."""
    seen = memory[1] + 1
    memory[1] = seen
    if seen == 1:
        reals[2] = close
        reals[3] = close
    else:
        reals[2] += reals[0] * (close - reals[2])
        reals[3] += reals[1] * (close - reals[3])
    if seen < memory[0]:
        return 0
    if reals[2] > reals[3]:
        memory[2] = 1
    elif reals[2] < reals[3]:
        memory[2] = -1
    return memory[2]


@kernel
def mirror(memory: Any, reals: Any) -> int:
    """Averages about zero, where turning the sign is exact."""
    memory[2] = -memory[2]
    reals[2] = -reals[2]
    reals[3] = -reals[3]
    return 0


def prepare(settings: EmaCross, max_ticks: int) -> Prepared:
    """Weights 2 / (length + 1)."""
    refuse_crossed("ema_cross", settings.fast, settings.slow)
    return prepared([settings.slow, 0, 0], 0, [2.0 / (settings.fast + 1), 2.0 / (settings.slow + 1), 0.0, 0.0], settings.slow)


ARM = ArmSpec("ema_cross", prepare, step, "fast exponential average of closes against the slow one", mirror)
