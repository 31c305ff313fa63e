"""A capture as standard model inputs: its frames through books, bars and quality, and the input of one instrument at each time that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import MARK, TRADES
from metastackerbandit.domain.model_input import ModelInput
from metastackerbandit.features.input_flow import take_row
from metastackerbandit.features.input_now import Written, advance_input, room_for, take_mark, write_input, write_quality
from metastackerbandit.features.input_state import InputState
from metastackerbandit.features.model_input import InputStream, Watched
from metastackerbandit.market.bar_ring import Bars
from metastackerbandit.market.bar_terms import BarTerms, bar_terms
from metastackerbandit.market.bars import BAR_FRAMES, empty_bars, take
from metastackerbandit.market.cob import Cob
from metastackerbandit.market.micro import Micro
from metastackerbandit.market.quality_rows import Quality
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.runtime.book_feed import Feeds, feeds_of
from metastackerbandit.runtime.book_quality import judge
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.runtime.second_feed import close_seconds, follow, second_feed


class Market(NamedTuple):
    """What is kept of a venue's instruments as frames come: seconds of their books (runtime.second_feed), and bars and trades."""

    micro: Micro
    cob: Cob
    live: Any  # (1,) bool, scratch
    quality: Quality
    limits: Any  # (1,) QualitySettings
    course: Any  # (1,) SecondCourse
    out: Any  # (N,) SecondRow
    bars: Bars


class Asking(NamedTuple):
    """Inputs that are asked for: of the instrument at `places[0]`, whose reference stands at `places[1]` (-1: none), at times `at_ns` (N,).

    The first fields are Market's.
    """

    micro: Micro
    cob: Cob
    live: Any
    quality: Quality
    limits: Any
    course: Any
    out: Any
    bars: Bars
    state: InputState
    reference: InputState
    places: Any  # (2,) int64
    at_ns: Any  # (N,) int64, ascending
    asked: Any  # (1,) int64, how many were answered
    inputs: Written
    masks: Written


@kernel
def close_and_advance(mine: Any, market: Any, frame: int, now_ns: int) -> None:
    """Close the seconds that have ended, and take what has closed, of the instrument and of its reference."""
    first = mine.course[0].written
    close_seconds(mine, market, frame, now_ns)
    advance_input(mine.state, mine.bars, mine.cob, mine.places[0], now_ns)
    if mine.places[1] >= 0:
        advance_input(mine.reference, mine.bars, mine.cob, mine.places[1], now_ns)
    for n in range(first, mine.course[0].written):
        if mine.out[n].instrument == mine.places[0]:
            take_row(mine.state, mine.out, n)
        elif mine.out[n].instrument == mine.places[1]:
            take_row(mine.reference, mine.out, n)


@kernel
def answer(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """A frame is about to be taken: inputs as of times at or before its own are written from what came before it."""
    while mine.asked[0] < len(mine.at_ns) and mine.at_ns[mine.asked[0]] <= received_ns:
        at_ns = mine.at_ns[mine.asked[0]]
        close_and_advance(mine, market, frame, at_ns)
        s, has_reference = mine.places[0], mine.places[1] >= 0
        n, grace_ns = mine.asked[0], mine.bars.rules[0].grace_ns
        write_input(mine.state, mine.reference, has_reference, mine.cob, s, at_ns, grace_ns, n, mine.inputs, mine.masks)
        write_quality(mine.quality, s, mine.limits, at_ns, n, mine.inputs)
        mine.asked[0] += 1
    if received_ns // 1_000_000_000 > mine.course[0].second:
        close_and_advance(mine, market, frame, received_ns)


@kernel
def hear(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """A frame was taken: its trades, mark prices and what it says of the feed."""
    judge(market, mine.quality, mine.limits[0], kind, received_ns, alone >= 0, is_again)
    follow(mine.micro, market, received_ns, kind, is_again)
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
    times_ns: np.ndarray,
    instruments: Sequence[Instrument],
    *,
    terms: Sequence[BarTerms] = (),
    widths: Sequence[int] = (),
    settings: BarSettings | None = None,
) -> tuple[Market, Feeds]:
    """What is kept of these instruments of one venue, whose seconds are closed at these times (F,); `terms` of inverse contracts must be given."""
    bars = empty_bars(terms or [bar_terms(one) for one in instruments], tuple(BAR_FRAMES.values()), settings or BarSettings())
    return Market(*second_feed(times_ns, instruments, widths), bars), feeds_of(instruments)


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
    times_ns = np.sort(np.concatenate((np.maximum.accumulate(capture.received_ns), np.array(at_ns, np.int64))))
    kept, market = market_of(times_ns, instruments, terms=terms, widths=widths)
    other = InputStream(instruments[r], r, kept.bars, kept.cob) if r >= 0 else None
    watched = Watched(kept.quality, kept.limits)
    stream = InputStream(instruments[s], s, kept.bars, kept.cob, reference=other, watched=watched, lineage="recorded")
    inputs, masks = room_for(len(at_ns)), room_for(len(at_ns), np.bool_)
    states = (stream.state, other.state if other is not None else stream.state)
    asking = Asking(*kept, *states, np.array([s, r]), np.array(at_ns, np.int64), np.zeros(1, np.int64), inputs, masks)
    walking(instruments[0].venue, hear, answer)(frames_of(capture, instruments), market, asking)
    if len(at_ns):
        answer(asking, market, 0, int(at_ns[-1]))
    return tuple(stream.made(inputs, masks, n, int(when)) for n, when in enumerate(at_ns))
