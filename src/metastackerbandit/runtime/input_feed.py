"""A capture as standard model inputs: its frames through books, bars and quality, and the input of one instrument at each time that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import MARK, TRADES
from metastackerbandit.domain.model_input import ModelInput
from metastackerbandit.features.input_now import Written, advance_input, room_for, take_mark, write_input, write_quality
from metastackerbandit.features.input_state import InputState
from metastackerbandit.features.model_input import InputStream, Watched
from metastackerbandit.market.bars import BAR_FRAMES, Bars, BarTerms, bar_terms, empty_bars, take
from metastackerbandit.market.cob import Cob, CobTerms, empty_cob
from metastackerbandit.market.quality import Quality, begin_watch, limits_of
from metastackerbandit.market.settings import BarSettings, QualitySettings
from metastackerbandit.runtime.book_feed import Feeds, feeds_of
from metastackerbandit.runtime.book_quality import book_quality, judge
from metastackerbandit.runtime.cob_feed import close_seconds
from metastackerbandit.runtime.frame_walk import frames_of, walking


class Market(NamedTuple):
    """What is kept of a venue's instruments as frames come: bars and trades, the book by the second, quality; `live` and `second` are cob_feed's."""

    cob: Cob
    live: Any  # (1,) bool
    second: Any  # (1,) int64
    bars: Bars
    quality: Quality
    limits: Any  # (1,) QualitySettings


class Asking(NamedTuple):
    """Inputs that are asked for: of the instrument at `places[0]`, whose reference stands at `places[1]` (-1: none), at times `at_ns` (N,)."""

    cob: Cob
    live: Any
    second: Any
    bars: Bars
    quality: Quality
    limits: Any
    state: InputState
    reference: InputState
    places: Any  # (2,) int64
    at_ns: Any  # (N,) int64, ascending
    asked: Any  # (1,) int64, how many were answered
    out: Written
    masks: Written


@kernel
def answer(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """A frame is about to be taken: inputs as of times at or before its own are written from what came before it."""
    while mine.asked[0] < len(mine.at_ns) and mine.at_ns[mine.asked[0]] <= received_ns:
        at_ns = mine.at_ns[mine.asked[0]]
        close_seconds(mine, market, frame, at_ns)
        advance_both(mine, at_ns)
        s, has_reference = mine.places[0], mine.places[1] >= 0
        n, grace_ns = mine.asked[0], mine.bars.rules[0].grace_ns
        write_input(mine.state, mine.reference, has_reference, mine.cob, s, at_ns, grace_ns, n, mine.out, mine.masks)
        write_quality(mine.quality, s, mine.limits, at_ns, n, mine.out)
        mine.asked[0] += 1
    if received_ns // 1_000_000_000 > mine.second[0]:
        close_seconds(mine, market, frame, received_ns)
        advance_both(mine, received_ns)


@kernel
def advance_both(mine: Any, now_ns: int) -> None:
    """Take what has closed, of the instrument and of its reference."""
    advance_input(mine.state, mine.bars, mine.cob, mine.places[0], now_ns)
    if mine.places[1] >= 0:
        advance_input(mine.reference, mine.bars, mine.cob, mine.places[1], now_ns)


@kernel
def hear(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """A frame was taken: its trades, mark prices and what it says of the feed."""
    judge(market, mine.quality, mine.limits[0], kind, received_ns, alone >= 0, is_again)
    if is_again:
        return
    if kind == TRADES:
        for n in range(market.decoded.found[0].rows):
            take(mine.bars, market.decoded.trades[n])
    elif kind == MARK:
        for n in range(market.decoded.found[0].rows):
            if market.decoded.marks[n].instrument == mine.places[0]:
                take_mark(mine.state, market.decoded.marks[n])


def market_of(
    instruments: Sequence[Instrument],
    begins_ns: int,
    *,
    terms: Sequence[BarTerms] = (),
    widths: Sequence[int] = (),
    settings: BarSettings | None = None,
    limits: QualitySettings | None = None,
) -> tuple[Market, Feeds]:
    """What is kept of these instruments of one venue, watched from `begins_ns` on; `terms` of inverse contracts must be given (market.bars)."""
    count = len(instruments)
    buckets = rows(CobTerms, count)
    buckets["width"] = widths or 0
    buckets["unit"] = [float(one.tick_size) * float(one.lot_size) for one in instruments]
    bars = empty_bars(terms or [bar_terms(one) for one in instruments], tuple(BAR_FRAMES.values()), settings or BarSettings())
    quality, bounds = book_quality(count), limits_of(limits or QualitySettings())
    begin_watch(quality, bounds[0], begins_ns)
    return Market(empty_cob(buckets), np.zeros(1, np.bool_), np.zeros(1, np.int64), bars, quality, bounds), feeds_of(instruments)


def inputs_of(
    capture: Capture,
    instruments: Sequence[Instrument],
    symbol: str,
    at_ns: Sequence[int],
    *,
    reference: str = "",
    terms: Sequence[BarTerms] = (),
    widths: Sequence[int] = (),
) -> tuple[ModelInput, ...]:
    """The inputs of a symbol as of these times (UTC ns, ascending), each from the frames that came before its time and nothing else.

    `reference` is another symbol of the capture; where it is the same one, or "", there is none.
    """
    symbols = [one.symbol for one in instruments]
    s = symbols.index(symbol)
    r = symbols.index(reference) if reference and reference != symbol else -1
    kept, market = market_of(instruments, int(capture.received_ns[0]) if len(capture.received_ns) else 0, terms=terms, widths=widths)
    other = InputStream(instruments[r], r, kept.bars, kept.cob) if r >= 0 else None
    watched = Watched(kept.quality, kept.limits)
    stream = InputStream(instruments[s], s, kept.bars, kept.cob, reference=other, watched=watched, lineage="recorded")
    out, masks = room_for(len(at_ns)), room_for(len(at_ns), np.bool_)
    states = (stream.state, other.state if other is not None else stream.state)
    asking = Asking(*kept, *states, np.array([s, r]), np.array(at_ns, np.int64), np.zeros(1, np.int64), out, masks)
    walking(instruments[0].venue, hear, answer)(frames_of(capture, instruments), market, asking)
    if len(at_ns):
        answer(asking, market, 0, int(at_ns[-1]))
    return tuple(stream.made(out, masks, n, int(when)) for n, when in enumerate(at_ns))
