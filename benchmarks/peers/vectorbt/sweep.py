"""vectorbt at a sweep: many pairs of averages over the same candles at once, a column each; net, closed trades and deepest fall of every column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import candles
import numpy as np
import pandas as pd
import vectorbt as vbt
from serving import serve


def sma_grid(job: dict[str, Any]) -> Callable[[], Any]:
    """Pairs (fast, slow) of the job: always in the market, on the side of the fast average, filled at the next open, with fees."""
    seen = candles.read(job)
    close, money = pd.Series(seen.close), candles.money_of(job)
    fasts, slows = ([pair[place] for pair in job["pairs"]] for place in (0, 1))

    def run() -> Any:
        fast, slow = (vbt.MA.run(close, lengths).ma.to_numpy() for lengths in (fasts, slows))
        above, below = np.zeros(fast.shape, np.bool_), np.zeros(fast.shape, np.bool_)
        np.greater(fast[:-1], slow[:-1], out=above[1:])
        np.less(fast[:-1], slow[:-1], out=below[1:])
        played = vbt.Portfolio.from_signals(
            close,
            entries=above,
            short_entries=below,
            price=seen.open[:, None],
            size=float(candles.lots_of(job)),
            fees=job["fee_bps"] * 1e-4,
            init_cash=job["cash"] / money,
            upon_opposite_entry="reverse",
        )
        net, falls = played.total_profit().to_numpy() * money, -played.max_drawdown().to_numpy()
        trades = played.trades.closed.count().to_numpy()
        return np.column_stack([net, trades, falls]).tolist()

    return run


if __name__ == "__main__":
    serve({"sma_grid": sma_grid}, versions=("vectorbt", "numba"))
