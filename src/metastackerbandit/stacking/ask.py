"""One kernel that asks any arm of the catalog, written from it."""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel, written
from metastackerbandit.stacking.catalog import ARMS

_SOURCE = "def ask_arm(arm, memory, reals, high, low, close):\n" + "".join(
    f"    if arm == {place}:\n        return {arm.name}(memory, reals, high, low, close)\n" for place, arm in enumerate(ARMS)
)

ask_arm = kernel(written("ask_arm", _SOURCE + "    return 0\n", {arm.name: arm.step for arm in ARMS}, __name__))
"""ask_arm(arm, memory, reals, high, low, close) -> target of the arm at that place in the catalog."""
