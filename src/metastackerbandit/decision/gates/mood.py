"""Mood: it is known, and strong enough where a neutral one may not be overruled (the plans' M_MIN)."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Size of the mood, whatever its sign. N/A without a mood series; UNKNOWN while the last one is too old.

    A neutral mood stops nothing where the model may go alone: the limit is then 0.
    """
    limit = 0.0 if limits.neutral_mood_passes != 0 else limits.min_mood
    if limits.has_mood == 0:
        return not_asked(limit)
    return at_least(abs(seen.mood), limit)


GATE = GateSpec("mood", "z", "at least", "opinion", "size of the mood, whatever its sign", ask, setting="decision.min_mood", domain=(0.0, math.inf))
