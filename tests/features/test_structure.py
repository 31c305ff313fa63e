"""Columns of swings: the newest pivots of each level against the close, used from their confirmation on."""

from __future__ import annotations

import math

import pytest

from metastackerbandit.features.catalog import FEATURES, NAMES
from metastackerbandit.market.pivots import LEVELS
from tests.covering import covers
from tests.features.scenes import full, market
from tests.market.swings import plainly


@covers("B20")
def test_columns_of_swings_use_a_pivot_from_its_confirmation_on() -> None:
    bars = market(8, 6_000)
    values = full(bars).values
    pivots = sorted(plainly(bars["high"].tolist(), bars["low"].tolist()), key=lambda p: (p[1], p[3]))
    sigma = values[:, NAMES.index("ewma_volatility")]
    column = {name: values[:, place] for place, name in enumerate(NAMES)}
    for t in (700, 2_222, 4_321, 5_999):
        broken = known = 0
        for level in range(1, LEVELS + 1):
            highs = [p for p in pivots if p[1] <= t and p[3] == level and p[4] == 1]
            lows = [p for p in pivots if p[1] <= t and p[3] == level and p[4] == -1]
            close = math.log(bars["close"][t])
            expected = {
                f"pivot_high_{level}": (math.log(highs[-1][2]) - close) / (sigma[t] * 2**level) if highs else math.nan,
                f"pivot_low_{level}": (close - math.log(lows[-1][2])) / (sigma[t] * 2**level) if lows else math.nan,
                f"pivot_trend_{level}": math.nan,
            }
            if len(highs) > 1 and len(lows) > 1:
                up = highs[-1][2] > highs[-2][2] and lows[-1][2] > lows[-2][2]
                down = highs[-1][2] < highs[-2][2] and lows[-1][2] < lows[-2][2]
                expected[f"pivot_trend_{level}"] = float(up) - float(down)
            if highs and lows:
                known += 1
                broken += int(bars["close"][t] > highs[-1][2]) - int(bars["close"][t] < lows[-1][2])
                if level <= 3:
                    expected[f"pivot_age_{level}"] = math.log((1 + t - lows[-1][0]) / (1 + t - highs[-1][0]))
            for name, value in expected.items():
                assert column[name][t] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), f"{name} at {t}"
        assert column["structure_break"][t] == pytest.approx(broken / known)
    assert sum(spec.is_event for spec in FEATURES if spec.needs != "book") == 3 * LEVELS + 3 + 1
