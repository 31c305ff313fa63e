"""Random entries: seeded coin flips, a baseline that knows nothing.

The generator is Park and Miller's minimal standard (1988; multiplier 48271), whose products fit 64 bits in any language.
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared
from metastackerbandit.stacking.settings import RandomEntries

# memory: 0 generator state, 1 side; reals: 0 chance of a new draw


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Advance by one closed bar: two draws, one to change and one for the side."""
    changes = memory[0] * 48271 % 2147483647
    side = changes * 48271 % 2147483647
    memory[0] = side
    if memory[1] == 0 or changes < reals[0] * 2147483647.0:
        memory[1] = 1 if side % 2048 < 1024 else -1
    return memory[1]


def prepare(settings: RandomEntries, max_ticks: int) -> Prepared:
    """The seed, stirred so that neighbouring seeds part at once."""
    state = (settings.seed * 2_654_435_761 + 40_503) % 2_147_483_646 + 1
    for _ in range(16):
        state = state * 48271 % 2147483647
    return prepared([state, 0], 0, [1.0 / settings.mean_bars], 1)


ARM = ArmSpec("random_entries", prepare, step, "seeded coin flips")
