"""Is the model as often right as it says?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.evaluation.betting import BETS, bet_log, bet_step
from metastackerbandit.evaluation.monitors.matured import LEAST_OUTCOMES
from metastackerbandit.evaluation.monitors.spec import MATURED, Context, Figures, MonitorSpec, unavailable
from metastackerbandit.evaluation.shares import evidence


class Overconfidence(Struct, frozen=True):
    """Outcomes that do not overlap, the sum of their gaps, the end of the last one's label, the most evidence."""

    outcomes: int
    free_ns: int
    total: float
    most: float


@kernel
def matured(state: Any, memory: Any, book: Any, limits: Any, outcome: Any) -> None:
    """Bet that the largest probability exceeds the hit rate, on outcomes whose labels do not overlap."""
    if outcome.closed_ns < state.free_ns:
        return
    state.free_ns = outcome.at_ns
    best = max(outcome.p_up, outcome.p_down)
    hit = 0.0
    if outcome.p_flat > best:
        best = outcome.p_flat
        hit = 1.0 if outcome.side == FLAT else 0.0
    elif outcome.p_up > outcome.p_down:
        hit = 1.0 if outcome.side == UP else 0.0
    elif outcome.p_down > outcome.p_up:
        hit = 1.0 if outcome.side == DOWN else 0.0
    else:
        hit = 0.5 if outcome.side != FLAT else 0.0
    state.outcomes += 1
    state.total += best - hit
    bet_step(memory, best - hit)
    state.most = max(state.most, bet_log(memory, 0))


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The mean gap; it alarms only with evidence that it is above 0."""
    if state.outcomes < LEAST_OUTCOMES:
        return unavailable(limits.gap_warn, state.outcomes)
    gap = state.total / state.outcomes
    sure = evidence(state.most)
    if gap >= limits.gap_halt and sure >= limits.halt_evidence:
        return gap, limits.gap_halt, 2, state.outcomes
    if gap >= limits.gap_warn and sure >= limits.warn_evidence:
        return gap, limits.gap_warn, 1, state.outcomes
    return gap, limits.gap_warn, 0, state.outcomes


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The gap, and the evidence for it."""
    gap, sure = float(state.total) / max(int(state.outcomes), 1), float(evidence(state.most))
    text = f"says {gap:+.3f} more than it hits, over {int(state.outcomes):,} outcomes that do not overlap (e-value {sure:.3g})"
    return text, {"gap": gap, "outcomes": int(state.outcomes), "e_value": sure}


MONITOR = MonitorSpec(
    name="overconfidence",
    question="Is the model as often right as it says?",
    statistic="mean largest probability less hit rate over outcomes that do not overlap, with a betting e-value that it is above 0",
    null="outputs are calibrated, or timid",
    unit="probability",
    warn="gap_warn",
    halt="gap_halt",
    false_alarm_rate=0.05,
    rate_by="Ville's bound of 1/20, at any time",
    counts="independent outcome",
    needs=("predictions", "outcomes"),
    missing="fewer than 30 outcomes of predictions are known",
    state=Overconfidence,
    memory=lambda gates: BETS,
    hears=((MATURED, matured),),
    read=read,
    told=told,
)
