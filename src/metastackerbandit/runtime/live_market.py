"""What an engine hears of a market that is followed live: candles from trades, seconds of the books, funding as it is settled.

A candle whose trades were not all heard is not told as it stands: the venue's own is asked for, and those behind it wait, so that the engine gets
what a recording of the venue's candles would have given it. Between two candles the next one's first price is told, as on candle data.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import BarClosed, BarOpened, FundingSettled, Input, SecondSeen
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import entry, kernel, rows, struct_of
from metastackerbandit.domain.market_rows import DEPTH, MARK, TRADES, MarkRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.engine.plan import Plan
from metastackerbandit.market.bar_ring import append, closed_bars, refill
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import NEVER, empty_bars, listen, take, tick
from metastackerbandit.market.cob import CobTerms, empty_cob
from metastackerbandit.market.micro import empty_micro
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.second_feed import MOST_SILENT, SecondCourse, SecondFeed, close_all, follow

MOST_WAITING = 1_500  # candles of a symbol that stand behind a missing one: as many as a ring of bars has
Settle = Callable[[MarkRow], None]  # what was due has been settled; this was told last before
Ask = Callable[[int, int], None]  # a symbol's candle that opened at this time is wanted from the venue


class LiveMarket:
    """The market of a plan's symbols, in the order of the desk's instruments; `emit` gets what the engine is to hear, `ask` which candles are wanted,
    `settle` (none: what was told last counts) that funding was settled, to be told by `settled` once it is known.

    Candles are told once they are closed: where all were heard at once, else when `mended` brings the venue's.
    """

    def __init__(
        self, plan: Plan, desk: FeedDesk, settings: BarSettings, emit: Callable[[Input], None], ask: Ask, settle: Settle | None = None
    ) -> None:
        self._desk, self._emit, self._ask = desk, emit, ask
        self._base_ns, self._settle = plan.base_ns, settle
        instruments = desk.instruments
        self._books = [tuple(b for b, book in enumerate(plan.books) if book.place == s) for s in range(len(instruments))]
        terms, bare = [bar_terms(one) for one in instruments], structs.replace(settings, most_ticks=1)  # nobody reads single trades here
        self.bars = empty_bars(terms, (plan.base_ns,), bare)
        self.told = empty_bars(terms, (plan.base_ns,), bare)  # the newest candles as they were told
        self._told = [0] * len(instruments)  # bars of the ring that were taken out of it
        self._waiting: list[deque[np.ndarray]] = [deque() for _ in instruments]  # closed candles that are not told yet, oldest first
        self.let_go = 0  # candles that came while MOST_WAITING waited; they are asked for when there is room
        self._ended_ns = [0] * len(instruments)  # where the newest candle told ends
        self._opens = [False] * len(instruments)  # whether the next candle's first price is still to be told
        self._settles: list[MarkRow | None] = [None] * len(instruments)
        self._candles, self._asked_for = [0] * len(instruments), [0] * len(instruments)  # told, and those of them that the venue gave
        self._seconds = _seconds_of(instruments, desk)
        self._second = 0  # the one that stands open, 0: none yet
        market = desk.market
        self._hear_trades: Any = entry(hear_trades, self.bars, market.decoded)
        self._follow: Any = entry(follow, self._seconds.micro, market, 1, 1, True)
        self._close_seconds: Any = entry(close_all, self._seconds, market, 1, 1)
        for s in range(len(instruments)):
            listen(self.bars, s, NEVER)

    def begin(self, s: int, bars: np.ndarray) -> None:
        """The candles (N,) from before: the next one told is the one behind them."""
        if len(bars):
            self._ended_ns[s] = int(bars[-1]["closed_ns"])
            refill(self.told, s, 0, bars)

    def listens(self, s: int, from_ns: int) -> None:
        """Trades of a symbol are heard without a break from then on; NEVER: not any more."""
        listen(self.bars, s, from_ns)

    def passing(self, now_ns: int) -> None:
        """Something comes, and the desk has not taken it yet: the second that has ended is told as the books stood in it."""
        self._end_seconds(now_ns)

    def hear(self, taken: Taken, received_ns: int) -> None:
        """A frame was taken by the desk just now."""
        market = self._desk.market
        if taken.kind in (DEPTH, TRADES):
            self._follow(self._seconds.micro, market, received_ns, taken.kind, False)
        if taken.kind == TRADES and market.decoded.found[0]["rows"]:
            s, first_ticks = self._hear_trades(self.bars, market.decoded)
            self._take_closed(s, received_ns)
            if self._opens[s]:
                self._open(s, received_ns, int(first_ticks))
        elif taken.kind == MARK:
            for n in range(int(market.decoded.found[0]["rows"])):
                self._marked(struct_of(MarkRow, market.decoded.marks[n]), received_ns)

    def look(self, now_ns: int) -> None:
        """What time alone brings: candles and seconds end."""
        self._end_seconds(now_ns)
        tick(self.bars, now_ns)
        for s in range(len(self._told)):
            self._take_closed(s, now_ns)

    def mended(self, s: int, candles: np.ndarray, now_ns: int) -> None:
        """The venue's candles (N,), oldest first, for those that were asked for; each takes the other's place, and what is whole then is told."""
        known = {int(candle["opened_ns"]): place for place, candle in enumerate(candles)}
        waiting = self._waiting[s]
        for n, one in enumerate(waiting):
            place = known.get(int(one["opened_ns"][0]))
            if place is not None and not _is_whole(one):
                waiting[n] = candles[place : place + 1].copy()
                self._asked_for[s] += 1
        if len(candles):
            self._tell_waiting(s, now_ns)

    def settled(self, mark: MarkRow, now_ns: int, rate: int | None = None, ticks: int | None = None) -> None:
        """Funding was settled: at this rate (1e-8) and mark (ticks), or as it was told last."""
        told = round(mark.mark_price / float(self._desk.instruments[mark.instrument].tick_size))
        for book in self._books[mark.instrument]:
            self._emit(FundingSettled(book, now_ns, mark.rate if rate is None else rate, ticks or told))

    def waits(self, s: int) -> int:
        """How many closed candles of a symbol are not told yet."""
        return len(self._waiting[s])

    def missing(self, s: int) -> tuple[int, int] | None:
        """The candles that a symbol waits for first, those that are missing in a row: [from, to) of their openings; None where it waits for none."""
        row = list(takewhile(lambda one: not _is_whole(one), self._waiting[s]))
        return (int(row[0]["opened_ns"][0]), int(row[-1]["closed_ns"][0])) if row else None

    def heard_share(self, s: int) -> float | None:
        """The share of a symbol's candles that were heard whole, in [0, 1]; the others were asked for. None before the first one."""
        return 1.0 - self._asked_for[s] / self._candles[s] if self._candles[s] else None

    # -- candles -----------------------------------------------------------------------------------------------------

    def _take_closed(self, s: int, now_ns: int) -> None:
        """Candles that have closed since this was last asked, with those before them of which nothing was heard."""
        written = int(self.bars.cursor[s, 0]["written"])
        more = written - self._told[s]
        if more == 0:
            return
        self._told[s] = written
        for n, bar in enumerate(closed_bars(self.bars, s, 0, more)):
            self._lay_in_unheard(s, int(bar["opened_ns"]))
            if len(self._waiting[s]) >= MOST_WAITING:
                self.let_go += 1
            elif int(bar["opened_ns"]) >= self._next_ns(s):
                self._waiting[s].append(closed_bars(self.bars, s, 0, more)[n : n + 1].copy())
        self._tell_waiting(s, now_ns)

    def _next_ns(self, s: int) -> int:
        """When the next candle must open, 0 where none was ever told."""
        waiting = self._waiting[s]
        return int(waiting[-1]["closed_ns"][0]) if waiting else self._ended_ns[s]

    def _lay_in_unheard(self, s: int, until_ns: int) -> None:
        """Candles that nobody heard, or for which there was no room, stand in the line, to be asked for."""
        opened_ns = self._next_ns(s)
        while 0 < opened_ns < until_ns and len(self._waiting[s]) < MOST_WAITING:
            missing = rows(Bar, 1)
            missing["opened_ns"], missing["closed_ns"], missing["parts_due"] = opened_ns, opened_ns + self._base_ns, 1
            self._waiting[s].append(missing)
            opened_ns += self._base_ns

    def _tell_waiting(self, s: int, now_ns: int) -> None:
        """Tell candles that are whole, up to the first that is not, which is asked for."""
        waiting = self._waiting[s]
        while waiting:
            if not _is_whole(waiting[0]):
                self._ask(s, int(waiting[0]["opened_ns"][0]))
                return
            candle = waiting.popleft()
            candle["known_ns"] = max(now_ns, int(candle["closed_ns"][0]))
            bar: Bar = struct_of(Bar, candle[0])
            self._ended_ns[s] = bar.closed_ns
            append(self.told, s, 0, candle)
            self._candles[s] += 1
            for book in self._books[s]:
                self._emit(BarClosed(book, bar))
            following = waiting[0] if waiting else None
            self._opens[s] = following is None
            if following is not None and following["parts"][0]:
                self._open(s, now_ns, int(following["open"][0]))
        if self._opens[s]:
            opened = self.bars.open[s, 0]
            place = int(np.argmax(np.where(opened["rows"] > 0, opened["opened_ns"], -1)))
            if opened[place]["rows"] and opened[place]["opened_ns"] >= self._ended_ns[s]:
                self._open(s, now_ns, int(opened[place]["open"]))

    def _open(self, s: int, now_ns: int, price: int) -> None:
        self._opens[s] = False
        for book in self._books[s]:
            self._emit(BarOpened(book, now_ns, price))

    # -- funding and seconds -----------------------------------------------------------------------------------------

    def _marked(self, mark: MarkRow, now_ns: int) -> None:
        """A mark price; where the time of settlement has moved on, what was due was settled at the rate and price told last before."""
        s, last = mark.instrument, self._settles[mark.instrument]
        if last is not None and mark.exchange_ns < last.exchange_ns:
            return  # another connection has told a newer one
        if last is not None and last.settles_ns and mark.settles_ns > last.settles_ns:
            if self._settle is not None:
                self._settle(last)
            else:
                self.settled(last, now_ns)
        self._settles[s] = mark

    def _end_seconds(self, now_ns: int) -> None:
        """Tell the seconds that have ended, for every symbol; of a long silence only the newest."""
        second = now_ns // SECOND_NS
        first, self._second = self._second or second, max(second, self._second)
        mine = self._seconds
        for ended in range(max(first, second - MOST_SILENT), second):
            mine.course[0]["written"] = 0
            self._close_seconds(mine, self._desk.market, ended, now_ns)
            for n in range(int(mine.course[0]["written"])):
                row: SecondRow = struct_of(SecondRow, mine.out[n])
                for book in self._books[row.instrument]:
                    self._emit(SecondSeen(book, row))


def _is_whole(candle: np.ndarray) -> bool:
    """Whether a candle (1,) is as the venue has it, or was heard from its beginning to its end."""
    return bool(candle["parts"][0] >= candle["parts_due"][0])


@kernel
def hear_trades(bars: Any, decoded: Any) -> tuple[int, int]:
    """Put the trades of a frame into the bars; their symbol, and the price of the first."""
    for n in range(decoded.found[0].rows):
        take(bars, decoded.trades[n])
    return decoded.trades[0].instrument, decoded.trades[0].ticks


def _seconds_of(instruments: Sequence[Instrument], desk: FeedDesk) -> SecondFeed:
    """What makes the seconds of a desk's frames."""
    count = len(instruments)
    terms = rows(CobTerms, count)
    terms["unit"] = [float(one.tick_size) * float(one.lot_size) for one in instruments]
    return SecondFeed(
        micro=empty_micro(count),
        cob=empty_cob(terms),
        live=np.zeros(1, np.bool_),
        quality=desk.quality,
        limits=desk.limits,
        course=rows(SecondCourse, 1),
        out=rows(SecondRow, count),
    )
