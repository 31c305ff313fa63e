"""Rows as frames: what was read already (tables of other recorders, stored columns) in a form that goes through the same feeds as a venue's bytes.

A frame is 64-bit words, little-endian: the kind, the row's fields in their order without `received_ns`, and for a book message its levels as
ticks and lots, bids first. Nothing is rounded, and nothing is text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.market_rows import DEPTH, QUOTE, TRADES, DepthRow, QuoteRow, TradeRow

ROW_OF: dict[int, type[Struct]] = {DEPTH: DepthRow, TRADES: TradeRow, QUOTE: QuoteRow}
FIELDS = {kind: tuple(name for name in row.__struct_fields__ if name != "received_ns") for kind, row in ROW_OF.items()}


class Frames(NamedTuple):
    """Frames (F,): text[starts[f]:ends[f]] (uint8), received at received_ns[f]."""

    text: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    received_ns: np.ndarray


def frames_of_rows(kind: int, rows: np.ndarray, levels: np.ndarray | None = None) -> Frames:
    """A frame for each row (N,) in the layout of the kind's Struct; `levels` (L, 2) of all book messages one after another, bids before asks.

    ValueError where there are not as many levels as the rows say.
    """
    if rows.dtype != layout(ROW_OF[kind]):
        raise TypeError(f"rows of kind {kind} are {ROW_OF[kind].__name__}, not {rows.dtype}")
    head = np.empty((len(rows), 1 + len(FIELDS[kind])), "<i8")
    head[:, 0] = kind
    for place, name in enumerate(FIELDS[kind]):
        head[:, 1 + place] = rows[name]
    counts = rows["bids"] + rows["asks"] if kind == DEPTH else np.zeros(len(rows), np.int64)
    if int(counts.sum()) != (0 if levels is None else len(levels)):
        raise ValueError(f"rows say {int(counts.sum())} levels, given are {0 if levels is None else len(levels)}")
    words = head.shape[1] + 2 * counts
    ends = np.cumsum(words)
    text = np.empty(int(words.sum()), "<i8")
    is_head = np.zeros(len(text), np.bool_)
    is_head[((ends - words)[:, None] + np.arange(head.shape[1])).ravel()] = True
    text[is_head] = head.ravel()
    if levels is not None:
        text[~is_head] = levels.ravel()
    return Frames(text.view(np.uint8), (ends - words) * 8, ends * 8, rows["received_ns"].astype(np.int64))


def joined(parts: list[Frames]) -> tuple[Frames, np.ndarray]:
    """Frames of several kinds in the order of their arrival, an earlier part's first where two came at once; and which of all stands where (F,)."""
    offsets = np.cumsum([0, *(len(part.text) for part in parts)])[:-1]
    starts, ends = (np.concatenate([part[n] + offset for part, offset in zip(parts, offsets, strict=True)]) for n in (1, 2))
    received = np.concatenate([part.received_ns for part in parts])
    order = np.argsort(received, kind="stable")
    return Frames(np.concatenate([part.text for part in parts]), starts[order], ends[order], received[order]), order
