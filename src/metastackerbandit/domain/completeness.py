"""How complete a reader's blocks are: the mean of what each has of the frames that it needs."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel


@kernel
def share_of(frames: int, required: int) -> float:
    """min(1, frames / required); 1 where nothing is required."""
    return 1.0 if frames >= required else frames / required


@kernel
def completeness_of(frames: Any, required: Any) -> float:
    """Mean over blocks (B,) of min(1, frames / required); a block that needs nothing is whole."""
    if len(required) == 0:
        return 1.0
    total = 0.0
    for b in range(len(required)):
        total += share_of(frames[b], required[b])
    return total / len(required)
