"""A published backtest, played by our engine: the 10/30 crossing on daily GOOG, with every published statistic beside ours.

The engine runs the rule arm with one share a trade and no costs: sides, times and prices are its own. The published run puts all its cash into each
trade at the price that it fills at; our sizes come from the close at which a decision is made, so the same round trips are played once more
through the ledger's kernels with as many whole shares as the cash buys at the fill. The published run waits for the first crossing, our arm
enters as soon as both averages exist: our first trip is left out.
"""

from __future__ import annotations

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
from metastackerbandit.evaluation.scores import Scores, scores
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
