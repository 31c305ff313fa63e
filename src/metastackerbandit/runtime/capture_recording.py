"""A capture as a recording that drives the engine: bars of one second from its trades, and the seconds of its order books."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import joined, kernel, layout
from metastackerbandit.domain.market_rows import TRADES
from metastackerbandit.domain.recording import QualityIssue, Recording
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


class Heard(Struct, frozen=True, eq=False):
    """What a replay hears of some instruments, one of each: bars[s] (N_s,) of Bar, seconds[s] (Q_s,) of SecondRow, and how many trades are in no bar
    since they came late or were broken; all of it received `ahead_ns` later than the recorder's clock says."""

    bars: tuple[np.ndarray, ...]
    seconds: tuple[np.ndarray, ...]
    late: tuple[int, ...]
    refused: tuple[int, ...]
    ahead_ns: int


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


def best_bid(checked: CheckedCapture, symbol: str) -> float | None:
    """The best bid of a symbol's book at a capture's end, None where there is no book then."""
    (best,) = (book["best"][0] for book in checked.books if book["symbol"] == symbol)
    return None if best is None else float(best)


def heard_in(capture: Capture, instruments: Sequence[Instrument], ahead_ns: int, settings: QualitySettings) -> Heard:
    """Bars of one second and seconds of the book of these instruments of one venue, all of it received `ahead_ns` later than the capture says."""
    capture = on_one_clock(capture, ahead_ns)
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
    told = mine.seconds.out[: int(mine.seconds.course[0]["written"])]
    return Heard(
        bars=tuple(mine.closed[s, : int(mine.gathered[s])].copy() for s in range(count)),
        seconds=tuple(joined([told[told["instrument"] == s]]) for s in range(count)),
        late=tuple(int(number) for number in mine.bars.tape["late"]),
        refused=tuple(int(number) for number in mine.bars.tape["refused"]),
        ahead_ns=ahead_ns,
    )


def recording_of_capture(
    capture: Capture, instruments: Sequence[Instrument], checked: CheckedCapture, settings: QualitySettings, notices: tuple[str, ...] = ()
) -> Recording:
    """Bars of one second and seconds of the book of these instruments of one venue, with what was found wrong when it was checked.

    Bars go by the venue's clock and seconds by the recorder's. Where something was received before it was sent, all is taken to have come so
    much later that nothing was; that is told. Without trades there are no bars, and nothing to trade.

    Raises:
        DataRefused: an instrument has no trades, or fewer than make two bars.
    """
    heard = heard_in(capture, instruments, checked.ahead_ns, settings)
    for one, own in zip(instruments, heard.bars, strict=True):
        if len(own) < 2:
            what = f"{one.symbol} has {len(own)} bars of a second: the capture has too few trades of it"
            raise DataRefused(what, where=capture.source, mend="record its trades too, or leave it out with --symbols")
    left_out = [notice for s, one in enumerate(instruments) for notice in left_out_notices(one.symbol, heard.late[s], heard.refused[s])]
    told = (*notices, *_on_clocks(checked.ahead_ns), *left_out)
    return recording_of_seconds(instruments, heard.bars, heard.seconds, capture.source, told, checked.issues)


def recording_of_seconds(
    instruments: Sequence[Instrument],
    bars: tuple[np.ndarray, ...],
    seconds: tuple[np.ndarray, ...],
    source: str,
    notices: tuple[str, ...],
    issues: tuple[QualityIssue, ...] = (),
) -> Recording:
    """Bars of one second and the seconds of the books, one of each an instrument, as a recording; its digest is of nothing but these."""
    return Recording(
        instruments=tuple(instruments),
        base_ns=SECOND_NS,
        bars=bars,
        funding=(None,) * len(bars),
        has_volume=(True,) * len(bars),
        has_flow=tuple(bool(np.isfinite(own["taker_volume"]).all()) for own in bars),
        seconds=seconds,
        source=source,
        digest=_digest(list(instruments), bars, seconds),
        notices=notices,
        issues=issues,
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


def left_out_notices(symbol: str, late: int, refused: int) -> tuple[str, ...]:
    """Trades that are in no bar."""
    reasons = ((late, f"came more than {PROMPT.grace_s:g} s after a younger one, or the clock"), (refused, "were broken"))
    return tuple(f"{symbol}: {number:,} trades {why}, and are in no bar" for number, why in reasons if number)
