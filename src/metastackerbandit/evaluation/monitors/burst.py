"""Is there a burst of entries?"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.silence import is_entry
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, unavailable
from metastackerbandit.evaluation.shares import LIMIT_Z

BLOCK = 20  # decisions that are judged together, then the next ones
LEAST_BLOCKS = 20  # earlier blocks, and
LEAST_ENTRIES = 20  # entries in them, until which a rate says little


class Burst(Struct, frozen=True):
    """Decisions, those and the entries of the block that goes on, the blocks before with their entries and squares, the last block judged."""

    decisions: int
    inside: int
    entries: int
    blocks: int
    total: float
    squares: float
    last: int
    warn: int
    level: int
    largest: int


@kernel
def tail(count: int, rate: float) -> float:
    """Chance of `count` or more of a Poisson number of this mean."""
    if count <= 0:
        return 1.0
    term = math.exp(-rate)
    below = 0.0
    for k in range(count):
        below += term
        term *= rate / (k + 1)
    return max(1.0 - below, 0.0)


@kernel
def most_entries(rate: float, clumps: float, chance: float) -> int:
    """Least number of entries in a block that comes up with less than `chance`; clustered entries count in clumps."""
    count = 1
    while count <= BLOCK and tail(math.ceil(count / clumps), rate / clumps) >= chance:
        count += 1
    return count


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Count an entry, and judge a full block against the blocks before."""
    state.decisions += 1
    state.inside += 1
    state.entries += 1 if is_entry(row) else 0
    if state.inside < BLOCK:
        return
    if state.blocks >= LEAST_BLOCKS and state.total >= LEAST_ENTRIES:
        middle = state.total / state.blocks
        rate = (state.total + LIMIT_Z * LIMIT_Z / 2.0 + LIMIT_Z * math.sqrt(state.total + LIMIT_Z * LIMIT_Z / 4.0)) / state.blocks
        clumps = max((state.squares / state.blocks - middle * middle) / middle, 1.0)
        looks = state.blocks - LEAST_BLOCKS + 1.0
        spent = 6.0 / (math.pi * math.pi * looks * looks)
        state.warn = most_entries(rate, clumps, limits.burst_warn * spent)
        halt = most_entries(rate, clumps, limits.burst_halt * spent)
        state.level = 2 if state.entries >= halt else (1 if state.entries >= state.warn else 0)
    state.last = state.entries
    state.largest = max(state.largest, state.entries)
    state.total += state.entries
    state.squares += float(state.entries) * state.entries
    state.blocks += 1
    state.inside = 0
    state.entries = 0


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Entries of the last full block."""
    if state.warn == 0:
        return unavailable(math.nan, state.decisions)
    return float(state.last), float(state.warn), state.level, state.decisions


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The last block beside the mean one."""
    mean = float(state.total) / max(int(state.blocks), 1)
    text = f"{int(state.last)} entries in the last {BLOCK} decisions, {mean:.2f} on average, {int(state.largest)} at most"
    return text, {"last": int(state.last), "mean": mean, "largest": int(state.largest), "blocks": int(state.blocks)}


MONITOR = MonitorSpec(
    name="burst",
    question="Is there a burst of entries?",
    statistic="entries in each 20 decisions, against the upper 95 % limit of the Poisson rate before, in clumps as they came before",
    null="entries come at the rate at which they came",
    unit="entries",
    warn="burst_warn",
    halt="burst_halt",
    false_alarm_rate=0.01,
    rate_by="chance spent over the blocks of a run as 6 / (pi k)^2",
    counts="decision",
    needs=("decisions",),
    missing="fewer than 20 blocks of 20 decisions with 20 entries",
    state=Burst,
    hears=((DECISION, decided),),
    read=read,
    told=told,
)
