"""The account's breakers: what trips them, and that a tripped one blocks until its UTC day or week is over whatever the number does meanwhile."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.gate import BLOCK, PASS
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS

WEEK_NS = 7 * DAY_NS
MONDAY_NS = 4 * DAY_NS  # 1970-01-05, the first Monday of the epoch


class Breakers(Struct, frozen=True):
    """The day, the week and the peak that losses are measured from, in money; the floors at which the breakers trip, and `floor`, the highest of
    those that have not. `high` is the highest equity ever, which no breaker's reset lowers: sizes are scaled by the fall from it."""

    next_day_ns: int
    day_equity: int
    day_floor: int
    peak: int
    peak_floor: int
    daily_tripped: int
    drawdown_tripped: int
    next_week_ns: int
    week_equity: int
    week_floor: int
    weekly_tripped: int
    floor: int
    high: int


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
def next_week(now_ns: int) -> int:
    """The next Monday, 00:00 UTC."""
    return ((now_ns - MONDAY_NS) // WEEK_NS + 1) * WEEK_NS + MONDAY_NS


@kernel
def begin_day(breakers: Any, now_ns: int, equity: int, max_daily_loss: float, max_weekly_loss: float, max_drawdown: float) -> int:
    """Start a UTC day, and on a Monday (or at the first input) a week: breakers reset, and a tripped drawdown takes today's equity as its new peak.

    Returns the bits of what reset: 1 daily, 2 drawdown, 4 weekly.
    """
    reset = breakers.daily_tripped + 2 * breakers.drawdown_tripped
    breakers.next_day_ns = (now_ns // DAY_NS + 1) * DAY_NS
    breakers.day_equity = equity
    breakers.day_floor = floor_of(equity, max_daily_loss)
    breakers.daily_tripped = 0
    if now_ns >= breakers.next_week_ns:
        reset += 4 * breakers.weekly_tripped
        breakers.next_week_ns = next_week(now_ns)
        breakers.week_equity = equity
        breakers.week_floor = floor_of(equity, max_weekly_loss)
        breakers.weekly_tripped = 0
    if breakers.drawdown_tripped != 0 or equity > breakers.peak:
        breakers.peak = equity
        breakers.peak_floor = floor_of(equity, max_drawdown)
    breakers.drawdown_tripped = 0
    breakers.high = max(breakers.high, breakers.peak)
    set_floor(breakers)
    return reset


@kernel
def set_floor(breakers: Any) -> None:
    """The highest floor of a breaker that has not tripped."""
    floor = -(2**62)
    if breakers.daily_tripped == 0:
        floor = max(floor, breakers.day_floor)
    if breakers.weekly_tripped == 0:
        floor = max(floor, breakers.week_floor)
    if breakers.drawdown_tripped == 0:
        floor = max(floor, breakers.peak_floor)
    breakers.floor = floor


@kernel
def climb(breakers: Any, equity: int, max_drawdown: float) -> None:
    """A new equity peak moves the drawdown's floor."""
    if equity > breakers.peak:
        breakers.peak = equity
        breakers.peak_floor = floor_of(equity, max_drawdown)
        breakers.high = max(breakers.high, equity)
        if breakers.drawdown_tripped == 0:
            breakers.floor = max(breakers.floor, breakers.peak_floor)


@kernel
def must_watch(breakers: Any, now_ns: int, equity: int) -> bool:
    """Whether the day turned, or a floor is reached by a breaker that has not tripped."""
    return now_ns >= breakers.next_day_ns or equity <= breakers.floor


@kernel
def watch(breakers: Any, equity: int) -> int:
    """Trip what must trip; returns the bits of what tripped just now: 1 daily, 2 drawdown, 4 weekly."""
    tripped = 0
    if equity <= breakers.day_floor and breakers.daily_tripped == 0:
        breakers.daily_tripped = 1
        tripped += 1
    if equity <= breakers.peak_floor and breakers.drawdown_tripped == 0:
        breakers.drawdown_tripped = 1
        tripped += 2
    if equity <= breakers.week_floor and breakers.weekly_tripped == 0:
        breakers.weekly_tripped = 1
        tripped += 4
    if tripped != 0:
        set_floor(breakers)
    return tripped
