"""Does a gate treat BUY and SELL alike?"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.gate import NA, PASS
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import evidence
from metastackerbandit.evaluation.two_samples import fisher_p, many_log_e, named_by_many, two_samples_log_e

TABLE = 8  # numbers a gate: passed and stopped of thinned BUY and SELL, then the same of all
COLUMNS = TABLE + 1  # and room to sort
THIN = 12  # decisions between two asks of one side that count as two, about the horizon of a label
LEAST_ASKS = 50  # a side, for Fisher's test to be told (method 5.5)
NOTABLE_P = 1e-4  # of Fisher's test: with 40 gates still one in 250


class GateSymmetry(Struct, frozen=True):
    """Asks by side, those that were counted, and the most evidence over all gates."""

    asks_buy: int
    asks_sell: int
    counted_buy: int
    counted_sell: int
    last_side: int
    since: int
    most: float


@kernel
def asked(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Count a decision that asked for new risk under its side, gate by gate; of neighbours on one side only every twelfth is evidence."""
    state.since += 1
    if row.asks_risk == 0 or (row.side != 1 and row.side != -1):
        return
    first = 0 if row.side > 0 else 2
    counts = state.last_side != row.side or state.since >= THIN
    if row.side > 0:
        state.asks_buy += 1
    else:
        state.asks_sell += 1
    gates = len(verdict)
    for g in range(gates):
        if verdict[g] == NA:
            continue
        stopped = 0 if verdict[g] == PASS else 1
        memory[g * TABLE + 4 + first + stopped] += 1.0
        if counts:
            memory[g * TABLE + first + stopped] += 1.0
    if not counts:
        return
    state.last_side = row.side
    state.since = 0
    if row.side > 0:
        state.counted_buy += 1
    else:
        state.counted_sell += 1
    logs = memory[gates * TABLE : gates * COLUMNS]
    count = 0
    for g in range(gates):
        at = g * TABLE
        if memory[at] + memory[at + 1] > 0.0 and memory[at + 2] + memory[at + 3] > 0.0:
            logs[count] = two_samples_log_e(memory[at], memory[at + 1], memory[at + 2], memory[at + 3], limits.prior)
            count += 1
    if count > 0:
        state.most = max(state.most, many_log_e(logs, count))


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The most evidence so far; none before both sides have asked."""
    asks = state.asks_buy + state.asks_sell
    if state.counted_buy == 0 or state.counted_sell == 0:
        return unavailable(limits.warn_evidence, asks)
    return reaching(evidence(state.most), limits.warn_evidence, float("inf"), asks)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The gates that e-BH or Fisher's test names, with what they let pass of each side."""
    count = len(context.gates)
    tables = np.reshape(memory[: count * TABLE], (count, TABLE))
    seen = [g for g in range(count) if tables[g, 0:2].sum() and tables[g, 2:4].sum()]
    logs = np.array([two_samples_log_e(tables[g, 0], tables[g, 1], tables[g, 2], tables[g, 3], context.limits.prior) for g in seen])
    named = {seen[place] for place in named_by_many(logs, 1.0 / context.limits.warn_evidence)}
    figures, words = {}, []
    for place, g in enumerate(seen):
        passed, stopped, other, other_stopped = (int(value) for value in tables[g, 4:])
        p = fisher_p(other, other + other_stopped, passed, passed + stopped)
        is_notable = p < NOTABLE_P and min(passed + stopped, other + other_stopped) >= LEAST_ASKS
        if g not in named and not is_notable:
            continue
        figures[context.gates[g]] = {
            "buy_passed": passed,
            "buy_asked": passed + stopped,
            "sell_passed": other,
            "sell_asked": other + other_stopped,
            "fisher_p": p,
            "e_value": evidence(float(logs[place])),
        }
        sides = f"{passed:,} of {passed + stopped:,} BUY, {other:,} of {other + other_stopped:,} SELL"
        words.append(f"{context.gates[g]} passed {sides} (Fisher p {p:.2g})")
    text = "; ".join(words) or f"no gate parts the sides, of {state.asks_buy:,} BUY and {state.asks_sell:,} SELL that asked"
    return text, {"asked_buy": int(state.asks_buy), "asked_sell": int(state.asks_sell), "named": figures}


MONITOR = MonitorSpec(
    name="gate_symmetry",
    question="Does every gate treat BUY and SELL alike?",
    statistic="two-sample e-value of each gate's pass rate by side (every twelfth ask of a side), the best by e-BH; Fisher's test in words",
    null="each gate passes both sides at one rate",
    unit="e-value",
    warn="warn_evidence",
    false_alarm_rate=0.05,
    rate_by="e-BH at 1/20 over all gates; a gate that reads a one-sided fact, such as funding, parts the sides truly",
    counts="ask for new risk",
    needs=("decisions",),
    missing="new risk has not been asked for on both sides",
    state=GateSymmetry,
    memory=lambda gates: COLUMNS * gates,
    hears=((DECISION, asked),),
    read=read,
    told=told,
)
