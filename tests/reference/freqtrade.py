"""179 published trades, played through our ledger: profits, fees, totals and drawdown beside the published ones.

Each trade is a buy of its amount at its entry price and a sale of it at its exit price, booked by the ledger's kernels with the fee that the costs
round up. Their amounts and prices are floats; ours are whole lots and ticks. Money is counted here in 1e-20 BTC and each pair's tick and lot are
chosen so that prices and amounts have eight digits or more, which moves a trade of 0.001 BTC by less than 1e-11 BTC; the published decimals
are eight. (With a venue's own steps, a whole TRX a lot, 10.37 TRX would be 10.)
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import Struct

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.money import rate_up
from metastackerbandit.domain.rows import TripRow
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.evaluation.path import drawdown_over
from metastackerbandit.evaluation.trips import trip_scores
from metastackerbandit.execution.ledger import Position, Posting, close_part, open_part
from tests.shared import shared_data

MONEY = 1e-20  # BTC a unit
DIGITS = 8  # of a price in ticks, beyond its first
ROUNDING = 1e-11  # BTC: what whole ticks and lots may move a trade's profit by
START = 0.01  # BTC


class Booked(Struct, frozen=True, eq=False):
    """The trades as our ledger has them: `trips` (179,) in the order of the file, money in units of MONEY, and the published ones beside."""

    trips: np.ndarray
    trades: list[dict[str, Any]]
    told: dict[str, Any]
    postings: np.ndarray

    @property
    def gross(self) -> np.ndarray:
        """Profit before fees, BTC."""
        return self.trips["gross"] * MONEY

    @property
    def net(self) -> np.ndarray:
        """Profit after both fees, BTC."""
        return self.trips["net"] * MONEY

    @property
    def ratio(self) -> np.ndarray:
        """Net profit over what the entry cost with its fee."""
        paid = self.trips["entry_value"] + self.entry_fees
        return self.trips["net"] / paid

    @property
    def entry_fees(self) -> np.ndarray:
        return self.postings[:, 0]


def folder() -> Path:
    return shared_data() / "reference" / "freqtrade"


def published(name: str = "backtest-result") -> dict[str, dict[str, Any]]:
    """Strategy -> its published result."""
    decoded: dict[str, Any] = msgspec.json.decode(gzip.decompress((folder() / f"{name}.json.gz").read_bytes()))
    return decoded["strategy"]  # type: ignore[no-any-return]


@cache
def booked() -> Booked:
    """Every published trade through the ledger."""
    told = published()["StrategyTestV3"]
    trades = told["trades"]
    trips = rows(TripRow, len(trades))
    fees = np.zeros((len(trades), 2), np.int64)
    for n, trade in enumerate(trades):
        position, posting = rows(Position, 1)[0], rows(Posting, 1)[0]
        tick = 10.0 ** (math.floor(math.log10(trade["open_rate"])) - DIGITS)
        lots = round(trade["amount"] / (MONEY / tick))
        entry, leave = round(trade["open_rate"] / tick), round(trade["close_rate"] / tick)
        fees[n] = [rate_up(lots * ticks, round(trade[fee] * 1e8)) for ticks, fee in ((entry, "fee_open"), (leave, "fee_close"))]
        open_part(position, 1, lots, entry, fees[n, 0], posting)
        close_part(position, 1, lots, leave, fees[n, 1], posting)
        trip = trips[n]
        trip.side, trip.lots = 1, lots
        trip.opened_ns, trip.closed_ns = int(trade["open_timestamp"]) * 10**6, int(trade["close_timestamp"]) * 10**6
        trip.entry_value, trip.exit_value = position.entry_value, position.exit_value
        trip.gross, trip.fees = position.realised, position.fees
        trip.net = trip.gross - trip.fees
    return Booked(trips, trades, told, fees)


class Figure(Struct, frozen=True):
    """A published figure: ours for it and how it is got, or why there is none; `within` is what the published rounding and ours may leave."""

    name: str
    how: str
    ours: Callable[[Booked], float] | None = None
    within: float = ROUNDING


def levels_of(run: Booked) -> tuple[np.ndarray, np.ndarray]:
    """Instants (T,) at which trades closed, and the balance before fees after each, in BTC: trades of one instant are one step."""
    at, place = np.unique(run.trips["closed_ns"], return_inverse=True)
    return at, START + np.cumsum(np.bincount(place, run.gross))


def _by_day(values: np.ndarray, run: Booked) -> np.ndarray:
    _, place = np.unique(run.trips["closed_ns"] // DAY_NS, return_inverse=True)
    return np.bincount(place, values)


def _deepest(run: Booked) -> float:
    return float(drawdown_over(levels_of(run)[1], START)[0])


def _span(run: Booked) -> tuple[int, int]:
    """Places of the peak and of the bottom of the deepest drawdown: the bottom is where the kernel first gives the whole one's depth."""
    levels = levels_of(run)[1]
    bottom = next(n for n in range(len(levels)) if drawdown_over(levels[: n + 1], START)[0] == _deepest(run))
    return int(levels[: bottom + 1].argmax()), bottom


