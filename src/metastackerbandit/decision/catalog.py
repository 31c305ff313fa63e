"""The gates of data and opinion, in the order in which they are asked."""

from __future__ import annotations

from metastackerbandit.decision.gates import alignment, alpha, asleep, complete, familiar, fresh, funding, model, net_edge, on_fire, posterior, warm
from metastackerbandit.domain.gate import GateSpec

GATES: tuple[GateSpec, ...] = (
    complete.GATE,
    fresh.GATE,
    warm.GATE,
    model.GATE,
    familiar.GATE,
    alpha.GATE,
    net_edge.GATE,
    alignment.GATE,
    posterior.GATE,
    asleep.GATE,
    on_fire.GATE,
    funding.GATE,
)
