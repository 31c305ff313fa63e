"""Did every decision that all gates let pass become an order?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import MARKET, REJECTED
from metastackerbandit.evaluation.monitors.spec import DECISION, ENDED, LEFT, Context, Figures, MonitorSpec, reaching, unavailable


class MissedTrades(Struct, frozen=True):
    """Decisions that passed, those whose order never left, those refused by the venue; the decision whose order is due, the first missed."""

    passed: int
    missed: int
    refused: int
    due: int
    first: int


@kernel
def miss(state: Any, decision: int) -> None:
    """Count a trade that was due and did not come."""
    state.missed += 1
    if state.first == 0:
        state.first = decision


@kernel
def decided(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """An order that was due by now is missing; a decision that passed every gate makes the next one due."""
    if state.due != 0:
        miss(state, state.due)
        state.due = 0
    if row.asks_risk == 0 or row.blocked != 0:
        return
    state.passed += 1
    if row.sent == 0:
        miss(state, row.decision)
    else:
        state.due = row.decision


@kernel
def left(state: Any, memory: Any, book: Any, limits: Any, order: Any) -> None:
    """The order that was due has left."""
    if order.decision == state.due:
        state.due = 0


@kernel
def ended(state: Any, memory: Any, book: Any, limits: Any, order: Any) -> None:
    """An entry that the venue refused is a missed trade too."""
    if order.kind == MARKET and order.reduce_only == 0 and order.state == REJECTED:
        state.refused += 1
        miss(state, order.decision)


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Trades missed so far."""
    if state.passed == 0:
        return unavailable(limits.missed_warn, 0)
    return reaching(float(state.missed), limits.missed_warn, limits.missed_halt, state.passed)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """How many, and the first."""
    text = f"{int(state.missed):,} of {int(state.passed):,} decisions that passed every gate have no order that stood"
    if state.missed:
        text += f" ({int(state.refused):,} refused by the venue), the first of decision {int(state.first):,}"
    return text, {name: int(getattr(state, name)) for name in ("passed", "missed", "refused", "first")}


MONITOR = MonitorSpec(
    name="missed_trades",
    question="Did every decision that passed become an order?",
    statistic="decisions that asked for new risk, passed every gate, and have no order that left and was accepted",
    null="threshold met means trade sent",
    unit="trades",
    warn="missed_warn",
    halt="missed_halt",
    false_alarm_rate=0.0,
    rate_by="a plain count",
    counts="decision that passed",
    needs=("decisions", "orders"),
    missing="no decision has passed every gate",
    state=MissedTrades,
    hears=((DECISION, decided), (LEFT, left), (ENDED, ended)),
    read=read,
    told=told,
)
