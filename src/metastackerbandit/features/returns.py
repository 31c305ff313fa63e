"""How far the price came: log returns, plain and in sigmas."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.seen import close_before
from metastackerbandit.features.spans import FAST, USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_ROOT_3 = math.sqrt(3.0)


@kernel
def step(seen: Any, past: Any, out: Any) -> None:
    """Differences of log closes; the horizon is exact (the predecessors' mom_3 spanned two bars)."""
    close = seen.log_close
    three = math.nan
    if seen.bars > 1:
        out[0] = seen.change
    if seen.bars > 3:
        three = close - close_before(past, seen, 3)
        out[1] = three
    if seen.bars > FAST:
        out[2] = close - close_before(past, seen, FAST)
    if seen.bars > USUAL:
        out[3] = close - close_before(past, seen, USUAL)
        out[4] = seen.change / seen.sigma
        out[5] = three / (seen.sigma * _ROOT_3)


_SOURCE = "Lo and MacKinlay 1988"
FAMILY = Family(
    "returns",
    1,
    (
        FeatureSpec("log_return_1", "log", "odd", 2, _SOURCE, "log return of the last bar"),
        FeatureSpec("log_return_3", "log", "odd", 4, _SOURCE, "log return of the last 3 bars"),
        FeatureSpec("log_return_12", "log", "odd", FAST + 1, _SOURCE, "log return of the last 12 bars"),
        FeatureSpec("log_return_48", "log", "odd", USUAL + 1, _SOURCE, "log return of the last 48 bars"),
        FeatureSpec("mom_1", "sigma", "odd", USUAL + 1, "Moskowitz, Ooi and Pedersen 2012", "return of the last bar in sigmas of a bar"),
        FeatureSpec("mom_3", "sigma", "odd", USUAL + 1, "Moskowitz, Ooi and Pedersen 2012", "return of the last 3 bars in sigmas of 3 bars"),
    ),
    step,
)
