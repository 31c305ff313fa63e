"""Do two methods of counting the money agree: the ledger's postings, and the fills?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import TRADE
from metastackerbandit.evaluation.monitors.spec import DECISION, FILL, LEDGER, TRIP, Context, Figures, MonitorSpec, unavailable


class TwoBooks(Struct, frozen=True):
    """Sums in money: cash by the fills and by the ledger, profit by the ledger and by the trips; lots held; the largest difference found."""

    fills: int
    lots: int
    fill_cash: int
    ledger_cash: int
    ledger_profit: int
    trip_profit: int
    false_trips: int
    worst: int


@kernel
def filled(state: Any, memory: Any, book: Any, limits: Any, fill: Any) -> None:
    """A fill costs its lots at its price, and its fee."""
    state.fills += 1
    state.lots += fill.lots
    state.fill_cash -= fill.lots * fill.ticks * book.unit + fill.fee


@kernel
def posted(state: Any, memory: Any, book: Any, limits: Any, entry: Any) -> None:
    """A posting moves cash; income is negative in the ledger."""
    if entry.kind == TRADE:
        state.ledger_cash += entry.cash
    state.ledger_profit -= entry.realised + entry.fees + entry.funding


@kernel
def closed(state: Any, memory: Any, book: Any, limits: Any, trip: Any) -> None:
    """A round trip keeps what it made less what it paid."""
    state.trip_profit += trip.net
    if trip.net != trip.gross - trip.fees - trip.funding:
        state.false_trips += 1


@kernel
def compared(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Compare at every decision, when all rows of what came before are in; trips with the ledger while nothing is held."""
    state.worst = max(state.worst, abs(state.fill_cash - state.ledger_cash))
    if state.lots == 0:
        state.worst = max(state.worst, abs(state.ledger_profit - state.trip_profit))


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The largest difference; money is counted exactly, so any is one too many."""
    if state.fills == 0:
        return unavailable(0.0, 0)
    level = 2 if state.worst > 0 or state.false_trips > 0 else 0
    return float(state.worst), 0.0, level, state.fills


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Both sums of cash."""
    cash = f"cash by {int(state.fills):,} fills {int(state.fill_cash):,}, by the ledger {int(state.ledger_cash):,}"
    text = f"{cash}; largest difference {int(state.worst):,}"
    if state.false_trips:
        text += f"; {int(state.false_trips):,} round trips do not add up"
    names = ("fill_cash", "ledger_cash", "ledger_profit", "trip_profit", "false_trips", "worst")
    return text, {name: int(getattr(state, name)) for name in names}


MONITOR = MonitorSpec(
    name="two_books",
    question="Do fills and ledger agree on the money?",
    statistic="largest difference, at any decision, between cash by fills and by ledger, and when flat between profit by ledger and by round trips",
    null="both count the same events",
    unit="money units",
    sense="more than",
    warn="",
    false_alarm_rate=0.0,
    rate_by="exact in integers",
    counts="fill",
    needs=("decisions", "fills", "ledger", "trips"),
    missing="nothing has been filled",
    state=TwoBooks,
    hears=((FILL, filled), (LEDGER, posted), (TRIP, closed), (DECISION, compared)),
    read=read,
    told=told,
)
