"""Has trading stopped? (Did higher thresholds stop it?)"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import ENTER, INCREASE
from metastackerbandit.evaluation.longest_run import longest_run
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import least_share

LEAST_ENTRIES = 20  # until which a rate says little
PATIENCE = 3.0  # times the longest pause before: entries come in clusters


class Silence(Struct, frozen=True):
    """Decisions, entries, decisions until the last one, the pause since, and the longest before."""

    decisions: int
    entries: int
    before: int
    pause: int
    longest: int


@kernel
def is_entry(row: Any) -> bool:
    """Whether a decision sent new risk."""
    return row.sent != 0 and (row.kind == ENTER or row.kind == INCREASE)


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Count a decision, and how long the pause has become."""
    state.decisions += 1
    state.pause += 1
    if is_entry(row):
        state.longest = max(state.longest, state.pause)
        state.entries += 1
        state.before = state.decisions
        state.pause = 0


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The pause that goes on, against the longest that the rate so far explains, or three times the longest pause before."""
    if state.entries < LEAST_ENTRIES:
        return unavailable(math.nan, state.decisions)
    chance = 1.0 - least_share(state.entries, state.before)
    most = max(longest_run(state.before, chance, limits.run_warn), PATIENCE * state.longest)
    return reaching(float(state.pause), most, math.inf, state.decisions)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The pause, beside the rate."""
    before = f"{int(state.entries):,} entries in {int(state.before):,} (longest pause {int(state.longest):,})"
    text = f"no entry for {int(state.pause):,} decisions, after {before}"
    return text, {name: int(getattr(state, name)) for name in ("decisions", "entries", "pause", "longest")}


MONITOR = MonitorSpec(
    name="silence",
    question="Has trading stopped?",
    statistic="decisions since the last entry, against the longest pause that the rate of entries so far brings, or three times the longest before",
    null="entries come at the rate at which they came",
    unit="decisions",
    warn="run_warn",
    false_alarm_rate=0.0025,
    rate_by="tail e^-6 of the longest run, for entries on their own; more where they cluster by season (to stay flat is no fault: it never halts)",
    counts="decision",
    needs=("decisions",),
    missing="fewer than 20 entries so far",
    state=Silence,
    hears=((DECISION, decided),),
    read=read,
    told=told,
)
