"""Last-return reversal: against the last bar's return when it was large enough, else flat."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared
from metastackerbandit.stacking.settings import Reversal

# memory: 0 last close; reals: 0 smallest return, bps


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Advance by one closed bar; 0 at the first."""
    before = memory[0]
    memory[0] = close
    if before == 0:
        return 0
    moved_bps = (close - before) * 10_000.0 / before
    if moved_bps > 0.0 and moved_bps >= reals[0]:
        return -1
    if moved_bps < 0.0 and -moved_bps >= reals[0]:
        return 1
    return 0


@kernel
def mirror(memory: Any, reals: Any) -> int:
    """About the last close, so that the next return turns its sign and keeps its size."""
    return 2 * memory[0]


def prepare(settings: Reversal, max_ticks: int) -> Prepared:
    """One close."""
    return prepared([0], 0, [settings.min_return_bps], 2)


ARM = ArmSpec("reversal", prepare, step, "against the last bar's return", mirror)
