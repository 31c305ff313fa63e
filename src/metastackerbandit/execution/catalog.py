"""The gates of execution, in the order in which they are asked; risk's exposure stands between volume and legality."""

from __future__ import annotations

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.execution.gates import change, cooldown, day_participation, flip_gap, impact, legal, new_signal, orders, participation

BEFORE_EXPOSURE: tuple[GateSpec, ...] = (
    cooldown.GATE,
    flip_gap.GATE,
    new_signal.GATE,
    change.GATE,
    impact.GATE,
    orders.GATE,
    participation.GATE,
    day_participation.GATE,
)
AFTER_EXPOSURE: tuple[GateSpec, ...] = (legal.GATE,)
