"""Are two arms one arm with two votes? (BMA that equals the stack: pain A24.)"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import OUTCOME, Context, Figures, MonitorSpec, reaching, unavailable

ARMS = 16  # places of arms that are compared; more than there are
OF_ARM = 3  # its last outcome's time and value, and how many it had
OF_PAIR = 6  # outcomes that two arms had at one moment, and their sums
LEAST_PAIRS = 20  # common outcomes until which nothing is said
STILL = 1e-12  # of the squares: a spread that rounding alone could leave
LEAST_SHARE = 0.95  # of the outcomes of both that must be common: one arm ends when the other does


class TwinArms(Struct, frozen=True):
    """Outcomes heard, pairs of arms with enough in common, the highest correlation now, and whose it is."""

    outcomes: int
    pairs: int
    highest: float
    one: int
    other: int


@kernel
def correlation(memory: Any, at: int) -> float:
    """Correlation from a pair's sums; NaN where either never varied."""
    n, x, y, xx, yy, xy = memory[at], memory[at + 1], memory[at + 2], memory[at + 3], memory[at + 4], memory[at + 5]
    across, spread, other = xy - x * y / n, xx - x * x / n, yy - y * y / n
    if spread <= STILL * xx or other <= STILL * yy:
        return math.nan
    return across / math.sqrt(spread * other)


@kernel
def matured(state: Any, memory: Any, book: Any, limits: Any, outcome: Any) -> None:
    """Pair an arm's outcome with those that other arms had at the same moment."""
    a = outcome.arm
    if a < 0 or a >= ARMS:
        return
    state.outcomes += 1
    memory[a * OF_ARM] = float(outcome.at_ns)
    memory[a * OF_ARM + 1] = outcome.outcome
    memory[a * OF_ARM + 2] += 1.0
    for b in range(ARMS):
        if b == a or memory[b * OF_ARM + 2] == 0.0 or memory[b * OF_ARM] != memory[a * OF_ARM]:
            continue
        low, high = min(a, b), max(a, b)
        at = OF_ARM * ARMS + (low * ARMS + high) * OF_PAIR
        x, y = memory[low * OF_ARM + 1], memory[high * OF_ARM + 1]
        memory[at] += 1.0
        memory[at + 1] += x
        memory[at + 2] += y
        memory[at + 3] += x * x
        memory[at + 4] += y * y
        memory[at + 5] += x * y
    look(state, memory)


@kernel
def look(state: Any, memory: Any) -> None:
    """Find the pair that agrees most among those with enough outcomes, nearly all of them in common."""
    state.pairs = 0
    state.highest = math.nan
    for low in range(ARMS - 1):
        for high in range(low + 1, ARMS):
            all_of_both = max(memory[low * OF_ARM + 2], memory[high * OF_ARM + 2])
            if min(memory[low * OF_ARM + 2], memory[high * OF_ARM + 2]) < LEAST_PAIRS:
                continue
            state.pairs += 1
            at = OF_ARM * ARMS + (low * ARMS + high) * OF_PAIR
            found = correlation(memory, at) if memory[at] >= LEAST_SHARE * all_of_both else 0.0
            if not math.isnan(found) and (math.isnan(state.highest) or found > state.highest):
                state.highest = found
                state.one = low
                state.other = high


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The highest correlation."""
    if state.pairs == 0:
        return unavailable(limits.twin_warn, state.outcomes)
    return reaching(state.highest, limits.twin_warn, math.inf, state.outcomes)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The pair that agrees most; arms by their places."""
    pair = f"arms {int(state.one)} and {int(state.other)}"
    text = f"highest correlation of two arms' outcomes {float(state.highest):.4f} ({pair}), of {int(state.pairs)} pairs"
    return text, {"correlation": float(state.highest), "arms": [int(state.one), int(state.other)], "pairs": int(state.pairs)}


MONITOR = MonitorSpec(
    name="twin_arms",
    question="Are two arms one arm with two votes?",
    statistic="correlation of the outcomes that two arms had at the same moments, where 95 % of both are common",
    null="arms are different streams",
    unit="correlation",
    warn="twin_warn",
    false_alarm_rate=0.0,
    rate_by="different streams of 20 outcomes do not correlate to .999",
    counts="outcome of an arm",
    needs=("outcomes of arms",),
    missing="no two arms with 20 outcomes each (one arm alone has none that are kept)",
    state=TwinArms,
    memory=lambda gates: OF_ARM * ARMS + OF_PAIR * ARMS * ARMS,
    hears=((OUTCOME, matured),),
    read=read,
    told=told,
)
