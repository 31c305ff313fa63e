"""SMA cross: long while the fast average of closes is above the slow one, short while below; as before at equality.

The sums are integers of ticks, so adding and dropping is exact however long the history, and the comparison has no rounding.
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared, refuse_crossed, refuse_inexact
from metastackerbandit.stacking.settings import SmaCross

# memory: 0 fast, 1 slow, 2 seen, 3 slot, 4 fast sum, 5 slow sum, 6 side, 7.. ring of `slow` closes


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Advance by one closed bar; 0 until `slow` bars were seen."""
    fast = memory[0]
    slow = memory[1]
    slot = memory[3]
    seen = memory[2] + 1
    memory[2] = seen
    if seen > fast:
        leaving = slot - fast
        if leaving < 0:
            leaving += slow
        memory[4] -= memory[7 + leaving]
    if seen > slow:
        memory[5] -= memory[7 + slot]
    memory[4] += close
    memory[5] += close
    memory[7 + slot] = close
    slot += 1
    if slot == slow:
        slot = 0
    memory[3] = slot
    if seen < slow:
        return 0
    gap = memory[4] * slow - memory[5] * fast
    if gap > 0:
        memory[6] = 1
    elif gap < 0:
        memory[6] = -1
    return memory[6]


@kernel
def mirror(memory: Any, reals: Any) -> int:
    """Sums and closes about zero: an average is linear."""
    for place in range(4, len(memory)):
        memory[place] = -memory[place]
    return 0


def prepare(settings: SmaCross, max_ticks: int) -> Prepared:
    """Memory for the slow window."""
    refuse_crossed("sma_cross", settings.fast, settings.slow)
    refuse_inexact("sma_cross", settings.fast * settings.slow, max_ticks)
    return prepared([settings.fast, settings.slow, 0, 0, 0, 0, 0], settings.slow, [], settings.slow)


ARM = ArmSpec("sma_cross", prepare, step, "fast average of closes against the slow one", mirror)
