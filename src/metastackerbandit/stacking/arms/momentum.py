"""Time-series momentum: the sign of the return over a look-back (Moskowitz, Ooi and Pedersen 2012)."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared
from metastackerbandit.stacking.settings import Momentum

# memory: 0 length, 1 seen, 2 slot, 3.. ring of `length` closes


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Advance by one closed bar; 0 until `length` + 1 closes were seen, and at an unchanged price."""
    length = memory[0]
    slot = memory[2]
    before = memory[3 + slot]
    memory[3 + slot] = close
    memory[2] = slot + 1 if slot + 1 < length else 0
    memory[1] += 1
    if memory[1] <= length or close == before:
        return 0
    return 1 if close > before else -1


@kernel
def mirror(memory: Any, reals: Any) -> int:
    """Closes about zero."""
    for place in range(3, len(memory)):
        memory[place] = -memory[place]
    return 0


def prepare(settings: Momentum, max_ticks: int) -> Prepared:
    """Memory for the look-back."""
    return prepared([settings.length, 0, 0], settings.length, [], settings.length + 1)


ARM = ArmSpec("momentum", prepare, step, "sign of the return over the look-back", mirror)
