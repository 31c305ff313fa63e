"""The rule arms there are; a new one is a file and a line here (and its table in settings)."""

from __future__ import annotations

from metastackerbandit.stacking.arm import ArmSpec
from metastackerbandit.stacking.arms import book_pressure, breakout, buy_and_hold, ema_cross, momentum, random_entries, reversal, sma_cross

ARMS: tuple[ArmSpec, ...] = (
    sma_cross.ARM,
    ema_cross.ARM,
    breakout.ARM,
    momentum.ARM,
    reversal.ARM,
    buy_and_hold.ARM,
    random_entries.ARM,
    book_pressure.ARM,
)
