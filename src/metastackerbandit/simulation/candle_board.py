"""The candles of an exchange: what was before it began, and what its own trades make, in every frame that is asked for.

Minutes and five-minute bars are kept; any longer frame is made of them when it is asked for, so that all frames agree. A frame's newest candle is
the one that still forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import joined, kernel, layout, rows
from metastackerbandit.domain.market_rows import TradeRow
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.market.bar_ring import closed_bars
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import empty_bars, take, tick
from metastackerbandit.market.resample import Forming, absorb
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.simulation.queues import Queues

FIVE_NS = 5 * MINUTE_NS
_FRAMES = (SECOND_NS, MINUTE_NS)
_ROOM = 4_096  # bars that a series grows by


class _Series:
    """Bars that grow at the end; the oldest half goes once there are twice as many as are kept."""

    def __init__(self, kept: int) -> None:
        self._kept, self._bars, self._count = kept, np.zeros(_ROOM, layout(Bar)), 0

    @property
    def bars(self) -> np.ndarray:
        """All of them, a view."""
        return self._bars[: self._count]

    def add(self, more: np.ndarray) -> None:
        """Bars that follow the newest one."""
        if self._count + len(more) > 2 * self._kept:
            kept = self.bars[-self._kept :].copy()
            self._bars[: len(kept)], self._count = kept, len(kept)
        if self._count + len(more) > len(self._bars):
            grown = np.zeros(self._count + len(more) + max(_ROOM, self._count // 2), layout(Bar))
            grown[: self._count] = self.bars
            self._bars = grown
        self._bars[self._count : self._count + len(more)] = more
        self._count += len(more)


class CandleBoard:
    """Candles of an exchange's instruments, of which so many minutes and five-minute bars are kept at least."""

    def __init__(self, instruments: Sequence[Instrument], *, minutes: int = 100_000, fives: int = 250_000) -> None:
        settings = BarSettings(grace_s=0.0, fills_gaps=True, most_ticks=1)
        self._live = empty_bars([bar_terms(one) for one in instruments], _FRAMES, settings)
        self._minutes = [_Series(minutes) for _ in instruments]
        self._fives = [_Series(fives) for _ in instruments]
        self._forming = [rows(Forming, 1) for _ in instruments]
        self._written = [0] * len(instruments)
        self._seen = [0] * len(instruments)
        self._trade = rows(TradeRow, 1)

    def begin(self, s: int, fives: np.ndarray, minutes: np.ndarray) -> None:
        """What was before: five-minute bars (N,), and minutes (M,) that follow them, in the layout of Bar; both end at whole five minutes."""
        self._fives[s].add(fives)
        self._keep(s, minutes)

    def follow(self, queues: Queues, now_ns: int) -> None:
        """Take the trades since this was last called; bars that are over close."""
        for s in range(len(self._seen)):
            self._seen[s] = int(_take_trades(self._live, queues, s, self._seen[s], self._trade))
        tick(self._live, now_ns)
        for s, before in enumerate(self._written):
            written = int(self._live.cursor[s, 1]["written"])
            if written > before:
                self._keep(s, closed_bars(self._live, s, 1, written - before))
                self._written[s] = written

    def candles(self, s: int, frame_ns: int, from_ns: int, to_ns: int, limit: int, *, newest: bool) -> np.ndarray:
        """Candles (N,) that open in [from, to), oldest first: the first `limit` of them, or the newest; the last may still form."""
        if frame_ns == SECOND_NS:
            base = joined([closed_bars(self._live, s, 0), self._open_bar(s, 0)])
        else:
            base = self._base(s, frame_ns, from_ns, to_ns, limit, newest)
        made = resampled(base, frame_ns)
        opened = made["opened_ns"]
        made = made[(opened >= from_ns) & (opened < to_ns)]
        return made[-limit:] if newest else made[:limit]

    def _base(self, s: int, frame_ns: int, from_ns: int, to_ns: int, limit: int, newest: bool) -> np.ndarray:
        """The bars that the wanted candles are made of, no more than they need: only these are copied."""
        minutes, fives = self._minutes[s].bars, self._fives[s].bars if frame_ns >= FIVE_NS else rows(Bar, 0)
        minutes = minutes[np.searchsorted(minutes["opened_ns"], int(fives[-1]["closed_ns"]) if len(fives) else 0) :]
        parts = (fives, minutes, self._open_bar(s, 1))  # each follows the one before it
        ends = np.cumsum([len(part) for part in parts])

        def place(at_ns: int) -> int:
            """Of the first bar that opens then or later."""
            return sum(int(np.searchsorted(part["opened_ns"], at_ns)) for part in parts)

        def opened(at: int) -> int:
            n = int(np.searchsorted(ends, at, side="right"))
            return int(parts[n][at - ends[n]]["opened_ns"]) // frame_ns * frame_ns

        low, high = place(from_ns // frame_ns * frame_ns), place(-(-to_ns // frame_ns) * frame_ns)
        if low >= high:
            return minutes[:0]
        span = (limit + 1) * frame_ns
        if newest:
            low = max(low, place(opened(high - 1) - span))
        else:
            high = min(high, place(opened(low) + span))
        begun = ends - [len(part) for part in parts]
        return joined([part[max(low - at, 0) : max(high - at, 0)] for part, at in zip(parts, begun, strict=True)])

    def _open_bar(self, s: int, f: int) -> np.ndarray:
        """The bar that forms in one of the frames that are kept open (1,), none before it has trades."""
        opened = self._live.open[s, f]
        place = int(np.argmax(np.where(opened["rows"] > 0, opened["opened_ns"], -1)))
        if opened[place]["rows"] == 0:
            return rows(Bar, 0)
        bar, terms, frame_ns = opened[place], self._live.terms[s], _FRAMES[f]
        made = rows(Bar, 1)
        made["opened_ns"], made["closed_ns"], made["known_ns"] = bar["opened_ns"], bar["opened_ns"] + frame_ns, bar["last_ns"]
        for name in ("open", "high", "low", "close", "trades"):
            made[name] = bar[name]
        made["volume"] = bar["lots"] * terms["lot_step"] / terms["lot_over"]
        made["taker_volume"] = bar["taker_lots"] * terms["lot_step"] / terms["lot_over"]
        made["quote_volume"] = bar["turnover"] * terms["turnover_step"] / terms["turnover_over"]
        made["parts"], made["parts_due"] = 1, 1
        return made

    def _keep(self, s: int, minutes: np.ndarray) -> None:
        """Minutes that closed, and the five-minute bars that they complete."""
        self._minutes[s].add(minutes)
        fives = np.zeros(len(minutes), layout(Bar))
        count = int(_absorb_all(self._forming[s], np.ascontiguousarray(minutes), MINUTE_NS, FIVE_NS, fives))
        self._fives[s].add(fives[:count])


def resampled(bars: np.ndarray, frame_ns: int) -> np.ndarray:
    """Bars (N,) of any shorter frame as candles of a frame, the last one as far as it is known."""
    if len(bars) == 0:
        return bars
    forming, made = rows(Forming, 1), np.zeros(len(bars) + 1, layout(Bar))
    count = int(_absorb_whole(forming, np.ascontiguousarray(bars), frame_ns, made))
    return made[:count]


@kernel
def _take_trades(live: Any, queues: Any, s: int, seen: int, trades: Any) -> int:
    """Put the trades after number `seen` into the bars; the newest number."""
    newest = queues.row[s].trade
    ring = queues.trades[s]
    for n in range(max(seen + 1, newest - len(ring) + 1), newest + 1):
        traded = ring[n % len(ring)]
        trade = trades[0]
        trade.instrument = s
        trade.first_id = n
        trade.last_id = n
        trade.exchange_ns = traded.at_ns
        trade.traded_ns = traded.at_ns
        trade.received_ns = traded.at_ns
        trade.ticks = traded.ticks
        trade.lots = traded.lots
        trade.side = -1 if traded.is_sold != 0 else 1
        take(live, trade)
    return int(newest)


@kernel
def _begin_with(forming: Any, bar: Any) -> None:
    """A longer bar opens at its first trade, whatever the price was before it."""
    if forming.parts > 0 and forming.trades == 0.0 and bar.trades > 0.0:
        forming.open = bar.open
        forming.high = bar.open
        forming.low = bar.open


@kernel
def _absorb_all(forming: Any, bars: Any, base_ns: int, frame_ns: int, made: Any) -> int:
    """Longer bars that these complete; how many."""
    count = 0
    for n in range(len(bars)):
        _begin_with(forming[0], bars[n])
        if absorb(forming[0], bars[n], base_ns, frame_ns, made[count]):
            count += 1
    return count


@kernel
def _absorb_whole(forming: Any, bars: Any, frame_ns: int, made: Any) -> int:
    """Longer bars of bars of any lengths, a last one that is not complete among them; a hole ends the one before it."""
    count = 0
    for n in range(len(bars)):
        bar = bars[n]
        if forming[0].parts > 0 and bar.opened_ns >= forming[0].ends_ns:
            _close_short(forming[0], bars[n - 1], frame_ns, made[count])
            count += 1
        _begin_with(forming[0], bar)
        if absorb(forming[0], bar, bar.closed_ns - bar.opened_ns, frame_ns, made[count]):
            count += 1
    if forming[0].parts > 0:
        _close_short(forming[0], bars[len(bars) - 1], frame_ns, made[count])
        count += 1
    return count


@kernel
def _close_short(forming: Any, last: Any, frame_ns: int, done: Any) -> None:
    """A bar as far as it is known."""
    done.opened_ns = forming.ends_ns - frame_ns
    done.closed_ns = forming.ends_ns
    done.known_ns = last.known_ns
    done.open = forming.open
    done.high = forming.high
    done.low = forming.low
    done.close = forming.close
    done.volume = forming.volume
    done.quote_volume = forming.quote_volume
    done.taker_volume = forming.taker_volume
    done.trades = forming.trades
    done.parts = forming.parts
    done.parts_due = forming.parts
    forming.parts = 0