def _held(run: Booked, which: np.ndarray) -> float:
    """Mean time held, in seconds of whole minutes."""
    return round(float(((run.trips["closed_ns"] - run.trips["opened_ns"])[which] / 60e9).mean())) * 60.0


def _decided(run: Booked) -> np.ndarray:
    """Ratios as published, to eight decimals: 122 trades left at the price at which fees took exactly all."""
    return np.round(run.ratio, 8)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text + "+00:00").timestamp()


def _factor(run: Booked) -> float:
    before_fees = run.trips.copy()
    before_fees["net"] = before_fees["gross"]
    return float(trip_scores(before_fees, 200, 0)["profit_factor"].value)


GROSS = "trips' gross: the published absolute profits leave the fees out"


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


SETTINGS = _keys(
    "stake_amount stake_currency stake_currency_decimals starting_balance dry_run_wallet max_open_trades max_open_trades_setting timeframe "
    "timeframe_detail timerange enable_protections strategy_name stoploss trailing_stop trailing_stop_positive trailing_stop_positive_offset "
    "trailing_only_offset_is_reached use_custom_stoploss minimal_roi use_exit_signal exit_profit_only exit_profit_offset "
    "ignore_roi_if_entry_signal pairlist backtest_run_start_ts backtest_run_end_ts"
)
"""Keys that say what was run, not what came of it."""

DETAILS = _keys(
    "trades locks best_pair worst_pair results_per_pair results_per_enter_tag exit_reason_summary left_open_trades daily_profit "
    "rejected_signals timedout_entry_orders timedout_exit_orders canceled_trade_entries canceled_entry_orders replaced_entry_orders "
    "backtest_start backtest_start_ts backtest_end backtest_end_ts drawdown_start drawdown_end holding_avg winner_holding_avg "
    "loser_holding_avg"
)
"""Keys that hold the trades and their tables (compared by tests of their own), a figure told a second time as text, or an empty list or count."""

