"""Before and after a change: what each figure was and became, with an interval for the difference from a paired block bootstrap.

Both runs lived the same hours, so an hour is drawn for both at once (stationary bootstrap, Politis and Romano 1994): what the market did to
either cancels, and only what the change did is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.evaluation.blocks import block_bars
from metastackerbandit.evaluation.bootstrap import UNKNOWN, Interval, interval
from metastackerbandit.evaluation.outcome_blocks import ENTRIES, OPINIONS, RETURN, WISHES, Pairs

Floats = NDArray[np.float64]

RESAMPLES = 500  # the error of a 2.5 % bound is then 0.7 points
_FEWEST = 20  # blocks below which nothing is drawn


class Change(Struct, frozen=True):
    """One figure before and after, and the difference after - before with its 95 % interval (NaN where there is none)."""

    name: str
    unit: str
    before: float
    after: float
    difference: Interval


def net_return(table: Floats) -> float:
    """Net return over all blocks."""
    return float(np.prod(1.0 + table[:, RETURN]) - 1.0)


def drawdown(table: Floats) -> float:
    """Largest loss from a peak, at the ends of blocks."""
    level = np.concatenate(([1.0], np.cumprod(1.0 + table[:, RETURN])))
    return float((1.0 - level / np.maximum.accumulate(level)).max())


def _sum(column: int) -> Callable[[Floats], float]:
    return lambda table: float(table[:, column].sum())


def _rate(part: int, whole: int) -> Callable[[Floats], float]:
    def rate(table: Floats) -> float:
        asked = float(table[:, whole].sum())
        return float(table[:, part].sum()) / asked if asked else math.nan

    return rate


def _sell_share(table: Floats) -> float:
    buys, sells = float(table[:, ENTRIES].sum()), float(table[:, ENTRIES + 1].sum())
    return sells / (buys + sells) if buys + sells else math.nan


FIGURES: tuple[tuple[str, str, Callable[[Floats], float]], ...] = (
    ("net_return", "fraction", net_return),
    ("drawdown", "fraction", drawdown),
    ("opinions_buy", "count", _sum(OPINIONS)),
    ("opinions_sell", "count", _sum(OPINIONS + 1)),
    ("wishes_buy", "count", _sum(WISHES)),
    ("wishes_sell", "count", _sum(WISHES + 1)),
    ("trades_buy", "count", _sum(ENTRIES)),
    ("trades_sell", "count", _sum(ENTRIES + 1)),
    ("sell_share", "share of trades", _sell_share),
    ("pass_rate_buy", "trades a wish", _rate(ENTRIES, WISHES)),
    ("pass_rate_sell", "trades a wish", _rate(ENTRIES + 1, WISHES + 1)),
)


def before_after(pairs: Pairs, *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Change, ...]:
    """Every figure of champion (before) and challenger (after) over their common blocks."""
    count = len(pairs.ended_ns)
    if count == 0:
        return tuple(Change(name, unit, math.nan, math.nan, UNKNOWN) for name, unit, _ in FIGURES)
    walks = list(_walks(count, pairs, seed, resamples)) if count >= _FEWEST else []
    told = []
    for name, unit, figure in FIGURES:
        before, after = figure(pairs.champion), figure(pairs.challenger)
        draws = np.array([figure(pairs.challenger[walk]) - figure(pairs.champion[walk]) for walk in walks])
        told.append(
            Change(name, unit, before, after, interval(after - before, draws) if len(draws) else Interval(after - before, math.nan, math.nan))
        )
    return tuple(told)


def _walks(count: int, pairs: Pairs, seed: int, resamples: int) -> list[NDArray[np.int64]]:
    """Histories as places of blocks (N,), drawn for both runs at once."""
    length = block_bars(np.ascontiguousarray(pairs.challenger[:, RETURN] - pairs.champion[:, RETURN]))
    rng = np.random.default_rng(seed)
    steps = np.arange(count)
    found = []
    for _ in range(resamples):
        begins = rng.random(count) < 1.0 / length
        begins[0] = True
        starts = rng.integers(0, count, count)
        last = np.maximum.accumulate(np.where(begins, steps, 0))  # where the piece that each step belongs to began
        found.append((starts[last] + steps - last) % count)
    return found
