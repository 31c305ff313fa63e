"""Bars from trades: every frame's open bars advance with each trade, by the time it was made at the venue.

Bars lie on the UTC clock. A bar stays open for the grace after its end, in which trades that come late still count, in any order; it closes with
the first trade or tick of the clock at or after its end + grace, and never changes again. A trade older than the newest time by more than the
grace is late for every frame alike, so a minute is always its sixty seconds. Nothing depends on the order in which trades arrive within the
grace but `known_ns`, and, where nobody said since when trades are heard, which of the first bars count as whole. Sums are whole numbers while a
bar is open and become floats once: a volume is the float nearest to the decimal that the venue writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import kernel, layout, row, rows
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.market.bar_ring import LENGTH, BarCursor, Bars, lay_in, lay_in_quiet
from metastackerbandit.market.bar_terms import MOST, BarTerms
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.market.tick_ring import empty_ticks, forget, keep

BAR_FRAMES = {
    "1s": SECOND_NS,
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "1h": HOUR_NS,
    "4h": 4 * HOUR_NS,
    "12h": 12 * HOUR_NS,
    "1d": DAY_NS,
}
NEVER = 2**63 - 1

# What became of a trade. All but TAKEN and LATE are refusals, which change nothing but their count.
TAKEN, LATE, BROKEN, AHEAD, TOO_LARGE, FOREIGN = range(6)
VERDICTS = (
    ("taken", "it is in the open bars of its time"),
    ("late", "it was made too long before the newest one: no bar is open for it"),
    ("broken", "its price, size or time is not above zero, or its ids go backwards"),
    ("ahead", "it is stamped far ahead of the time at which it came"),
    ("too_large", "a bar's sums would not fit 64 bits"),
    ("foreign", "it is of an instrument that nobody asked for"),
)


class BarRules(Struct, frozen=True):
    """BarSettings in ns."""

    grace_ns: int
    fills_gaps: int
    most_ahead_ns: int
    ticks_ns: int


class TapeRow(Struct, frozen=True):
    """Where an instrument's trades stand: the newest time that a trade or the clock told, the latest time at which something came, and since when
    trades are heard without a break (0: not yet). Counted: trades taken, late and refused."""

    newest_ns: int
    known_ns: int
    heard_ns: int
    taken: int
    late: int
    refused: int


class OpenBarRow(Struct, frozen=True):
    """An open bar's sums; `rows` of trades in it, 0 where there is none. First and last are by time and id of the trades, not by their arrival.
    `untold` counts the rows whose taker's side the venue did not tell."""

    opened_ns: int
    rows: int
    first_ns: int
    first_id: int
    last_ns: int
    last_id: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    taker_lots: int
    turnover: int
    trades: int
    untold: int


def empty_bars(terms: Sequence[BarTerms], frames: Sequence[int], settings: BarSettings) -> Bars:
    """Bars of instruments with these terms on frames of these lengths (ns), nothing heard yet."""
    count, grace_ns = len(terms), round(settings.grace_s * SECOND_NS)
    rules = BarRules(grace_ns, int(settings.fills_gaps), round(settings.most_ahead_s * SECOND_NS), round(settings.ticks_s * SECOND_NS))
    most_open = grace_ns // min(frames) + 2
    cursor = np.zeros((count, len(frames)), layout(BarCursor))
    cursor["due_ns"] = NEVER
    return Bars(
        frames=np.array(frames, np.int64),
        rules=row(rules),
        terms=np.concatenate([row(one) for one in terms]).view(layout(BarTerms)),
        tape=rows(TapeRow, count),
        cursor=cursor,
        open=np.zeros((count, len(frames), most_open), layout(OpenBarRow)),
        closed=np.zeros((count, len(frames), 2 * LENGTH), layout(Bar)),
        ticks=empty_ticks(count, settings.most_ticks),
    )


