"""Rows as frames: words in the order of the fields, one frame a row, joined by arrival."""

from __future__ import annotations

import numpy as np
import pytest

from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.market_rows import DEPTH, QUOTE, TRADES, DepthRow, QuoteRow, TradeRow
from metastackerbandit.domain.row_frames import FIELDS, Frames, frames_of_rows, joined


def words(frames: Frames, place: int) -> list[int]:
    found: list[int] = frames.text[frames.starts[place] : frames.ends[place]].view("<i8").tolist()
    return found


def test_a_frame_is_its_kind_its_fields_and_its_levels() -> None:
    depth = rows(DepthRow, 2)
    depth[0] = (0, 2, 3, 4, -1, 5, 6, 7, 1, 2)
    depth[1] = (1, 0, 8, 9, 8, 10, 11, 12, 0, 0)
    levels = np.array([[100, 1], [101, 2], [102, 3]])
    frames = frames_of_rows(DEPTH, depth, levels)
    assert words(frames, 0) == [DEPTH, 0, 2, 3, 4, -1, 5, 6, 1, 2, 100, 1, 101, 2, 102, 3]
    assert words(frames, 1) == [DEPTH, 1, 0, 8, 9, 8, 10, 11, 0, 0]
    assert frames.received_ns.tolist() == [7, 12]
    for kind, row in ((DEPTH, DepthRow), (TRADES, TradeRow), (QUOTE, QuoteRow)):
        assert FIELDS[kind] == tuple(name for name in layout(row).names or () if name != "received_ns")


def test_frames_of_several_kinds_are_joined_by_arrival() -> None:
    trades, quotes = rows(TradeRow, 3), rows(QuoteRow, 2)
    trades["received_ns"], trades["ticks"] = [5, 7, 9], [1, 2, 3]
    quotes["received_ns"], quotes["bid"] = [7, 8], [4, 5]
    frames, order = joined([frames_of_rows(TRADES, trades), frames_of_rows(QUOTE, quotes)])
    assert frames.received_ns.tolist() == [5, 7, 7, 8, 9]
    assert order.tolist() == [0, 1, 3, 4, 2]
    assert [words(frames, place)[0] for place in range(5)] == [TRADES, TRADES, QUOTE, QUOTE, TRADES]
    assert words(frames, 4)[1 + FIELDS[TRADES].index("ticks")] == 3


def test_rows_of_another_kind_and_levels_too_few_are_refused() -> None:
    depth = rows(DepthRow, 1)
    depth["bids"] = 2
    with pytest.raises(ValueError, match="rows say 2 levels, given are 1"):
        frames_of_rows(DEPTH, depth, np.zeros((1, 2), np.int64))
    with pytest.raises(TypeError, match="QuoteRow"):
        frames_of_rows(QUOTE, depth)
