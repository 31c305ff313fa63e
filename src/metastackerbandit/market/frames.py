"""Source candles as the closed bars of a frame: the resampling step, repeated over history."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import kernel, layout, rows
from metastackerbandit.market.resample import Forming, absorb, overdue


@kernel
def close_frames(candles: Any, base_ns: int, frame_ns: int, forming: Any, bars: Any) -> int:
    """Write every bar that candles (M,) close into bars (M + 1,) and count them; a bar with holes is known at the next candle's open."""
    count = 0
    for place in range(len(candles)):
        candle = candles[place]
        if overdue(forming[0], candle.opened_ns, base_ns, frame_ns, bars[count]):
            count += 1
        if absorb(forming[0], candle, base_ns, frame_ns, bars[count]):
            count += 1
    return count


def frame_bars(candles: np.ndarray, base_ns: int, frame_ns: int) -> np.ndarray:
    """Candles (M,) of `base_ns` -> closed bars (N,) of `frame_ns`, both in the layout of Bar; a bar still open at the end is left out."""
    bars = rows(Bar, len(candles) + 1)
    count = int(close_frames(np.ascontiguousarray(candles).astype(layout(Bar), copy=False), base_ns, frame_ns, rows(Forming, 1), bars))
    return bars[:count].copy()
