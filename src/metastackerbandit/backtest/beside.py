"""The curves of what ran beside a run, as few points as a picture needs: kept in the run's summary, so that a page needs no candles."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.backtest.judging import Beside, curve_of
from metastackerbandit.backtest.run import Result
from metastackerbandit.domain.money import money_of
from metastackerbandit.engine.plan import Plan

POINTS = 480  # of each curve
_DIGITS = 6  # of a level: a hundredth of a basis point of the capital


def curves_json(plan: Plan, result: Result, beside: Beside) -> dict[str, Any]:
    """Closing times (ns), and at each of them the levels (1 is the capital) of every baseline that traded and of the plan at 0x and 2x costs."""
    capital = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    own = curve_of(result, capital)
    count = len(own.times)
    places = np.unique(np.linspace(0, count - 1, min(POINTS, count)).round().astype(np.int64)) if count else np.zeros(0, np.int64)
    levels = {name: np.cumprod(1.0 + returns)[places] for name, returns in beside.rivals.items() if name != "flat"}
    for name, curve in (("0x", beside.free), ("2x", beside.double)):
        at = np.searchsorted(curve.times, own.times[places], side="right") - 1
        levels[name] = np.where(at >= 0, curve.equity[np.maximum(at, 0)] / capital, 1.0) if len(curve.times) else np.ones(len(places))
    return {"at_ns": own.times[places].tolist(), "levels": {name: np.round(line, _DIGITS).tolist() for name, line in levels.items()}}
