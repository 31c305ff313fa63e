"""What trades do to prices: Kyle's lambda, and Roll's spread from how prices bounce, over five minutes."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.heard import remember, value_before
from metastackerbandit.features.spec import Family, FeatureSpec

WINDOW = 300  # seconds
_LEAST = 150  # seconds with a change of the middle price without which there is no lambda
_SHRUNK = 30.0  # seconds without impact that stand beside those seen: a slope of 30 is halved
_BOUNCES = 60  # changes of the traded price without which there is no covariance


class Memory(Struct, frozen=True):
    """The log middle price of the second before."""

    log_mid: float


@kernel
def hears(second: Any, heard: Any, mine: Any, cells: Any) -> None:
    """Take in a second: its change of the middle price in bps, signed lots, all lots, and the log of its last traded price."""
    log_mid = math.log(second.mid)
    change = (log_mid - mine.log_mid) * 1e4 if heard.seconds > 1 and heard.step == 1 else math.nan
    mine.log_mid = log_mid
    remember(cells[0:300], heard, change)
    remember(cells[300:600], heard, float(second.bought_lots - second.sold_lots))
    remember(cells[600:900], heard, float(second.bought_lots + second.sold_lots))
    remember(cells[900:1200], heard, math.log(second.last_ticks) if second.last_ticks > 0 else math.nan)


@kernel
def lambda_of(changes: Any, signed: Any, lots: Any, heard: Any) -> float:
    """Slope of changes on signed lots (least squares), times the lots of a mean second, shrunk towards none; NaN where too little is known."""
    known, change, flow, volume = 0, 0.0, 0.0, 0.0
    for back in range(WINDOW - 1, -1, -1):
        value = value_before(changes, heard, back)
        if not math.isnan(value):
            known += 1
            change += value
            flow += value_before(signed, heard, back)
            volume += value_before(lots, heard, back)
    if known < _LEAST:
        return math.nan
    change /= known
    flow /= known
    joint, square = 0.0, 0.0
    for back in range(WINDOW - 1, -1, -1):
        value = value_before(changes, heard, back)
        if not math.isnan(value):
            off = value_before(signed, heard, back) - flow
            joint += (value - change) * off
            square += off * off
    return joint / square * (volume / known) * (known / (known + _SHRUNK)) if square > 0.0 else math.nan


@kernel
def roll_of(prices: Any, heard: Any) -> float:
    """Roll's spread in bps: 2 sqrt(-cov) of successive changes of the last traded price, from second to second with a trade; 0 where they do not
    bounce, NaN where too few are known."""
    count, total, before = 0, 0.0, math.nan
    for back in range(WINDOW - 1, -1, -1):
        price = value_before(prices, heard, back)
        if not math.isnan(price):
            if not math.isnan(before):
                count += 1
                total += price - before
            before = price
    if count < _BOUNCES:
        return math.nan
    mean, joint, before, last = total / count, 0.0, math.nan, math.nan
    for back in range(WINDOW - 1, -1, -1):
        price = value_before(prices, heard, back)
        if not math.isnan(price):
            off = price - before - mean
            if not math.isnan(off) and not math.isnan(last):
                joint += off * last
            before, last = price, off
    return 2.0 * math.sqrt(max(-joint / (count - 1), 0.0)) * 1e4


@kernel
def step(heard: Any, cells: Any, out: Any) -> None:
    """Both over the last 300 s."""
    if heard.age >= WINDOW:
        out[0] = lambda_of(cells[0:300], cells[300:600], cells[600:900], heard)
        out[1] = roll_of(cells[900:1200], heard)


FAMILY = Family(
    "impact",
    1,
    (
        FeatureSpec(
            "kyle_lambda",
            "bps a mean second's lots",
            "even",
            1,
            "Kyle 1985",
            "slope of a second's change of the middle price on its signed lots, 300 s, shrunk by n / (n + 30)",
            "book",
            seconds=WINDOW,
            is_event=True,
        ),
        FeatureSpec(
            "roll_spread",
            "bps",
            "even",
            1,
            "Roll 1984",
            "2 sqrt(-cov) of successive changes of the last traded price of seconds with a trade, 300 s; 0 where positive",
            "book",
            seconds=WINDOW,
            is_event=True,
        ),
    ),
    step,
    Memory,
    hears=hears,
    cells=4 * WINDOW,
)
