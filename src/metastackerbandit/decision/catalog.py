"""The gates of data and opinion, in the order in which they are asked."""

from __future__ import annotations

from metastackerbandit.decision.gates import alpha, asleep, complete, fresh, funding, on_fire, warm
from metastackerbandit.domain.gate import GateSpec

GATES: tuple[GateSpec, ...] = (complete.GATE, fresh.GATE, warm.GATE, alpha.GATE, asleep.GATE, on_fire.GATE, funding.GATE)
