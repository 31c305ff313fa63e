"""Are the probabilities better than the base rate, or worse?"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.evaluation.betting import BETS, STAKES, bet_log, bet_step
from metastackerbandit.evaluation.monitors.matured import LEAST_OUTCOMES
from metastackerbandit.evaluation.monitors.spec import MATURED, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import evidence

LEAST_P = 1e-9  # probabilities below it count as it


class Skill(Struct, frozen=True):
    """Outcomes that do not overlap, how often each class came, the sum of gains (nats), the end of the last label, the most evidence both ways."""

    outcomes: int
    free_ns: int
    downs: int
    flats: int
    ups: int
    total: float
    better: float
    worse: float


@kernel
def matured(state: Any, memory: Any, book: Any, limits: Any, outcome: Any) -> None:
    """Bet on the gain in log loss over the base rate of the outcomes before, on outcomes whose labels do not overlap."""
    if outcome.closed_ns < state.free_ns:
        return
    state.free_ns = outcome.at_ns
    count, told = state.flats, outcome.p_flat
    if outcome.side == DOWN:
        count, told = state.downs, outcome.p_down
    elif outcome.side == UP:
        count, told = state.ups, outcome.p_up
    gain = math.log(max(told, LEAST_P)) - math.log((count + 1.0) / (state.outcomes + 3.0))
    state.outcomes += 1
    state.downs += 1 if outcome.side == DOWN else 0
    state.flats += 1 if outcome.side == FLAT else 0
    state.ups += 1 if outcome.side == UP else 0
    state.total += gain
    bet_step(memory, gain)
    state.better = max(state.better, bet_log(memory, 0))
    state.worse = max(state.worse, bet_log(memory, STAKES))


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The most evidence that the gain is below 0."""
    if state.outcomes < LEAST_OUTCOMES:
        return unavailable(limits.warn_evidence, state.outcomes)
    return reaching(evidence(state.worse), limits.warn_evidence, limits.halt_evidence, state.outcomes)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The gain, and the evidence both ways."""
    gain = 1e3 * float(state.total) / max(int(state.outcomes), 1)
    better, worse = float(evidence(state.better)), float(evidence(state.worse))
    over = f"over {int(state.outcomes):,} outcomes that do not overlap"
    text = f"gain over the base rate {gain:+.1f} mnats {over}; e-value of skill {better:.3g}, of harm {worse:.3g}"
    return text, {"gain_mnats": gain, "outcomes": int(state.outcomes), "e_skill": better, "e_harm": worse}


MONITOR = MonitorSpec(
    name="skill",
    question="Are the probabilities worse than the base rate?",
    statistic="betting e-value that the gain in log loss over the trailing base rate (clipped at 1 nat) is below 0; that of a gain is told beside it",
    null="the expected gain is 0 or more",
    unit="e-value",
    warn="warn_evidence",
    halt="halt_evidence",
    false_alarm_rate=0.05,
    rate_by="Ville's bound of 1/20, at any time",
    counts="independent outcome",
    needs=("predictions", "outcomes"),
    missing="fewer than 30 outcomes of predictions are known",
    state=Skill,
    memory=lambda gates: BETS,
    hears=((MATURED, matured),),
    read=read,
    told=told,
)
