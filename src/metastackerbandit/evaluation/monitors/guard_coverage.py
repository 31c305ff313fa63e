"""Does every gate have data, and does it ever let anything pass? (A spread guard that never saw a spread: pain A07.)"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, reaching, unavailable

COLUMNS = 8  # a gate: answered, when last (ns), asked about new risk, unknown, blocked, passed; first number observed, whether another was
LEAST_ASKS = 50  # about new risk, until which nothing is said of a gate: one that passes a tenth blocks 50 in a row once in 200 times


class GuardCoverage(Struct, frozen=True):
    """Decisions, those that asked for new risk, and the gates that are unfit."""

    decisions: int
    asks: int
    unfit: int


@kernel
def is_unfit(memory: Any, at: int) -> bool:
    """Whether a gate that was asked often enough never had data, or never let anything pass."""
    asked = memory[at + 2]
    return asked >= LEAST_ASKS and (memory[at + 3] == asked or memory[at + 5] == 0.0)


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Count what each gate answered; verdicts bind, and so count, where new risk is asked for."""
    state.decisions += 1
    asks = row.asks_risk != 0
    state.asks += 1 if asks else 0
    unfit = 0
    for g in range(len(verdict)):
        at = g * COLUMNS
        if verdict[g] != NA:
            if memory[at] == 0.0:
                memory[at + 6] = observed[g]
            elif observed[g] != memory[at + 6] and observed[g] == observed[g]:
                memory[at + 7] = 1.0
            memory[at] += 1.0
            memory[at + 1] = float(row.at_ns)
            if asks:
                memory[at + 2] += 1.0
                memory[at + 3] += 1.0 if verdict[g] == UNKNOWN else 0.0
                memory[at + 4] += 1.0 if verdict[g] == BLOCK else 0.0
                memory[at + 5] += 1.0 if verdict[g] == PASS else 0.0
        if is_unfit(memory, at):
            unfit += 1
    state.unfit = unfit


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Unfit gates."""
    if state.asks < LEAST_ASKS:
        return unavailable(limits.unfit_warn, state.asks)
    return reaching(float(state.unfit), limits.unfit_warn, float("inf"), state.asks)


def gate_figures(memory: Any, gates: tuple[str, ...]) -> dict[str, Figures]:
    """Every gate's counts; `last_ns` is 0 for one that was never asked."""
    table = np.reshape(memory[: len(gates) * COLUMNS], (len(gates), COLUMNS))
    names = ("answered", "last_ns", "asked", "unknown", "blocked", "passed")
    found: dict[str, Figures] = {gate: {name: int(table[g, k]) for k, name in enumerate(names)} for g, gate in enumerate(gates)}
    for g, gate in enumerate(gates):
        found[gate]["varies"] = bool(table[g, 7])
    return found


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Gates without data, gates that pass nothing, gates that stop nothing, gates that cannot be asked."""
    found = gate_figures(memory, context.gates)
    groups = {
        "never had data": [gate for gate, row in found.items() if row["asked"] >= LEAST_ASKS and row["unknown"] == row["asked"]],
        "let nothing pass": [gate for gate, row in found.items() if row["asked"] >= LEAST_ASKS and row["passed"] == 0 < row["blocked"]],
        "stopped nothing": [gate for gate, row in found.items() if row["asked"] and row["passed"] == row["asked"]],
        "could not be asked": [gate for gate, row in found.items() if not row["answered"]],
    }
    words = [f"{what}: {', '.join(gates)}" for what, gates in groups.items() if gates]
    partly = [f"{gate} {row['unknown']:,} of {row['asked']:,}" for gate, row in found.items() if 0 < row["unknown"] < row["asked"]]
    if partly:
        words.append(f"sometimes without data: {', '.join(partly)}")
    figures = {what.replace(" ", "_"): gates for what, gates in groups.items()}
    return "; ".join(words) or "every gate had data, passed some and stopped some", {"asks": int(state.asks), **figures, "gates": found}


MONITOR = MonitorSpec(
    name="guard_coverage",
    question="Does every gate have data, and let something pass?",
    statistic="gates that were without data, or let nothing pass, at every one of 50 and more asks for new risk",
    null="each gate has data, and passes a tenth or more",
    unit="gates",
    warn="unfit_warn",
    false_alarm_rate=0.005,
    rate_of="a gate",
    rate_by="0.9^50 for a gate that passes a tenth of independent asks",
    counts="ask for new risk",
    needs=("decisions",),
    missing="fewer than 50 decisions asked for new risk",
    state=GuardCoverage,
    memory=lambda gates: COLUMNS * gates,
    hears=((DECISION, decided),),
    read=read,
    told=told,
)
