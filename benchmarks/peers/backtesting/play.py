"""backtesting.py at work: rules over candles with fees, stop and target, and its trades told.

What it has no word for: a price that is worse at both ends (its `spread` is charged at entries alone) and funding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import candles
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy, backtesting
from following import KEEP, Following, barriers, slipped
from serving import serve

Words = Callable[[dict[str, Any], pd.DataFrame], Any]

backtesting._tqdm = lambda steps, **_: steps  # no bar of progress


def sma_cross(strategy: dict[str, Any], data: pd.DataFrame) -> Any:
    """+1 while the fast average of closes is above the slow one, -1 below, as before at equality; 0 until there are `slow` closes."""
    fast, slow = (data["Close"].rolling(strategy[name]).mean() for name in ("fast", "slow"))
    side = np.sign(fast - slow)
    return side.where(side != 0).ffill().fillna(0).to_numpy()


def breakout(strategy: dict[str, Any], data: pd.DataFrame) -> Any:
    """+1 at a close above the highest high of the `length` bars before, -1 below the lowest low, else KEEP; 0 until there are so many."""
    highest = data["High"].rolling(strategy["length"]).max().shift()
    lowest = data["Low"].rolling(strategy["length"]).min().shift()
    words = np.where(data["Close"] > highest, 1, np.where(data["Close"] < lowest, -1, KEEP))
    return np.where(highest.isna(), 0, words)


def preparing(words_of: Words) -> Callable[[dict[str, Any]], Callable[[], Any]]:
    """The kind of work that follows one rule."""

    def prepare(job: dict[str, Any]) -> Callable[[], Any]:
        seen = candles.read(job)
        names = ("Open", "High", "Low", "Close", "Volume")
        frame = pd.DataFrame(dict(zip(names, seen[1:], strict=True)), index=pd.to_datetime(seen.opened_ns, utc=True))
        lots, rule = candles.lots_of(job), job["strategy"]
        has_barriers = bool(rule["stop_bps"] or rule["target_bps"])
        spread = job["slippage_bps"] * 1e-4

        class Follows(Strategy):
            """Orders at a close fill at the next open; stop and target go with the order, from the price that it will have."""

            def init(self) -> None:
                self.words = self.I(words_of, rule, self.data.df)
                self.following = Following(rule)
                self.asked = 0

            def next(self) -> None:
                side = int(np.sign(self.position.size))
                if self.asked not in (0, side):
                    self.following.was_stopped(self.asked)
                wanted = self.following.wanted(side, int(self.words[-1]))
                if wanted != side:
                    self.position.close()
                    if wanted != 0 and (len(self.data) == len(frame) or not self.enters(wanted)):
                        wanted = 0
                self.asked = wanted

            def enters(self, side: int) -> bool:
                """Order an entry; it is refused where the last close is not between stop and target."""
                stop = target = None
                if has_barriers:
                    stop, target = barriers(rule, side, slipped(int(seen.open[len(self.data)]), side, job["slippage_bps"]))
                try:
                    (self.buy if side > 0 else self.sell)(size=lots, sl=stop, tp=target)
                except ValueError:
                    return False
                return True

        backtest = Backtest(
            frame,
            Follows,
            cash=job["cash"] / candles.money_of(job),
            spread=spread,
            commission=job["fee_bps"] * 1e-4,
            margin=1e-3,
            finalize_trades=False,
        )

        def run() -> Any:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Some trades remain open")
                trades = backtest.run()["_trades"]
            columns = zip(*(trades[name] for name in ("EntryBar", "ExitBar", "Size", "EntryPrice", "ExitPrice", "Commission", "PnL")), strict=True)
            rows = [[first, last, np.sign(size), abs(size), paid, got, fee, 0.0, profit] for first, last, size, paid, got, fee, profit in columns]
            return candles.told(job, sorted(rows, key=lambda row: row[0]), seen.opened_ns)

        return run

    return prepare


if __name__ == "__main__":
    serve({"sma_cross": preparing(sma_cross), "breakout": preparing(breakout)}, versions=("backtesting",))
