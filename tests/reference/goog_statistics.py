"""The 31 published statistics of the crossing on GOOG beside ours: how each of ours comes about, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.timeframe import DAY_NS, YEAR_NS
from metastackerbandit.evaluation.path import moments_over, sink
from metastackerbandit.evaluation.sharpe import moments_of
from tests.reference.goog import CAPITAL, TRADING_DAYS, Played


class Statistic(Struct, frozen=True):
    """A published statistic: ours for it and how it is got, or why there is none; times in seconds."""

    name: str
    how: str
    ours: Callable[[Played], float] | None = None
    exactly: bool = False  # ours is a score of that meaning as it stands
    score: Callable[[Played], float] | None = None  # what our own score says, where it means something else


def _annual(run: Played) -> float:
    return run.scored.annual_return.value


def _spread(run: Played) -> float:
    """Deviation of a year's compounded return from the moments of a day's; the first day has no return there."""
    steps = np.diff(run.levels) / run.levels[:-1]
    growth = (1.0 + _annual(run)) ** (1.0 / TRADING_DAYS)
    variance = moments_over(steps, float(steps.mean()))[1]
    return math.sqrt((variance + growth**2) ** TRADING_DAYS - growth ** (2 * TRADING_DAYS))


def _downside(run: Played) -> float:
    steps = np.diff(run.levels) / run.levels[:-1]
    return math.sqrt(moments_over(steps, 0.0)[2] * TRADING_DAYS)


def _sinkings(run: Played) -> list[tuple[float, float]]:
    """Each stay below a peak: its depth, and its days from the peak to the day that reached it again or to the end."""
    found: list[tuple[float, float]] = []
    peak, peaked, deepest = float(run.levels[0]), 0, 0.0
    for n, level in enumerate(run.levels):
        peak, depth, _ = sink(float(level), peak, 0)
        deepest = max(deepest, depth)
        if (depth == 0.0 or n == len(run.levels) - 1) and n > peaked + 1:
            found.append((deepest, float(run.days[n] - run.days[peaked]) / DAY_NS))
        if depth == 0.0:
            peaked, deepest = n, 0.0
    return found


def _held(run: Played) -> np.ndarray:
    return (run.trips["closed_ns"] - run.trips["opened_ns"]) / DAY_NS


def _whole_days(days: float) -> float:
    """The published mean durations are rounded to days, up."""
    return math.ceil(days)


def _years(run: Played) -> float:
    return float(run.days[-1] - run.days[0]) / YEAR_NS


def _held_from(run: Played) -> float:
    """Buying when the rule can first speak, at bar 29, and holding."""
    return float(run.closes[-1] / run.closes[29] - 1.0)


STATISTICS: tuple[Statistic, ...] = (
    Statistic("Start", "time of the first bar", lambda run: float(run.days[0]) / 1e9, True),
    Statistic("End", "time of the last bar", lambda run: float(run.days[-1]) / 1e9, True),
    Statistic("Duration", "days between them", lambda run: float(run.days[-1] - run.days[0]) / DAY_NS, True),
    Statistic("# Trades", "n_trips", lambda run: run.scored.n_trips, True),
    Statistic("Exposure Time [%]", "in_market", lambda run: 100.0 * run.by_return.in_market.value, True),
    Statistic("Equity Final [$]", "equity at the last close", lambda run: run.levels[-1] / 1e8, True),
    Statistic("Equity Peak [$]", "highest equity", lambda run: run.levels.max() / 1e8, True),
    Statistic("Return [%]", "total_return", lambda run: 100.0 * run.scored.total_return.value, True),
    Statistic(
        "Buy & Hold Return [%]",
        "closes, from the bar at which both averages exist; our arm buy_and_hold begins with the first bar",
        lambda run: 100.0 * _held_from(run),
        score=lambda run: 100.0 * float(run.closes[-1] / run.closes[0] - 1.0),
    ),
    Statistic("Return (Ann.) [%]", "annual_return with 252 bars a year; by default a year has 365.25 days", lambda run: 100.0 * _annual(run), True),
    Statistic(
        "CAGR [%]",
        "total_return over years of 365.25 days, from the first day to the last",
        lambda run: 100.0 * ((run.levels[-1] / CAPITAL) ** (1.0 / _years(run)) - 1.0),
    ),
    Statistic(
        "Volatility (Ann.) [%]",
        "theirs is the deviation of a year's compounded return; ours, a day's deviation times root 252, is put into that formula",
        lambda run: 100.0 * _spread(run),
        score=lambda run: 100.0 * run.scored.volatility.value,
    ),
    Statistic(
        "Sharpe Ratio",
        "theirs is the annual compounded return over the volatility above; ours the mean of simple returns over their deviation, times root 252",
        lambda run: _annual(run) / _spread(run),
        score=lambda run: run.scored.sharpe.value,
    ),
    Statistic(
        "Sortino Ratio",
        "theirs has the annual compounded return above, ours 252 times the mean simple return; below the line both have the same downside",
        lambda run: _annual(run) / _downside(run),
        score=lambda run: run.scored.sortino.value,
    ),
    Statistic("Calmar Ratio", "annual_return over max_drawdown", lambda run: _annual(run) / run.scored.max_drawdown.value),
    Statistic("Max. Drawdown [%]", "max_drawdown", lambda run: -100.0 * run.scored.max_drawdown.value, True),
    Statistic(
        "Avg. Drawdown [%]",
        "theirs is the mean depth of the stays below a peak; our mean_drawdown is the mean over all bars",
        lambda run: -100.0 * float(np.mean([depth for depth, _ in _sinkings(run)])),
        score=lambda run: -100.0 * run.scored.mean_drawdown.value,
    ),
    Statistic(
        "Max. Drawdown Duration",
        "longest stay in days, to the day that reached the peak again; our longest_drawdown_bars counts bars below it",
        lambda run: max(days for _, days in _sinkings(run)),
        score=lambda run: run.scored.longest_drawdown_bars.value,
    ),
    Statistic(
        "Avg. Drawdown Duration", "the same, mean in whole days", lambda run: _whole_days(float(np.mean([days for _, days in _sinkings(run)])))
    ),
    Statistic("Win Rate [%]", "hit_rate", lambda run: 100.0 * run.scored.hit_rate.value, True),
    Statistic("Best Trade [%]", "trips, net over entry value", lambda run: 100.0 * run.returns.max(), True),
    Statistic("Worst Trade [%]", "the same", lambda run: 100.0 * run.returns.min(), True),
    Statistic("Avg. Trade [%]", "geometric mean of the same", lambda run: 100.0 * math.expm1(float(np.log1p(run.returns).mean()))),
    Statistic("Max. Trade Duration", "trips, in days", lambda run: _held(run).max(), True),
    Statistic("Avg. Trade Duration", "the same, mean in whole days", lambda run: _whole_days(_held(run).mean())),
    Statistic(
        "Profit Factor",
        "theirs adds returns, ours money; profit_factor of trips whose money is their return",
        lambda run: run.by_return.profit_factor.value,
        score=lambda run: run.scored.profit_factor.value,
    ),
    Statistic("Expectancy [%]", "mean of the trips' returns", lambda run: 100.0 * run.returns.mean(), True),
    Statistic(
        "SQN",
        "root of the number of trips times the Sharpe ratio of their money (`moments_of`, as for PSR)",
        lambda run: math.sqrt(len(run.trips)) * moments_of(run.trips["net"].astype(float)).sharpe,
    ),
    Statistic(
        "Kelly Criterion",
        "hit_rate less its complement over payoff",
        lambda run: run.scored.hit_rate.value - (1.0 - run.scored.hit_rate.value) / run.scored.payoff.value,
    ),
    Statistic("Alpha [%]", "no score of ours: we hold an arm against baselines at equal volatility (SPA), not against a regression"),
    Statistic("Beta", "no score of ours, for the same reason"),
)


def as_number(value: float | str) -> float:
    """A published value: dates in seconds, durations in days."""
    if isinstance(value, str):
        days, separator, _ = value.partition(" days")
        return float(days) if separator else (datetime.fromisoformat(value) - datetime(1970, 1, 1)) / timedelta(seconds=1)
    return value
