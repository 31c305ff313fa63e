"""A month of one-second bars through five levels of pivots, in one compiled loop."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from metastackerbandit.bench.candles import minutes
from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.domain.timeframe import DAY_NS, SECOND_NS
from metastackerbandit.market.pivots import LEVELS, STRENGTHS, pivots_of

BARS = 30 * DAY_NS // SECOND_NS  # 2.6 M
TIMES = 5


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Recorded minutes are read as seconds: they move more, so that more of them are swings."""
    market = minutes(data, BARS)
    highs, lows = (np.ascontiguousarray(market.bars[name]) for name in ("high", "low"))

    def facts() -> dict[str, float]:
        found = pivots_of(highs, lows)
        told = {f"pivots_of_level_{level}": float((found["level"] == level).sum()) for level in range(1, LEVELS + 1)}
        for strength in STRENGTHS:
            pivots_of(highs[:9], lows[:9], strength)
            told[f"wall_s_at_strength_{strength}"] = min(timed(partial(pivots_of, highs, lows, strength)).wall_s for _ in range(TIMES))
        return told

    return Prepared(
        run=lambda: len(pivots_of(highs, lows)),
        amount=float(BARS),
        unit="bars",
        facts=facts,
        notes=(market.note, "each minute is read as a second: pivots look at highs and lows alone, and no month of recorded seconds is at hand"),
    )


BENCHMARK = Benchmark(
    "pivots",
    "five levels of pivots over a month of one-second bars (2.6 M), each with the bar that confirmed it",
    prepare,
    Target("wall_s", 1.0, "a month of seconds in at most 1 s", at_most=True),
    rounds=5,
)
