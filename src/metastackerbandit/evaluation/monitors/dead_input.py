"""Do the numbers that sizes and health are made of vary at all? (Volatility 0 for ever, returns never updated: pain A13.)"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import DECISION, Context, Figures, MonitorSpec, reaching, unavailable


class DeadInput(Struct, frozen=True):
    """Decisions, whether volatility has been known, the last inputs, how many decisions in a row were dead and why, the longest such run."""

    decisions: int
    known: int
    volatility: float
    equity: int
    position: int
    close: int
    run: int
    longest: int
    still_volatility: int
    still_equity: int


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Volatility must be above 0 and move with every bar; equity must move with the price of what is held."""
    if row.volatility > 0.0:
        state.known = 1
    if state.known == 0:
        state.decisions += 1
        return
    still = not row.volatility > 0.0 or row.volatility == state.volatility
    held = row.position != 0 and row.position == state.position
    deaf = held and row.close != state.close and row.equity == state.equity
    state.run = state.run + 1 if still or deaf else 0
    state.longest = max(state.longest, state.run)
    state.still_volatility += 1 if still else 0
    state.still_equity += 1 if deaf else 0
    state.volatility = row.volatility
    state.equity = row.equity
    state.position = row.position
    state.close = row.close
    state.decisions += 1


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Dead decisions in a row, now."""
    if state.known == 0:
        return unavailable(limits.dead_warn, state.decisions)
    return reaching(float(state.run), limits.dead_warn, limits.dead_halt, state.decisions)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """How often, and what did not vary."""
    text = (
        f"{int(state.run)} decisions in a row on dead inputs ({int(state.longest)} at most): volatility unknown, 0 or unmoved "
        f"{int(state.still_volatility):,} times, equity unmoved under a position {int(state.still_equity):,} times"
    )
    names = ("decisions", "run", "longest", "still_volatility", "still_equity")
    return text, {name: int(getattr(state, name)) for name in names}


MONITOR = MonitorSpec(
    name="dead_input",
    question="Do volatility and equity vary as they must?",
    statistic="decisions in a row whose volatility is unknown, 0 or the same to the bit, or whose equity ignores the price of the position",
    null="every bar moves the volatility, and a position's price its equity",
    unit="decisions",
    warn="dead_warn",
    halt="dead_halt",
    false_alarm_rate=0.0,
    rate_by="by construction: an average that takes in every return moves with every return",
    counts="decision",
    needs=("decisions",),
    missing="volatility has never been known",
    state=DeadInput,
    hears=((DECISION, decided),),
    read=read,
    told=told,
)
