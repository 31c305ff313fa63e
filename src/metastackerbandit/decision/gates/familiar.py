"""Familiar: the inputs are not unlike everything in the model's calibration."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Conformal credibility of the prediction. N/A for rule arms and silent models."""
    if seen.has_model == 0 or seen.silence != 0:
        return not_asked(limits.min_credibility)
    return at_least(seen.credibility, limits.min_credibility)


GATE = GateSpec(
    "familiar",
    "p-value",
    "at least",
    "opinion",
    "conformal credibility of the prediction",
    ask,
    setting="decision.min_credibility",
    domain=(0.0, 1.0),
)
