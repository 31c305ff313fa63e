"""What came and went in a second of the order book (domain.seconds), as columns of the input's `micro` and into the indicators that hear it."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.advance import hear
from metastackerbandit.features.input_bars import is_kept
from metastackerbandit.features.input_state import DEPTH, OFI, PULLED, QUEUE


@kernel
def _share(part: float, whole: float) -> float:
    """A part of a whole; NaN of nothing."""
    return part / whole if whole > 0.0 else math.nan


@kernel
def take_row(state: Any, seconds: Any, place: int) -> None:
    """Take seconds[place] (N,) of SecondRow, once the consolidated book's second has been taken; one without a trusted book changes nothing."""
    of = state.indicated
    hear(seconds, place, of.hearing, of.silent, of.cells)
    row = seconds[place]
    if row.is_trusted == 0 or not is_kept(state.course[0].second, row.second):
        return
    for at in (row.second % 300, row.second % 300 + 300):
        state.micro[at, OFI] = _share(row.ofi_1, row.bid_depth_5 + row.ask_depth_5)
        state.micro[at, QUEUE] = _share(row.bid_depth_1 - row.ask_depth_1, row.bid_depth_1 + row.ask_depth_1)
        state.micro[at, DEPTH] = _share(row.bid_depth_20 - row.ask_depth_20, row.bid_depth_20 + row.ask_depth_20)
        state.micro[at, PULLED] = row.bid_pulled - row.ask_pulled