@kernel
def take(bars: Any, trade: Any) -> int:
    """Take one trade (TradeRow) into every frame; what became of it."""
    s = trade.instrument
    if s < 0 or s >= len(bars.tape):
        return FOREIGN
    tape = bars.tape[s]
    rules = bars.rules[0]
    turnover = _turnover(trade, bars.terms[s].coins)
    verdict = _verdict(bars, s, trade, turnover, rules)
    if verdict != TAKEN:
        if verdict == LATE:
            tape.late += 1
        else:
            tape.refused += 1
        return verdict
    if tape.heard_ns == 0:
        tape.heard_ns = trade.traded_ns
    _advance(bars, s, trade.traded_ns, trade.received_ns)
    for f in range(len(bars.frames)):
        frame_ns = bars.frames[f]
        opened_ns = trade.traded_ns // frame_ns * frame_ns
        cursor = bars.cursor[s, f]
        if opened_ns + frame_ns > cursor.ends_ns:  # else the venue's own candle has been laid in already
            _put(bars.open[s, f, (opened_ns // frame_ns) % bars.open.shape[2]], trade, turnover, opened_ns)
            cursor.due_ns = min(cursor.due_ns, opened_ns + frame_ns + rules.grace_ns)
    keep(bars.ticks, s, trade)
    tape.taken += 1
    return TAKEN


@kernel
def take_all(bars: Any, trades: Any, verdicts: Any) -> None:
    """Trades (N,) in the order of their arrival; what became of each goes to verdicts (N,)."""
    for n in range(len(trades)):
        verdicts[n] = take(bars, trades[n])


@kernel
def tick(bars: Any, now_ns: int) -> None:
    """The clock says `now_ns`, in the venue's time: bars of every instrument close that are due. An instrument that was never heard has none."""
    for s in range(len(bars.tape)):
        if bars.tape[s].heard_ns > 0:
            _advance(bars, s, now_ns, now_ns)


@kernel
def listen(bars: Any, s: int, from_ns: int) -> None:
    """Trades are heard without a break from `from_ns` on: said at the start, and when a broken feed is mended; NEVER once it breaks.

    Bars opened before that are not whole (`parts` 0). Where nothing is said, an instrument is heard from its first trade on.
    """
    bars.tape[s].heard_ns = from_ns


@kernel
def _turnover(trade: Any, coins: int) -> int:
    """What a trade turned over, ticks * lots or 1e-8 coins; MOST where it would not fit, 0 where there is nothing to turn over."""
    if trade.ticks <= 0 or trade.lots <= 0:
        return 0
    if trade.lots >= MOST // max(coins, trade.ticks):
        return MOST
    return trade.ticks * trade.lots if coins == 0 else (coins * trade.lots + trade.ticks // 2) // trade.ticks


@kernel
def _verdict(bars: Any, s: int, trade: Any, turnover: int, rules: Any) -> int:
    """Whether a trade may be taken, before anything has changed."""
    if trade.ticks <= 0 or trade.lots <= 0 or trade.traded_ns <= 0 or trade.last_id < trade.first_id:
        return BROKEN
    if trade.traded_ns - trade.received_ns > rules.most_ahead_ns:
        return AHEAD
    if trade.traded_ns < bars.tape[s].newest_ns - rules.grace_ns:
        return LATE
    for f in range(len(bars.frames)):
        at = trade.traded_ns // bars.frames[f]
        open_bar = bars.open[s, f, at % bars.open.shape[2]]
        is_full = open_bar.turnover > MOST - turnover or open_bar.lots > MOST - trade.lots
        if is_full and open_bar.rows > 0 and open_bar.opened_ns == at * bars.frames[f]:
            return TOO_LARGE
    return TOO_LARGE if turnover >= MOST else TAKEN


@kernel
def _put(bar: Any, trade: Any, turnover: int, opened_ns: int) -> None:
    """Put a trade into its open bar."""
    if bar.rows == 0:
        bar.opened_ns = opened_ns
        bar.first_ns = trade.traded_ns
        bar.first_id = trade.first_id
        bar.last_ns = trade.traded_ns
        bar.last_id = trade.first_id
        bar.open = trade.ticks
        bar.high = trade.ticks
        bar.low = trade.ticks
        bar.close = trade.ticks
        bar.lots = 0
        bar.taker_lots = 0
        bar.turnover = 0
        bar.trades = 0
        bar.untold = 0
    if trade.traded_ns < bar.first_ns or (trade.traded_ns == bar.first_ns and trade.first_id < bar.first_id):
        bar.first_ns = trade.traded_ns
        bar.first_id = trade.first_id
        bar.open = trade.ticks
    if trade.traded_ns > bar.last_ns or (trade.traded_ns == bar.last_ns and trade.first_id >= bar.last_id):
        bar.last_ns = trade.traded_ns
        bar.last_id = trade.first_id
        bar.close = trade.ticks
    bar.high = max(bar.high, trade.ticks)
    bar.low = min(bar.low, trade.ticks)
    bar.lots += trade.lots
    bar.turnover += turnover
    bar.trades += trade.last_id - trade.first_id + 1
    if trade.side > 0:
        bar.taker_lots += trade.lots
    elif trade.side == 0:
        bar.untold += 1
    bar.rows += 1


@kernel
def _advance(bars: Any, s: int, newest_ns: int, came_ns: int) -> None:
    """The newest time of an instrument moves on: what is due closes, and old ticks go."""
    tape = bars.tape[s]
    rules = bars.rules[0]
    before_ns = tape.newest_ns
    tape.newest_ns = max(before_ns, newest_ns)
    tape.known_ns = max(tape.known_ns, came_ns, tape.newest_ns)
    for f in range(len(bars.frames)):
        if tape.newest_ns >= bars.cursor[s, f].due_ns:
            _close_due(bars, s, f, before_ns)
    forget(bars.ticks, s, tape.newest_ns - rules.ticks_ns)


@kernel
def _close_due(bars: Any, s: int, f: int, before_ns: int) -> None:
    """Close the bars of a frame whose grace is over; those that were open lie within a grace of `before_ns`."""
    tape = bars.tape[s]
    rules = bars.rules[0]
    cursor = bars.cursor[s, f]
    frame_ns = bars.frames[f]
    until_ns = (tape.newest_ns - rules.grace_ns) // frame_ns * frame_ns
    first = (before_ns - rules.grace_ns) // frame_ns
    due_ns = NEVER
    for at in range(first, first + bars.open.shape[2]):
        bar = bars.open[s, f, at % bars.open.shape[2]]
        if bar.rows > 0 and bar.opened_ns == at * frame_ns:
            if bar.opened_ns + frame_ns > until_ns:
                due_ns = min(due_ns, bar.opened_ns + frame_ns + rules.grace_ns)
            else:
                if rules.fills_gaps != 0:
                    lay_in_quiet(bars, s, f, bar.opened_ns)
                lay_in(bars, s, f, bar)
                bar.rows = 0
    if rules.fills_gaps != 0 and cursor.ends_ns > 0:
        lay_in_quiet(bars, s, f, until_ns)
        due_ns = min(due_ns, cursor.ends_ns + frame_ns + rules.grace_ns)
    cursor.due_ns = due_ns
