"""The gates of risk, in the order in which they are asked."""

from __future__ import annotations

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.risk.gates import daily_loss, drawdown, gross, kill

EXPOSURE: tuple[GateSpec, ...] = (gross.GATE,)
BREAKERS: tuple[GateSpec, ...] = (daily_loss.GATE, drawdown.GATE, kill.GATE)
