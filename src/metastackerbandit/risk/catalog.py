"""The gates of risk, in the order in which they are asked."""

from __future__ import annotations

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.risk.gates import (
    correlated_heat,
    daily_loss,
    data_quality,
    drawdown,
    drift,
    gross,
    heat,
    kill,
    loss_streak,
    net,
    side,
    symbol,
    volatility_spike,
    weekly_loss,
)

EXPOSURE: tuple[GateSpec, ...] = (gross.GATE, symbol.GATE, side.GATE, net.GATE, heat.GATE, correlated_heat.GATE)
BREAKERS: tuple[GateSpec, ...] = (
    daily_loss.GATE,
    weekly_loss.GATE,
    drawdown.GATE,
    loss_streak.GATE,
    volatility_spike.GATE,
    data_quality.GATE,
    drift.GATE,
    kill.GATE,
)
