"""Many settings over one recording: the block driver run under each, lean, with memory used again, and what it came to in one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.backtest.run import Block, advanced, refuse, rewind
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.engine.choice import teach
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.plan import Plan, begin
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.world import empty_out
from metastackerbandit.evaluation.path import sink
from metastackerbandit.simulation.broker import open_venue
from metastackerbandit.simulation.settings import SimulationSettings

_DECISIONS = 64  # a lean run keeps none
_ROWS = 4_096
_CURVE = 16_384  # equity points at a time: half a megabyte, which stays in the processor's cache


class SweptRow(Struct, frozen=True):
    """What one set of settings came to: money at the end less the deposit with what is open at its last mark (`net`), orders, fills, round trips,
    and the deepest fall of equity from its peak, as a share of the peak, at closed bars of any book."""

    net: int
    orders: int
    fills: int
    round_trips: int
    drawdown: float


def sweep(
    plan: Plan,
    block: Block,
    simulation: SimulationSettings,
    settings: Sequence[EngineSettings],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Run the plan under each of `settings` (every book's settings alike) -> rows (C,) in the layout of SweptRow.

    Each row is what `run(..., lean=True)` under these settings would come to; no row of a decision, order or fill is kept, so that memory does
    not grow with their number.

    Raises:
        ConfigRefused: there is none to run under, or one of them contradicts itself (its place is named).
    """
    if not settings:
        raise ConfigRefused("there are no settings to sweep over", where="sweep", mend="give one or more")
    out = empty_out(len(GATES), _DECISIONS, _ROWS, _CURVE)
    found = rows(SweptRow, len(settings))
    for place, chosen in enumerate(settings):
        tuned = plan.tuned(partial(_always, chosen))
        try:
            world = begin(tuned)
        except ConfigRefused as error:
            raise ConfigRefused(f"settings {place}: {error.what}", where=error.where, mend=error.mend) from None
        teach(world, block.outcomes)
        venue = open_venue(tuned.instruments, tuned.costs, simulation)
        account = world.account[0]
        deposit, fall = int(account.cash), (float(account.cash), 0.0)
        done = 0
        while done < len(block.order):
            done, fault = advanced(world, out, venue, block, done, True)
            fall = fallen(out.curve, out.cursor[0].curve, *fall)
            rewind(out)
            out.cursor[0].curve = 0
            refuse(fault, done)
        found[place] = (account.cash + account.marked - deposit, account.orders, account.fills, account.trips, fall[1])
        if progress is not None:
            progress(place + 1, len(settings))
    return found


@kernel
def fallen(curve: Any, count: int, peak: float, deepest: float) -> tuple[float, float]:
    """The peak and the deepest depth below it after `count` more points of the curve."""
    for t in range(count):
        peak, depth, _ = sink(float(curve[t].equity), peak, 0)
        deepest = max(deepest, depth)
    return peak, deepest


def grid(base: EngineSettings, arm: str, **lengths: Sequence[Any]) -> list[EngineSettings]:
    """`base` with every combination of the rule arm's parameters, the last named changing fastest: `grid(base, "sma_cross", fast=..., slow=...)`."""
    table = getattr(base.arms, arm, None)
    if table is None or any(name not in table.__struct_fields__ for name in lengths):
        known = ", ".join(table.__struct_fields__) if table is not None else ", ".join(base.arms.__struct_fields__)
        raise ConfigRefused(f"no parameters {', '.join(lengths)} of {arm!r}", where="sweep", mend=f"there are {known}")
    made = [base]
    for name, values in lengths.items():
        made = [_with(one, arm, name, value) for one in made for value in values]
    return made


def _always(chosen: EngineSettings, _: EngineSettings) -> EngineSettings:
    return chosen


def _with(settings: EngineSettings, arm: str, name: str, value: Any) -> EngineSettings:
    table = structs.replace(getattr(settings.arms, arm), **{name: value})
    return structs.replace(settings, arms=structs.replace(settings.arms, **{arm: table}))
