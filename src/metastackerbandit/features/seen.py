"""What every family may look at for one bar: log prices, the last return, volatility; computed once."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain, share_of
from metastackerbandit.features.spans import FAST, RING, SLOW, USUAL


class Setup(Struct, frozen=True):
    """What a table or stream of features is made for; never changes. `longest_hole_ns` starts all memory anew."""

    frame_ns: int
    higher_ns: int
    longest_hole_ns: int
    has_volume: bool
    has_flow: bool
    has_funding: bool
    has_book: bool


class Seen(Struct, frozen=True):
    """The newest bar in logs, and what is known of the bars before it.

    `bars` counts from 1; `young` is 1/bars and `young_return` 1/(bars - 1), zero before there is one. `change` is the log return
    from the close before (0 on the first bar), `true_range` the log range with that close in it. `sigma` is the volatility of
    a bar's log return, the root of an average of squares over USUAL (`sigma_fast`: FAST, `sigma_slow`: SLOW) returns with this
    bar's in it; NaN until as many returns were seen, or while the last USUAL were all zero (`still` counts them).
    `volume_known`, `flow_known` are 1 where this bar has them (a taker volume above the volume is none).
    """

    frame_ns: int
    higher_ns: int
    bars: int
    closed_ns: int
    log_open: float
    log_high: float
    log_low: float
    log_close: float
    change: float
    true_range: float
    still: int
    young: float
    young_return: float
    fast: float
    usual: float
    slow: float
    sigma_fast: float
    sigma: float
    sigma_slow: float
    volume_known: int
    flow_known: int
    has_funding: int


_FAST_SHARE = share_of(FAST)
_USUAL_SHARE = share_of(USUAL)
_SLOW_SHARE = share_of(SLOW)


@kernel
def look(bar: Any, setup: Any, seen: Any, past: Any) -> None:
    """Advance `seen` to a closed bar, with its log close put into the ring `past` (RING,)."""
    before = seen.log_close
    seen.bars += 1
    seen.frame_ns = setup.frame_ns
    seen.higher_ns = setup.higher_ns
    seen.closed_ns = bar.closed_ns
    seen.log_open = math.log(bar.open)
    seen.log_high = math.log(bar.high)
    seen.log_low = math.log(bar.low)
    close = math.log(bar.close)
    seen.log_close = close
    past[(seen.bars - 1) & (RING - 1)] = close
    seen.volume_known = 1 if setup.has_volume and bar.volume >= 0.0 else 0
    seen.flow_known = 1 if setup.has_flow and bar.taker_volume >= 0.0 and bar.taker_volume <= bar.volume else 0
    seen.has_funding = setup.has_funding
    seen.young = 1.0 / seen.bars
    if seen.bars == 1:
        seen.true_range = seen.log_high - seen.log_low
        seen.sigma_fast = math.nan
        seen.sigma = math.nan
        seen.sigma_slow = math.nan
        return
    seen.change = close - before
    seen.true_range = max(seen.log_high, before) - min(seen.log_low, before)
    seen.young_return = 1.0 / (seen.bars - 1)
    seen.still = seen.still + 1 if seen.change == 0.0 else 0
    square = seen.change * seen.change
    seen.fast += gain(_FAST_SHARE, seen.young_return) * (square - seen.fast)
    seen.usual += gain(_USUAL_SHARE, seen.young_return) * (square - seen.usual)
    seen.slow += gain(_SLOW_SHARE, seen.young_return) * (square - seen.slow)
    is_moving = seen.still < USUAL
    if seen.bars > FAST and is_moving and seen.fast > DUST:
        seen.sigma_fast = math.sqrt(seen.fast)
    else:
        seen.sigma_fast = math.nan
    if seen.bars > USUAL and is_moving and seen.usual > DUST:
        seen.sigma = math.sqrt(seen.usual)
    else:
        seen.sigma = math.nan
    if seen.bars > SLOW and is_moving and seen.slow > DUST:
        seen.sigma_slow = math.sqrt(seen.slow)
    else:
        seen.sigma_slow = math.nan


@kernel
def close_before(past: Any, seen: Any, bars: int) -> float:
    """Log close `bars` bars before the newest, 0 <= bars < RING; only where seen.bars > bars."""
    return past[(seen.bars - 1 - bars) & (RING - 1)]