FIGURES: tuple[Figure, ...] = (
    Figure("total_trades", "trips", lambda run: len(run.trips)),
    Figure("trade_count_long", "trips bought first", lambda run: int((run.trips["side"] > 0).sum())),
    Figure("trade_count_short", "trips sold first", lambda run: int((run.trips["side"] < 0).sum())),
    Figure("total_volume", "entry values", lambda run: run.trips["entry_value"].sum(dtype=float) * MONEY, 179 * ROUNDING),
    Figure("avg_stake_amount", "their mean", lambda run: run.trips["entry_value"].mean() * MONEY),
    Figure("profit_mean", "mean of net over what the entry cost with its fee", lambda run: run.ratio.mean(), 1e-8),
    Figure("profit_median", "median of the same", lambda run: float(np.median(_decided(run))), 1e-8),
    Figure("profit_total_abs", GROSS, lambda run: run.gross.sum(), 179 * ROUNDING),
    Figure("profit_total_long_abs", GROSS, lambda run: run.gross.sum(), 179 * ROUNDING),
    Figure("profit_total_short_abs", "no shorts", lambda run: 0.0),
    Figure("profit_total", "the same over the starting balance", lambda run: run.gross.sum() / START, 179 * ROUNDING / START),
    Figure("profit_total_long", "the same", lambda run: run.gross.sum() / START, 179 * ROUNDING / START),
    Figure("profit_total_short", "no shorts", lambda run: 0.0),
    Figure("final_balance", GROSS, lambda run: float(levels_of(run)[1][-1]), 179 * ROUNDING),
    Figure("cagr", "annual_return says nothing for less than half a year; this is 19 days, compounded 19 times"),
    Figure("profit_factor", "profit_factor of trips whose net is their gross", _factor, 1e-6),
    Figure(
        "backtest_days",
        "whole days from first entry to last exit",
        lambda run: (run.trips["closed_ns"].max() - run.trips["opened_ns"].min()) // DAY_NS,
    ),
    Figure("trades_per_day", "trips over those days", lambda run: len(run.trips) / 19, 0.005),
    Figure("market_change", "not in the data: the published candles fell by 1.5 % in the mean of the pairs, the figure says a rise of 122 %"),
    Figure("backtest_best_day", "sum of the day's ratios", lambda run: _by_day(run.ratio, run).max(), 1e-7),
    Figure("backtest_worst_day", "sum of the day's ratios", lambda run: _by_day(run.ratio, run).min(), 1e-7),
    Figure("backtest_best_day_abs", GROSS, lambda run: _by_day(run.gross, run).max(), 1e-10),
    Figure("backtest_worst_day_abs", GROSS, lambda run: _by_day(run.gross, run).min(), 1e-10),
    Figure("winning_days", "days that earned before fees", lambda run: int((_by_day(run.gross, run) > 0).sum())),
    Figure("draw_days", "days that came to 0", lambda run: int((_by_day(run.gross, run) == 0).sum())),
    Figure("losing_days", "days that lost", lambda run: int((_by_day(run.gross, run) < 0).sum())),
    Figure("wins", "trips with a net ratio above 0", lambda run: int((_decided(run) > 0).sum())),
    Figure("losses", "below 0", lambda run: int((_decided(run) < 0).sum())),
    Figure("draws", "at 0, to the published eight decimals", lambda run: int((_decided(run) == 0).sum())),
    Figure("holding_avg_s", "mean time held, in whole minutes", lambda run: _held(run, np.ones(len(run.trips), bool))),
    Figure("winner_holding_avg_s", "the same of wins", lambda run: _held(run, _decided(run) > 0)),
    Figure("loser_holding_avg_s", "the same of losses", lambda run: _held(run, _decided(run) < 0)),
    Figure("max_drawdown", "a fall of the sum of ratios, which is no balance: no score of ours"),
    Figure("max_drawdown_account", "max_drawdown of the balance before fees", _deepest, 1e-8),
    Figure("max_relative_drawdown", "the same", _deepest, 1e-8),
    Figure("max_drawdown_abs", "that fall in BTC", lambda run: float(np.subtract(*levels_of(run)[1][list(_span(run))])), 1e-9),
    Figure("drawdown_start_ts", "when its peak was reached, ms", lambda run: levels_of(run)[0][_span(run)[0]] / 1e6),
    Figure("drawdown_end_ts", "when its bottom was reached, ms", lambda run: levels_of(run)[0][_span(run)[1]] / 1e6),
    Figure("max_drawdown_high", "profit at its peak", lambda run: levels_of(run)[1][_span(run)[0]] - START, 1e-9),
    Figure("max_drawdown_low", "profit at its bottom", lambda run: levels_of(run)[1][_span(run)[1]] - START, 1e-9),
    Figure("csum_min", "lowest balance, trades in the order of the file", lambda run: START + np.cumsum(run.gross).min(), 1e-9),
    Figure("csum_max", "highest balance, trades in the order of the file", lambda run: START + np.cumsum(run.gross).max(), 1e-9),
)


def candles_change() -> float:
    """Mean over the pairs of last close over first close, less 1."""
    frames = [pl.read_parquet(path) for path in sorted(folder().glob("*-5m.parquet"))]
    return float(np.mean([frame["close"][-1] / frame["close"][0] - 1.0 for frame in frames]))
