"""Frames of rows that were read already (domain/row_frames.py), as any venue's: checked, and copied into the newest frame's rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel, written
from metastackerbandit.domain.market_rows import DEPTH, NOTHING, QUOTE, TRADES
from metastackerbandit.domain.row_frames import FIELDS
from metastackerbandit.exchanges.decoded import FOREIGN, MALFORMED, NEGATIVE, TOO_MANY, TRUNCATED

DEPTH_WORDS, TRADE_WORDS, QUOTE_WORDS = (1 + len(FIELDS[kind]) for kind in (DEPTH, TRADES, QUOTE))


@kernel
def word_at(text: Any, place: int) -> int:
    """The `place`-th 64-bit word of a frame, little-endian."""
    value: Any = np.int64(0)
    for n in range(8):
        value |= np.int64(text[8 * place + n]) << np.int64(8 * n)
    return value


def _copier(name: str, kind: int) -> Any:
    """A kernel that copies a frame's words into a row of its kind, field by field."""
    lines = [f"    row.{field} = word_at(text, {place})" for place, field in enumerate(FIELDS[kind], 1)]
    return kernel(written(name, "\n".join((f"def {name}(text, row):", *lines)), {"word_at": word_at}, __name__))


copy_depth, copy_trade, copy_quote = _copier("copy_depth", DEPTH), _copier("copy_trade", TRADES), _copier("copy_quote", QUOTE)


@kernel
def scan(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """Read one frame text[:end] into `decoded`; its kind. Where something is wrong the kind is NOTHING, and `decoded.found` says what."""
    found = decoded.found[0]
    found.rows = 0
    found.fault = 0
    kind = _read(text, end, received_ns, len(routes), decoded)
    if kind < 0:
        found.fault = -kind
        kind = NOTHING
    else:
        found.rows = 1
    found.kind = kind
    return kind


@kernel
def _read(text: Any, end: int, received_ns: int, count: int, decoded: Any) -> int:
    """The frame's kind, or minus the fault."""
    if end < 16:
        return -TRUNCATED
    if end % 8 != 0:
        return -MALFORMED
    kind, instrument = word_at(text, 0), word_at(text, 1)
    if instrument < 0 or instrument >= count:
        return -FOREIGN
    words = end // 8
    if kind == DEPTH:
        return _depth(text, words, received_ns, decoded)
    if kind == TRADES:
        return _trade(text, words, received_ns, decoded.trades[0])
    if kind == QUOTE:
        return _quote(text, words, received_ns, decoded.quotes[0])
    return -MALFORMED


@kernel
def _depth(text: Any, words: int, received_ns: int, decoded: Any) -> int:
    row = decoded.depth[0]
    if words < DEPTH_WORDS:
        return -TRUNCATED
    copy_depth(text, row)
    row.received_ns = received_ns
    if row.bids < 0 or row.asks < 0 or row.is_whole < 0 or row.is_whole > 2:
        return -MALFORMED
    if row.bids > len(decoded.bids) or row.asks > len(decoded.asks):
        return -TOO_MANY
    if words != DEPTH_WORDS + 2 * (row.bids + row.asks):
        return -TRUNCATED
    fault = _levels(text, DEPTH_WORDS, row.bids, decoded.bids)
    if fault == 0:
        fault = _levels(text, DEPTH_WORDS + 2 * row.bids, row.asks, decoded.asks)
    return fault if fault < 0 else DEPTH


@kernel
def _levels(text: Any, place: int, count: int, side: Any) -> int:
    """So many levels from a word on; 0, or minus the fault."""
    for n in range(count):
        ticks, lots = word_at(text, place + 2 * n), word_at(text, place + 2 * n + 1)
        if ticks <= 0 or lots < 0:
            return -NEGATIVE
        side[n, 0] = ticks
        side[n, 1] = lots
    return 0


@kernel
def _trade(text: Any, words: int, received_ns: int, row: Any) -> int:
    if words != TRADE_WORDS:
        return -TRUNCATED
    copy_trade(text, row)
    row.received_ns = received_ns
    return -NEGATIVE if row.ticks <= 0 or row.lots <= 0 else TRADES


@kernel
def _quote(text: Any, words: int, received_ns: int, row: Any) -> int:
    if words != QUOTE_WORDS:
        return -TRUNCATED
    copy_quote(text, row)
    row.received_ns = received_ns
    return -NEGATIVE if row.bid < 0 or row.ask < 0 or row.bid_lots < 0 or row.ask_lots < 0 else QUOTE
