"""A capture as a recording that drives the engine: bars of one second from its trades, and the seconds of its order books."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import joined, kernel, layout
from metastackerbandit.domain.market_rows import TRADES
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.market.bar_ring import Bars
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import empty_bars, tick
from metastackerbandit.market.settings import BarSettings, QualitySettings
from metastackerbandit.market.trade_ids import TradeIds
from metastackerbandit.runtime.bar_feed import put_in, trade_ids_of
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_check import CheckedCapture
from metastackerbandit.runtime.capture_rules import codec_in, is_inverse
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.runtime.second_feed import SecondFeed, close_seconds, hear, second_feed

# A second without a trade is a bar: the book says whether anybody was listening. Trades of one connection come in order, so little grace is needed,
# and bars of a second that are known two seconds later would be stale.
PROMPT = BarSettings(fills_gaps=True, grace_s=0.25)
TICK_NS = 50_000_000  # between looks at the clock, which closes bars where nobody deals


class Gathering(NamedTuple):
    """What gathers a recording: the seconds, the bars of one frame, how many of each instrument are taken out, and where to."""

    seconds: SecondFeed
    bars: Bars
    gathered: Any  # (S,) int64
    closed: Any  # (S, N) Bar
    next_tick: Any  # (1,) int64 UTC ns
    ids: TradeIds


@kernel
def before_frame(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """Seconds that ended are written, and bars that are due closed."""
    close_seconds(mine.seconds, market, frame, received_ns)
    if received_ns >= mine.next_tick[0]:
        mine.next_tick[0] = received_ns + 50_000_000
        tick(mine.bars, received_ns)
        for s in range(len(mine.gathered)):
            gather(mine.bars, s, mine.gathered, mine.closed[s])


@kernel
def after_frame(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """Book and tape are followed; trades go into the bars, and what they close is taken out."""
    hear(mine.seconds, market, frame, received_ns, kind, alone, is_again)
    if kind == TRADES and not is_again:
        for n in range(market.decoded.found[0].rows):
            trade = market.decoded.trades[n]
            put_in(mine.bars, mine.ids, trade)
            gather(mine.bars, trade.instrument, mine.gathered, mine.closed[trade.instrument])


@kernel
def gather(bars: Any, s: int, gathered: Any, closed: Any) -> None:
    """Take out what has closed since: the bars of an instrument on the one frame."""
    length = bars.closed.shape[2] // 2
    written = bars.cursor[s, 0].written
    first = max(gathered[s], written - length)
    for n in range(first, written):
        if n < len(closed):
            row = bars.closed[s, 0, n % length]
            out = closed[n]
            out.opened_ns = row.opened_ns
            out.closed_ns = row.closed_ns
            out.known_ns = row.known_ns
            out.open = row.open
            out.high = row.high
            out.low = row.low
            out.close = row.close
            out.volume = row.volume
            out.parts = row.parts
            out.parts_due = row.parts_due
            out.quote_volume = row.quote_volume
            out.taker_volume = row.taker_volume
            out.trades = row.trades
    gathered[s] = written


def refuse_inverse(instruments: Sequence[Instrument]) -> None:
    """Contracts that are worth a fixed amount of quote currency and are settled in coins cannot be traded by the engine."""
    for one in instruments:
        if is_inverse(one):
            raise InstrumentRefused(
                f"{one.symbol} is an inverse contract, settled in coins", mend="replay spot or USD-M; `msb data check` and `msb heatmap` read it"
            )


def on_one_clock(capture: Capture, ahead_ns: int) -> Capture:
    """The capture as a recorder would have written it whose clock is not behind the venue's: received `ahead_ns` later."""
    return structs.replace(capture, received_ns=capture.received_ns + ahead_ns)


def recording_of_capture(
    capture: Capture, instruments: Sequence[Instrument], checked: CheckedCapture, settings: QualitySettings, notices: tuple[str, ...] = ()
) -> Recording:
    """Bars of one second and seconds of the book of these instruments of one venue, with what was found wrong when it was checked.

    Bars go by the venue's clock and seconds by the recorder's. Where something was received before it was sent, all is taken to have come so
    much later that nothing was; that is told. Without trades there are no bars, and nothing to trade.

    Raises:
        DataRefused: an instrument has no trades, or fewer than make two bars.
    """
    capture = on_one_clock(capture, checked.ahead_ns)
    frames, count, codec = frames_of(capture, instruments), len(instruments), codec_in(capture, instruments)
    span_s = int(np.ptp(capture.received_ns) // SECOND_NS) + 10 if len(capture.received_ns) else 0
    mine = Gathering(
        seconds=second_feed(capture.received_ns, instruments, settings=settings),
        bars=empty_bars([bar_terms(one) for one in instruments], (SECOND_NS,), PROMPT),
        gathered=np.zeros(count, np.int64),
        closed=np.zeros((count, span_s), layout(Bar)),
        next_tick=np.zeros(1, np.int64),
        ids=trade_ids_of(codec, count),
    )
    walking(codec.venue, after_frame, before_frame)(frames, feeds_of(instruments, codec=codec), mine)
    bars = tuple(mine.closed[s, : int(mine.gathered[s])].copy() for s in range(count))
    for one, own in zip(instruments, bars, strict=True):
        if len(own) < 2:
            what = f"{one.symbol} has {len(own)} bars of a second: the capture has too few trades of it"
            raise DataRefused(what, where=capture.source, mend="record its trades too, or leave it out with --symbols")
    told = mine.seconds.out[: int(mine.seconds.course[0]["written"])]
    seconds = tuple(joined([told[told["instrument"] == s]]) for s in range(count))
    return Recording(
        instruments=tuple(instruments),
        base_ns=SECOND_NS,
        bars=bars,
        funding=(None,) * count,
        has_volume=(True,) * count,
        has_flow=tuple(bool(np.isfinite(own["taker_volume"]).all()) for own in bars),
        seconds=seconds,
        source=capture.source,
        digest=_digest(instruments, bars, seconds),
        notices=(*notices, *_on_clocks(checked.ahead_ns), *_left_out(instruments, mine.bars)),
        issues=checked.issues,
    )


def _digest(instruments: Sequence[Instrument], bars: Sequence[np.ndarray], seconds: Sequence[np.ndarray]) -> str:
    """Hash of everything that the engine reads."""
    seen = hashlib.sha256(repr(instruments).encode())
    for part in (*bars, *seconds):
        seen.update(np.ascontiguousarray(part).tobytes())
    return seen.hexdigest()


def _on_clocks(ahead_ns: int) -> tuple[str, ...]:
    if ahead_ns == 0:
        return ()
    return (
        f"the recorder's clock was behind the venue's: all is taken to have come {ahead_ns / 1e6:,.1f} ms later, so the quickest frame took no time",
    )


def _left_out(instruments: Sequence[Instrument], bars: Bars) -> tuple[str, ...]:
    """Trades that are in no bar."""
    reasons = {"late": f"came more than {PROMPT.grace_s:g} s after a younger one, or the clock", "refused": "were broken"}
    return tuple(
        f"{one.symbol}: {int(tape[name]):,} trades {why}, and are in no bar"
        for one, tape in zip(instruments, bars.tape, strict=True)
        for name, why in reasons.items()
        if tape[name]
    )
