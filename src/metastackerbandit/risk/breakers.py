"""Breakers: what trips them, and that a tripped one blocks until the next UTC day whatever the number does meanwhile."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.gate import BLOCK, PASS
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS


class Breakers(Struct, frozen=True):
    """The day and the peak that losses are measured from, in money; the floors at which the breakers trip."""

    next_day_ns: int
    day_equity: int
    day_floor: int
    peak: int
    peak_floor: int
    daily_tripped: int
    drawdown_tripped: int


@kernel
def broken(observed: float, limit: float, tripped: int) -> tuple[float, float, int]:
    """BLOCK while tripped, with the number as it stands now; else PASS."""
    if tripped != 0:
        return observed, limit, BLOCK
    return observed, limit, PASS


@kernel
def floor_of(equity: int, share: float) -> int:
    """Equity at which a loss of `share` is reached; never below 0 from a positive start, whatever the rounding of large money."""
    loss = int(equity * share)
    if loss > equity > 0:
        return 0
    return equity - loss


@kernel
def loss_of(equity: int, start: int) -> float:
    """Loss since `start` as a share of it, 0 when there is none; 1 when the start was not positive."""
    if start <= 0:
        return 1.0
    return max((start - equity) / start, 0.0)


@kernel
def begin_day(breakers: Any, now_ns: int, equity: int, max_daily_loss: float, max_drawdown: float) -> int:
    """Start a UTC day: both breakers reset, and a tripped drawdown takes today's equity as its new peak.

    Returns what reset: 1 daily, 2 drawdown, 3 both.
    """
    reset = breakers.daily_tripped + 2 * breakers.drawdown_tripped
    breakers.next_day_ns = (now_ns // DAY_NS + 1) * DAY_NS
    breakers.day_equity = equity
    breakers.day_floor = floor_of(equity, max_daily_loss)
    breakers.daily_tripped = 0
    if breakers.drawdown_tripped != 0 or equity > breakers.peak:
        breakers.peak = equity
        breakers.peak_floor = floor_of(equity, max_drawdown)
    breakers.drawdown_tripped = 0
    return reset


@kernel
def climb(breakers: Any, equity: int, max_drawdown: float) -> None:
    """A new equity peak moves the drawdown's floor."""
    if equity > breakers.peak:
        breakers.peak = equity
        breakers.peak_floor = floor_of(equity, max_drawdown)


@kernel
def must_watch(breakers: Any, now_ns: int, equity: int) -> bool:
    """Whether the day turned, or a floor is reached by a breaker that has not tripped."""
    return (
        now_ns >= breakers.next_day_ns
        or (equity <= breakers.day_floor and breakers.daily_tripped == 0)
        or (equity <= breakers.peak_floor and breakers.drawdown_tripped == 0)
    )


@kernel
def watch(breakers: Any, equity: int) -> int:
    """Trip what must trip; returns what tripped just now: 1 daily, 2 drawdown, 3 both."""
    tripped = 0
    if equity <= breakers.day_floor and breakers.daily_tripped == 0:
        breakers.daily_tripped = 1
        tripped += 1
    if equity <= breakers.peak_floor and breakers.drawdown_tripped == 0:
        breakers.drawdown_tripped = 1
        tripped += 2
    return tripped
