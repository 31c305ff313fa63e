"""A published backtest, played by our engine: the 10/30 crossing on daily GOOG, with every published statistic beside ours.

The engine runs the rule arm with one share a trade and no costs: sides, times and prices are its own. The published run puts all its cash into each
trade at the price that it fills at; our sizes come from the close at which a decision is made, so the same round trips are played once more
through the ledger's kernels with as many whole shares as the cash buys at the fill. The published run waits for the first crossing, our arm
enters as soon as both averages exist: our first trip is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import TripRow
from metastackerbandit.domain.timeframe import DAY_NS, YEAR_NS
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.evaluation.path import moments_over, sink
from metastackerbandit.evaluation.scores import Scores, scores
from metastackerbandit.evaluation.sharpe import moments_of
from metastackerbandit.execution.ledger import Position, Posting, close_part, open_part
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.stacking.settings import ArmSettings, SmaCross
from tests.markets import by_block, instrument
from tests.shared import shared_data

CENT = 10**6  # money units: one tick of one share
CAPITAL = 10_000 * 10**8
TRADING_DAYS = 252  # of the published statistics' year

SETTINGS = EngineSettings(
    account=AccountSettings(deposit="1000000"),
    arms=ArmSettings(sma_cross=SmaCross(fast=10, slow=30)),
    decision=DecisionSettings(reversal="flip", min_volatility=0.0, max_volatility=100.0, min_completeness=0.0),
    sizing=SizingSettings(mode="quantity", quantity="1"),
    risk=RiskSettings(max_loss_streak=1_000, max_volatility_ratio=100.0, max_bad_bars=1.0),
    costs=CostSettings(taker_fee_bps=0.0, maker_fee_bps=0.0, half_spread_bps=0.0, slippage_bps=0.0, impact_coefficient=0.0),
    execution=ExecutionSettings(flip_gap_bars=0, min_change_bps=0.0, max_order_volume=1.0, max_day_volume=1.0),
)


class Published(Struct, frozen=True):
    """What the other project published: its statistics by name."""

    expected: dict[str, float | str]


class Played(Struct, frozen=True, eq=False):
    """The run as ours: days (N,), closes, trips with their returns, and equity with all cash in.

    `scored`: with a year of 252 bars, over the N - 1 steps from close to close, as published. `by_return`: over all bars, and trips whose money is
    their return.
    """

    days: np.ndarray
    closes: np.ndarray
    trips: np.ndarray
    returns: np.ndarray
    levels: np.ndarray
    scored: Scores
    by_return: Scores


def folder() -> Path:
    return shared_data() / "reference" / "backtesting_py"


def published() -> dict[str, float | str]:
    return msgspec.json.decode((folder() / "sma_cross_goog_expected.json").read_bytes(), type=Published).expected


def recording() -> Recording:
    """GOOG's days, in cents."""
    frame = pl.read_csv(folder() / "GOOG.csv", try_parse_dates=True)
    bars = rows(Bar, len(frame))
    bars["opened_ns"] = frame[frame.columns[0]].cast(pl.Datetime("ns")).dt.epoch("ns").to_numpy()
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + DAY_NS
    for name in ("Open", "High", "Low", "Close"):
        bars[name.lower()] = np.rint(frame[name].to_numpy() * 100)
    bars["volume"] = frame["Volume"].to_numpy()
    bars["parts"] = bars["parts_due"] = 1
    share = instrument("GOOGUSDT", "perp", tick_size="0.01", lot_size="1", min_quantity="1", max_quantity="1000000", min_notional="0")
    return Recording((share,), DAY_NS, (bars,), (None,), (True,), "GOOG", "GOOG")


