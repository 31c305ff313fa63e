"""Accounts and round trips made from a few numbers, for tests of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import TripRow
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.evaluation.scores import Scores, scores

CAPITAL = 10**15  # money units, so that rounding to them is far below any statistic


def equity_of(returns: Any, capital: int = CAPITAL) -> NDArray[np.int64]:
    """Equity in money after each return."""
    return np.rint(capital * np.cumprod(1.0 + np.asarray(returns, np.float64))).astype(np.int64)


def trips_of(nets: Any, sides: Any = None, **columns: Any) -> NDArray[Any]:
    """Closed round trips with these nets in money."""
    made = rows(TripRow, len(nets))
    made["net"] = nets
    made["side"] = 1 if sides is None else sides
    for name, values in columns.items():
        made[name] = values
    return made


def scored(returns: Any, *, nets: Any = (), frame_ns: int = DAY_NS, seed: int = 0, exposure: Any = None, traded: Any = None) -> Scores:
    """Scores of returns a bar, always in the market and never trading unless said."""
    count = len(returns)
    return scores(
        equity=equity_of(returns),
        capital=CAPITAL,
        exposure=np.ones(count) if exposure is None else np.asarray(exposure, np.float64),
        traded=np.zeros(count) if traded is None else np.asarray(traded, np.float64),
        trips=trips_of(nets),
        frame_ns=frame_ns,
        seed=seed,
    )


def autoregressive(seed: int, count: int, memory: float, mean: float, deviation: float) -> NDArray[np.float64]:
    """Normal returns with this stationary mean and deviation, each remembering a share of the last."""
    shocks = np.random.default_rng(seed).standard_normal(count)
    made = np.empty(count)
    made[0] = shocks[0]
    for t in range(1, count):
        made[t] = memory * made[t - 1] + np.sqrt(1.0 - memory * memory) * shocks[t]
    return mean + deviation * made
