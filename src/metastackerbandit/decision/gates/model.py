"""Model: the one that should answer did, on its own frame, within its time and its card."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.prediction import SILENCE_NAMES


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Why the model is silent, a place in prediction.SILENCES; 0 when it is awake. N/A for rule arms."""
    if seen.has_model == 0:
        return not_asked(0.0)
    return at_most(float(seen.silence), 0.0)


GATE = GateSpec(
    "model",
    "silence",
    "at most",
    "safety",
    "why the model is silent, 0 when it is awake",
    ask,
    states=("", *(f"SILENT_{name}" for name in SILENCE_NAMES[1:])),
    domain=(0.0, math.inf),
)
