"""The scores of a run: each statistic of its money with its bootstrap interval, annualised from the real bar size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import bars_a_year
from metastackerbandit.evaluation.activity import activity_block, activity_scores
from metastackerbandit.evaluation.blocks import block_bars
from metastackerbandit.evaluation.bootstrap import Interval, resamples_for
from metastackerbandit.evaluation.equity import history_of
from metastackerbandit.evaluation.path import path_scores
from metastackerbandit.evaluation.trips import trip_scores

Floats = NDArray[np.float64]


class Scores(Struct, frozen=True):
    """What a run earned net of all costs, at what risk, and how surely that is known.

    Fractions of equity unless said otherwise; NaN (never 0 or infinity) where a statistic does not exist: no variance, no losing bar,
    no trip, and for `annual_return` less than half a year. `sharpe` uses ddof 1 and no riskless rate; `sortino` the deviation below 0;
    both, and `volatility`, are of simple returns a bar, annualised by bars in a year. Drawdowns are positive fractions of the peak of equity:
    `max_drawdown` the deepest, `mean_drawdown` the mean over all bars, `longest_drawdown_bars` the longest stay below a peak.
    `turnover` is traded notional over equity a year (buys and sells), `exposure` the mean of |notional| over equity, `in_market` the
    share of bars with a position. `hit_rate` is the share of closed round trips that earned money after fees and funding, `payoff` their
    mean win over mean loss, `profit_factor` all won over all lost.

    Bars are resampled in blocks (`block_bars` expected, for the path; `activity_block_bars` for turnover and exposure, which last
    longer), trips one by one. A drawdown's interval is of other orders of the same bars; resampling breaks trends longer than a block.
    """

    frame_ns: int
    n_bars: int
    years: float
    n_trips: int
    long_trips: int
    short_trips: int
    long_hits: int
    short_hits: int
    ruined: bool
    resamples: int
    block_bars: float
    activity_block_bars: float
    seed: int
    total_return: Interval
    annual_return: Interval
    volatility: Interval
    sharpe: Interval
    sortino: Interval
    max_drawdown: Interval
    mean_drawdown: Interval
    longest_drawdown_bars: Interval
    turnover: Interval
    exposure: Interval
    in_market: Interval
    hit_rate: Interval
    payoff: Interval
    profit_factor: Interval


def scores(*, equity: NDArray[np.int64], capital: int, exposure: Floats, traded: Floats, trips: NDArray[Any], frame_ns: int, seed: int = 0) -> Scores:
    """Score equity (T,) in money at each closed bar of frame_ns, after `capital` before the first, and closed round trips (N,) of TripRow.

    `exposure` (T,) is signed notional over equity, `traded` (T,) notional traded in the bar over equity. Same inputs, same bits.
    """
    if frame_ns <= 0:
        raise DataRefused(f"bars of {frame_ns} ns", where="evaluation", mend="give the frame's length in ns")
    history = history_of(equity, capital, exposure, traded)
    bars, yearly = len(history.levels), bars_a_year(frame_ns)
    resamples = resamples_for(bars)
    block = block_bars(history.returns)
    holding_block = activity_block(history)
    won = trips["net"] > 0
    return Scores(
        frame_ns=frame_ns,
        n_bars=bars,
        years=bars / yearly,
        n_trips=len(trips),
        long_trips=int(np.count_nonzero(trips["side"] > 0)),
        short_trips=int(np.count_nonzero(trips["side"] < 0)),
        long_hits=int(np.count_nonzero(won & (trips["side"] > 0))),
        short_hits=int(np.count_nonzero(won & (trips["side"] < 0))),
        ruined=history.ruined,
        resamples=resamples,
        block_bars=block,
        activity_block_bars=holding_block,
        seed=seed,
        **path_scores(history, yearly, block, resamples, seed),
        **activity_scores(history, yearly, holding_block, resamples, seed),
        **trip_scores(trips, resamples, seed),
    )


def as_dict(scored: Scores) -> dict[str, Any]:
    """The scores as plain nested dicts, with None for NaN."""
    return {name: _plain(value) for name, value in structs.asdict(scored).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {name: _plain(bound) for name, bound in structs.asdict(value).items()}
    return None if isinstance(value, float) and math.isnan(value) else value
