"""Kill switch and pause: the operator lets the engine take risk."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """1 while paused, 2 after a kill."""
    return at_most(seen.stopped, 0.0)


GATE = GateSpec("operator", "", "at most", "safety", "1 while paused, 2 after a kill", ask, states=("", "PAUSED", "KILLED"), domain=(0.0, 2.0))
