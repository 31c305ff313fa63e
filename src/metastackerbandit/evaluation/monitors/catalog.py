"""Every monitor there is; a new one is a file and a line here."""

from __future__ import annotations

from metastackerbandit.evaluation.monitors import (
    burst,
    collapse,
    confidence,
    dead_input,
    drift,
    execution_side,
    frozen_price,
    gate_symmetry,
    guard_coverage,
    missed_trades,
    model_side,
    no_information,
    overconfidence,
    same_output,
    same_side_run,
    silence,
    skill,
    stale_input,
    twin_arms,
    two_books,
    win_rate,
)
from metastackerbandit.evaluation.monitors.spec import MonitorSpec

MONITORS: tuple[MonitorSpec, ...] = (
    execution_side.MONITOR,
    gate_symmetry.MONITOR,
    guard_coverage.MONITOR,
    missed_trades.MONITOR,
    silence.MONITOR,
    burst.MONITOR,
    model_side.MONITOR,
    same_side_run.MONITOR,
    collapse.MONITOR,
    no_information.MONITOR,
    same_output.MONITOR,
    drift.MONITOR,
    confidence.MONITOR,
    overconfidence.MONITOR,
    skill.MONITOR,
    twin_arms.MONITOR,
    stale_input.MONITOR,
    frozen_price.MONITOR,
    dead_input.MONITOR,
    win_rate.MONITOR,
    two_books.MONITOR,
)
NAMES: tuple[str, ...] = tuple(monitor.name for monitor in MONITORS)
