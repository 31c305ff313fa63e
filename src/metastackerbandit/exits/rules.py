"""Where a position ends: stop, target and trailing stop as prices, time as bars; the one place that says so."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import BPS_RATE, muldiv, rate_up
from metastackerbandit.exits.settings import ExitSettings


class ExitRules(Struct, frozen=True):
    """Distances in 1e-8 of the entry price, 0 for none; `max_bars` in closed frame bars, 0 for none."""

    stop: int
    target: int
    trail: int
    max_bars: int


def rules_of(settings: ExitSettings, arm_stop_bps: float, arm_target_bps: float) -> ExitRules:
    """The user's exits, each null taken from the arm."""
    stop = arm_stop_bps if settings.stop_bps is None else settings.stop_bps
    target = arm_target_bps if settings.target_bps is None else settings.target_bps
    return ExitRules(
        stop=round(stop * BPS_RATE),
        target=round(target * BPS_RATE),
        trail=round((settings.trail_bps or 0.0) * BPS_RATE),
        max_bars=settings.max_bars or 0,
    )


@kernel
def stop_price(side: int, entry: int, distance: int) -> int:
    """Trigger of a stop `distance` (1e-8) from `entry` ticks; rounded towards the entry, at least one tick off."""
    ticks = max(muldiv(entry, distance, 100_000_000), 1)
    return max(entry - side * ticks, 1)


@kernel
def target_price(side: int, entry: int, distance: int) -> int:
    """Limit of a target `distance` (1e-8) from `entry` ticks; rounded away from the entry."""
    return max(entry + side * max(rate_up(entry, distance), 1), 1)


@kernel
def stop_hit(side: int, trigger: int, low: int, high: int) -> bool:
    """Whether a position's stop was traded: price at or beyond it."""
    return low <= trigger if side > 0 else high >= trigger


@kernel
def stop_fill(side: int, trigger: int, first: int) -> int:
    """What a stop that is traded gets before costs: its trigger, or the first price that it met where that is beyond it already."""
    return min(trigger, first) if side > 0 else max(trigger, first)


@kernel
def target_hit(side: int, limit: int, low: int, high: int) -> bool:
    """Whether a position's target was touched."""
    return high >= limit if side > 0 else low <= limit


@kernel
def target_fill(side: int, limit: int, first: int) -> int:
    """What a target that is touched gets: its limit, or the first price that it met where that is better already."""
    return max(limit, first) if side > 0 else min(limit, first)