@cache
def played() -> Played:
    """The engine's round trips with all cash in, scored."""
    given = recording()
    kept, _ = by_block(given, "24h", "sma_cross", SETTINGS)
    bars = given.bars[0]
    turns = [(int(np.searchsorted(bars["opened_ns"], fill["at_ns"])), int(np.sign(fill["lots"])), int(fill["ticks"])) for fill in kept.fills]
    first = int(np.searchsorted(bars["opened_ns"], kept.trips["closed_ns"][0]))
    entries = {place: (side, ticks) for place, side, ticks in turns if place >= first}
    trips, levels, exposure = _all_in(bars, entries)
    returns = trips["net"] / trips["entry_value"]
    by_return = trips.copy()
    by_return["net"] = np.rint(returns * 1e15)

    def scored(first: int, counted: np.ndarray) -> Scores:
        """Scores of the days from `first` on, after the equity of the day before them."""
        capital = int(levels[first - 1]) if first else CAPITAL
        nothing = np.zeros(len(bars) - first)
        return scores(
            equity=levels[first:], capital=capital, exposure=exposure[first:], traded=nothing, trips=counted, frame_ns=round(YEAR_NS / TRADING_DAYS)
        )

    return Played(bars["opened_ns"].copy(), bars["close"].copy(), trips, returns, levels, scored(1, trips), scored(0, by_return))


def _all_in(bars: np.ndarray, entries: dict[int, tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play entries (bar -> side, ticks) through the ledger with all cash; trips (K,), equity (N,) in money, signed notional over it (N,)."""
    position, posting, cash = rows(Position, 1)[0], rows(Posting, 1)[0], CAPITAL
    trips, entered, side = rows(TripRow, len(entries)), 0, 0
    levels, exposure = np.zeros(len(bars), np.int64), np.zeros(len(bars))
    for n in range(len(bars)):
        if n in entries:
            turned, ticks = entries[n]
            if position.lots != 0:
                close_part(position, CENT, abs(position.lots), ticks, 0, posting)
                cash += posting.cash
                _trip(trips[entered - 1], side, position, bars["opened_ns"][n])
            position = rows(Position, 1)[0]
            side = turned
            open_part(position, CENT, side * (cash // (ticks * CENT)), ticks, 0, posting)
            cash += posting.cash
            position.opened_ns = bars["opened_ns"][n]
            entered += 1
        value = position.lots * bars["close"][n] * CENT
        levels[n] = cash + value
        exposure[n] = value / levels[n]
    close_part(position, CENT, abs(position.lots), bars["open"][-1], 0, posting)  # they leave at the last open; the bar counts as held
    levels[-1] = cash + posting.cash
    _trip(trips[entered - 1], side, position, bars["opened_ns"][-1])
    return trips, levels, exposure


def _trip(trip: Any, side: int, position: Any, closed_ns: int) -> None:
    trip.side, trip.lots = side, position.most_lots
    trip.opened_ns, trip.closed_ns = position.opened_ns, closed_ns
    trip.entry_value, trip.exit_value = position.entry_value, position.exit_value
    trip.gross = trip.net = position.realised


def growth_by_own_sizes() -> tuple[float, float]:
    """From the second trip to the last close: growth of the engine with `sizing.fraction` 1, and of all cash put in at each fill."""
    free = RiskSettings(
        max_loss_streak=1_000,
        max_volatility_ratio=100.0,
        max_bad_bars=1.0,
        max_heat=1.0,
        max_correlated_heat=1.0,
        max_daily_loss=1.0,
        max_weekly_loss=1.0,
        max_drawdown=1.0,
    )
    sizing = SizingSettings(mode="fraction", fraction=1.0, resize_band=10.0)
    kept, result = by_block(recording(), "24h", "sma_cross", replace(SETTINGS, account=AccountSettings(deposit="10000"), sizing=sizing, risk=free))
    run = played()
    before_last_open = run.levels[-1] / CAPITAL * (1.0 + _unheld(run))
    return float(result.curve["equity"][-1]) / (CAPITAL + float(kept.trips["net"][0])), before_last_open


def _unheld(run: Played) -> float:
    """What the position that was closed at the last open would have added by the last close, over the equity then."""
    last = run.trips[-1]
    lots = last["side"] * last["lots"]
    return float(lots * (run.closes[-1] * CENT) - last["side"] * last["exit_value"]) / float(run.levels[-1])


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
