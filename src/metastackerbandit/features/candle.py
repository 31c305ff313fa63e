"""The shape of the last bar: its body, its wicks, its length."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.spans import USUAL
from metastackerbandit.features.spec import Family, FeatureSpec


@kernel
def step(seen: Any, out: Any) -> None:
    """Parts of the bar's log range; a bar without range has no shape."""
    length = seen.log_high - seen.log_low
    if length > 0.0:
        out[0] = (seen.log_close - seen.log_open) / length
        out[1] = (seen.log_high - max(seen.log_open, seen.log_close)) / length
        out[2] = (min(seen.log_open, seen.log_close) - seen.log_low) / length
    out[3] = length / seen.sigma


_SOURCE = "Nison 1991"
FAMILY = Family(
    "candle",
    1,
    (
        FeatureSpec("candle_body", "-1..1", "odd", 1, _SOURCE, "log close less log open, over the log range"),
        FeatureSpec("wick_upper", "0..1", "swap", 1, _SOURCE, "part of the log range above the body", partner="wick_lower"),
        FeatureSpec("wick_lower", "0..1", "swap", 1, _SOURCE, "part of the log range below the body", partner="wick_upper"),
        FeatureSpec("candle_range", "sigma", "even", USUAL + 1, "Parkinson 1980", "log range of the bar in sigmas"),
    ),
    step,
)
