"""vectorbt at work: rules over candles with fees, slippage, stop and target, and its trades told.

Rules without stop and target are arrays of signals; with them the next signal depends on what was stopped, so they are asked at every candle
(`signal_func_nb`). vectorbt trades once a row, and a stop comes before a signal there; so a candle is given to them as two rows, first its open
alone and then its range, and what is ordered at a close meets the open before the range meets the stop. `rows_a_candle = 1` in a job leaves
that away. It has no funding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import candles
import numpy as np
import pandas as pd
import vectorbt as vbt
from following import KEEP
from numba import njit
from serving import serve
from vectorbt.portfolio.enums import StopEntryPrice, StopExitPrice, TradeDirection, TradeStatus

Words = Callable[[dict[str, Any], candles.Candles], Any]
NUDGE = 2e-15  # share of the price that a barrier is moved towards the entry, so that a float a hair beyond the touching price does not miss it


def sma_cross(strategy: dict[str, Any], seen: candles.Candles) -> Any:
    """+1 while the fast average of closes is above the slow one, -1 below, as before at equality; 0 until there are `slow` closes."""
    fast, slow = (vbt.MA.run(seen.close, strategy[name]).ma for name in ("fast", "slow"))
    side = np.sign(fast - slow)
    return side.where(side != 0).ffill().fillna(0).to_numpy().astype(np.int64)


def breakout(strategy: dict[str, Any], seen: candles.Candles) -> Any:
    """+1 at a close above the highest high of the `length` bars before, -1 below the lowest low, else KEEP; 0 until there are so many."""
    highest = pd.Series(seen.high).vbt.rolling_max(strategy["length"]).shift().to_numpy()
    lowest = pd.Series(seen.low).vbt.rolling_min(strategy["length"]).shift().to_numpy()
    words = np.where(seen.close > highest, 1, np.where(seen.close < lowest, -1, KEEP))
    return np.where(np.isnan(highest), 0, words)


@njit
def sides_of(words: Any, long_only: bool, flips: bool) -> Any:
    """The side to hold from each candle's open, by the word at the close before; without stops it depends on words alone."""
    sides = np.zeros(len(words), np.int64)
    for i in range(1, len(words)):
        held, word = sides[i - 1], words[i - 1]
        side = 0 if long_only and word == -1 else word
        if word == KEEP:
            side = held
        elif held != 0 and side == -held and not flips:
            side = 0
        sides[i] = side
    return sides


@njit
def follow(context: Any, words: Any, long_only: bool, flips: bool, memory: Any, rows: int) -> tuple[bool, bool, bool, bool]:
    """Signals of one row -> (enter long, leave long, enter short, leave short), none but at a candle's open.

    `rows` are those of a candle; memory: 0 side wanted before, 1 spent side.
    """
    if context.i == 0:
        memory[:] = 0
    candle = context.i // rows
    if candle == 0 or context.i % rows != 0:
        return False, False, False, False
    word = words[candle - 1]
    held = int(np.sign(context.position_now))
    if memory[0] != 0 and held != memory[0]:
        memory[1] = memory[0]
    if memory[1] != 0 and word != memory[1]:
        memory[1] = 0
    side = 0 if long_only and word == -1 else word
    if word == KEEP:
        side = held
    elif held == 0:
        side = 0 if side == memory[1] else side
    elif side == -held and (not flips or side == memory[1]):
        side = 0
    memory[0] = side
    return side == 1, held == 1 and side != 1, side == -1, held == -1 and side != -1


def barrier(distance_bps: float, entries: Any) -> Any:
    """Distance from each entry price (ticks) as the share of it that is asked for; NaN for none."""
    if not distance_bps:
        return np.nan
    ticks = np.maximum(entries.astype(np.int64) * round(distance_bps * 10_000) // 100_000_000, 1)
    return ticks / entries - NUDGE


def target(distance_bps: float, entries: Any) -> Any:
    """The same for a target, which is rounded away from the entry."""
    if not distance_bps:
        return np.nan
    ticks = np.maximum(-(-entries.astype(np.int64) * round(distance_bps * 10_000) // 100_000_000), 1)
    return ticks / entries - NUDGE


def in_rows(opens: Any, column: Any, rows: int) -> Any:
    """A column of candles (T,) as rows: with two of them a candle's open stands before it."""
    return column if rows == 1 else np.column_stack([opens, column]).ravel()


def preparing(words_of: Words) -> Callable[[dict[str, Any]], Callable[[], Any]]:
    """The kind of work that follows one rule."""

    def prepare(job: dict[str, Any]) -> Callable[[], Any]:
        seen, rule, lots = candles.read(job), job["strategy"], candles.lots_of(job)
        long_only, flips = rule["sides"] == "long", rule["reversal"] == "flip"
        common = {
            "close": pd.Series(seen.close),
            "price": seen.open,
            "size": float(lots),
            "fees": job["fee_bps"] * 1e-4,
            "slippage": job["slippage_bps"] * 1e-4,
            "init_cash": job["cash"] / candles.money_of(job),
            "upon_opposite_entry": "reverse",
        }
        has_barriers = bool(rule["stop_bps"] or rule["target_bps"])
        rows_a_candle = job.get("rows_a_candle", 2) if has_barriers else 1
        if has_barriers:
            opens = np.repeat(seen.open, rows_a_candle)
            common |= {
                "close": pd.Series(in_rows(seen.open, seen.close, rows_a_candle)),
                "price": opens,
                "open": opens,
                "high": in_rows(seen.open, seen.high, rows_a_candle),
                "low": in_rows(seen.open, seen.low, rows_a_candle),
                "sl_stop": barrier(rule["stop_bps"], opens),
                "tp_stop": target(rule["target_bps"], opens),
                "stop_entry_price": StopEntryPrice.FillPrice,
                "stop_exit_price": StopExitPrice.StopMarket,
            }

        def played() -> Any:
            words = words_of(rule, seen)
            if has_barriers:
                given = (words, long_only, flips, np.zeros(2, np.int64), rows_a_candle)
                return vbt.Portfolio.from_signals(signal_func_nb=follow, signal_args=given, **common)
            sides = sides_of(words, long_only, flips)
            before = np.concatenate(([0], sides[:-1]))
            return vbt.Portfolio.from_signals(
                entries=(sides == 1) & (before != 1),
                exits=(before == 1) & (sides == 0),
                short_entries=(sides == -1) & (before != -1),
                short_exits=(before == -1) & (sides == 0),
                **common,
            )

        def run() -> Any:
            trades = played().trades.records
            trades = trades[trades["status"] == TradeStatus.Closed]
            sides = np.where(trades["direction"] == TradeDirection.Long, 1, -1)
            fees = trades["entry_fees"] + trades["exit_fees"]
            first, last = trades["entry_idx"] // rows_a_candle, trades["exit_idx"] // rows_a_candle
            columns = [first, last, sides, trades["size"], trades["entry_price"], trades["exit_price"], fees]
            if job.get("quiet"):
                return {"trades": len(trades), "profit": float(trades["pnl"].sum()) * candles.money_of(job)}
            rows = np.column_stack([*columns, np.zeros(len(trades)), trades["pnl"]]).tolist()
            return candles.told(job, rows, seen.opened_ns)

        played()  # compiles
        return run

    return prepare


if __name__ == "__main__":
    serve({"sma_cross": preparing(sma_cross), "breakout": preparing(breakout)}, versions=("vectorbt", "numba"))
