"""A capture's trades as bars: every frame through the scanner, every trade into the bars of all frames, as it would be live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import TRADES
from metastackerbandit.exchanges.binance.scan import scan
from metastackerbandit.exchanges.catalog import Codec
from metastackerbandit.market.bar_ring import Bars
from metastackerbandit.market.bar_terms import BarTerms
from metastackerbandit.market.bars import BAR_FRAMES, LATE, TAKEN, empty_bars, take
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.market.trade_ids import TradeIds, empty_trade_ids, is_new, remember
from metastackerbandit.runtime.book_feed import feeds_of, scanning
from metastackerbandit.runtime.capture_rules import codec_in, places_of_replies


@kernel
def put_in(bars: Any, ids: Any, trade: Any) -> None:
    """A trade goes into the bars, unless it has come before."""
    if is_new(ids, trade):
        verdict = take(bars, trade)
        if verdict == TAKEN or verdict == LATE:
            remember(ids, trade)


@kernel
def fill_bars(text: Any, starts: Any, ends: Any, received: Any, alone: Any, market: Any, bars: Any, ids: Any) -> None:
    """Every frame (F,) of a capture; its trades go into the bars."""
    for f in range(len(starts)):
        frame = text[starts[f] : ends[f]]
        kind = scan(frame, len(frame), received[f], market.symbols, market.routes, market.decoded, market.fields, market.inner, alone[f])
        if kind == TRADES:
            for n in range(market.decoded.found[0].rows):
                put_in(bars, ids, market.decoded.trades[n])


def trade_ids_of(codec: Codec, count: int) -> TradeIds:
    """By which the trades of so many instruments are told apart, none of them seen yet."""
    return empty_trade_ids(count, numbered=codec.numbers_trades)


def bars_of(
    capture: Capture,
    instruments: Sequence[Instrument],
    terms: Sequence[BarTerms],
    settings: BarSettings,
    frames: Sequence[int] = tuple(BAR_FRAMES.values()),
) -> Bars:
    """The bars of these instruments as they stand at the capture's end: what its last trade did not close is open."""
    codec = codec_in(capture, instruments)
    market, bars = feeds_of(instruments, 1, codec), empty_bars(terms, frames, settings)
    alone = places_of_replies(capture, [one.symbol for one in instruments])
    fill = scanning(fill_bars, codec.venue)
    fill(capture.text, capture.starts, capture.ends, capture.received_ns, alone, market, bars, trade_ids_of(codec, len(instruments)))
    return bars
