"""Posterior: the chosen arm has earned after costs, with enough certainty to enter or to stay."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Chance that the arm's mean net outcome is positive. N/A unless arms are chosen by their posterior."""
    if seen.has_posterior == 0:
        return not_asked(limits.min_chance)
    return at_least(seen.chance, limits.min_chance)


GATE = GateSpec(
    "posterior",
    "probability",
    "at least",
    "opinion",
    "chance that the arm's mean net outcome is positive",
    ask,
    setting="posterior.enter",
    domain=(0.0, 1.0),
)
