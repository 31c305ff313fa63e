"""Is the win rate one that a market can give? (No win in 219 trades was a fault of the books, not of the market: pain A01.)"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import TRIP, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import Share, evidence, share_step

MEMORY = 500.0  # round trips that the bet on an impossible rate remembers


class WinRate(Struct, frozen=True):
    """Closed round trips, those that won net of all costs, and the share as evidence."""

    trips: int
    wins: int
    share: Share


@kernel
def closed(state: Any, memory: Any, book: Any, limits: Any, trip: Any) -> None:
    """Count a closed round trip; one that ends at exactly nothing did not win."""
    wins = trip.net > 0
    state.trips += 1
    state.wins += 1 if wins else 0
    share_step(state.share, wins, limits.least_win, limits.least_win, limits.prior, MEMORY)


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The most evidence so far."""
    if state.trips == 0:
        return unavailable(limits.audit_evidence, 0)
    return reaching(evidence(state.share.most), limits.audit_evidence, limits.audit_evidence, state.trips)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Wins of trips."""
    trips, wins = int(state.trips), int(state.wins)
    text = f"{wins:,} of {trips:,} closed round trips won net of costs ({wins / trips:.1%})"
    return text, {"trips": trips, "wins": wins}


MONITOR = MonitorSpec(
    name="win_rate",
    question="Is the win rate one that a market can give?",
    statistic="e-value of the share of closed round trips that won net of costs, against what a market can give (least_win to 1 - least_win)",
    null="each round trip wins with a chance between 15 % and 85 %",
    unit="e-value",
    warn="audit_evidence",
    halt="audit_evidence",
    false_alarm_rate=0.05,
    rate_by="Ville's bound of 1/20, at any time; a far target with a near stop may truly win less often",
    counts="round trip",
    needs=("trips",),
    missing="no round trip has been closed",
    state=WinRate,
    hears=((TRIP, closed),),
    read=read,
    told=told,
)
