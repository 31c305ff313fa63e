"""Alignment: the frames together leave something of the position."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Share of the size that the other frames leave. N/A unless several frames are aligned."""
    if seen.has_frames == 0:
        return not_asked(limits.min_alignment)
    return at_least(seen.alignment, limits.min_alignment)


GATE = GateSpec(
    "alignment",
    "share",
    "at least",
    "opinion",
    "share of the size that the other frames leave",
    ask,
    setting="decision.min_alignment",
    domain=(0.0, 1.0),
)
