"""The consolidated book's imbalance of five buckets a side: its averages, and which way it goes."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.heard import mean_back, remember, value_before
from metastackerbandit.features.spec import Family, FeatureSpec

WINDOW = 60  # seconds, the longest of the consolidated book's averages (market.cob)
_LEAST = 30  # known seconds of the window without which there is no slope


@kernel
def hears(second: Any, heard: Any, cells: Any) -> None:
    """Take in a second."""
    remember(cells, heard, second.cob_imbalance)


@kernel
def slope_of(cells: Any, heard: Any) -> float:
    """Slope a minute of the line through the known values of the last 60 s (least squares); NaN where fewer than 30 are known."""
    known, times, values = 0, 0.0, 0.0
    for back in range(59, -1, -1):
        value = value_before(cells, heard, back)
        if not math.isnan(value):
            known += 1
            times -= back
            values += value
    if known < _LEAST:
        return math.nan
    time, mean = times / known, values / known
    joint, square = 0.0, 0.0
    for back in range(59, -1, -1):
        value = value_before(cells, heard, back)
        if not math.isnan(value):
            joint += (-back - time) * (value - mean)
            square += (-back - time) * (-back - time)
    return joint / square * 60.0


@kernel
def step(heard: Any, cells: Any, out: Any) -> None:
    """Means of the known seconds, and the slope."""
    out[0] = value_before(cells, heard, 0)
    if heard.age >= 5:
        out[1] = mean_back(cells, heard, 5)
    if heard.age >= 15:
        out[2] = mean_back(cells, heard, 15)
    if heard.age >= 60:
        out[3] = mean_back(cells, heard, 60)
        out[4] = slope_of(cells, heard)


_SOURCE = "Cao, Hansch and Wang 2009 (idea)"
FAMILY = Family(
    "cob",
    1,
    (
        *(
            FeatureSpec(
                f"cob_imbalance_{seconds}",
                "-1..1",
                "odd",
                1,
                _SOURCE,
                f"imbalance of the consolidated book's middle and five buckets a side, mean of {seconds} s",
                "book",
                seconds=seconds,
            )
            for seconds in (1, 5, 15, 60)
        ),
        FeatureSpec("cob_slope_60", "a minute", "odd", 1, _SOURCE, "slope of the line through that imbalance over 60 s", "book", seconds=60),
    ),
    step,
    hears=hears,
    cells=WINDOW,
)
