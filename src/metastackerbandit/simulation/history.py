"""The made market's past: its value in small steps becomes candles, with the trades that so much activity brings.

A minute is made of values `history_step_seconds` apart, so its range is that of what was seen, not of what a walk does between. Its trades are a
Poisson count of the market's own time in it, their turnover log-normal with the mean and variance of so many log-normal sizes, and the buyers' part
lies around the minute's mean share with the variance that so many sizes leave. Longer frames are minutes absorbed (market.resample), so all frames
agree. A minute without a trade stands still at the last close; the next trade may open away from it.

What goes on is the state itself: live steps continue where the last candle ended, and volumes draw from a state of their own, so prices do not
depend on how much is traded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import kernel, layout, rows
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import MINUTE_NS, frame_name
from metastackerbandit.market.resample import Forming, absorb
from metastackerbandit.simulation.chance import count_of, normal
from metastackerbandit.simulation.made_market import MadeMarket, Rows, advance_market, settle
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value import ticks_of

_MINUTE_S = 60.0


class MinuteRow(Struct, frozen=True):
    """A symbol's minute while it passes: log values, the market's time in it, and the buyers' share summed over that time."""

    open: float
    high: float
    low: float
    busy_s: float
    bought_s: float


class History(Struct, frozen=True, eq=False):
    """The past of S symbols: `bars` (S, N) in the layout of Bar, `funding` (S, K) in that of FundingRow. `drifts` (S, N) is the hidden drift at each
    close in standard deviations: nobody who trades may see it, it is there to tell what could be foreseen."""

    frame_ns: int
    bars: Rows
    funding: Rows
    drifts: np.ndarray[Any, np.dtype[np.float64]]


def made_history(made: MadeMarket, settings: GeneratorSettings, until_ns: int, frame_ns: int) -> History:
    """Let the market go on from where it is to `until_ns`, and keep what passed as candles of a frame.

    Raises:
        ConfigRefused: the frame is no whole number of minutes, or the span no whole number of its bars on the UTC clock.
    """
    at_ns = int(made.market["at_ns"][0])
    if frame_ns < MINUTE_NS or frame_ns % MINUTE_NS != 0:
        raise ConfigRefused(f"candles of {frame_ns / 1e9:g} s", where="the made market's history", mend="use a frame of whole minutes")
    if at_ns % frame_ns != 0 or until_ns % frame_ns != 0 or until_ns < at_ns:
        raise ConfigRefused(
            f"a history from {at_ns} to {until_ns} ns is no whole number of {frame_name(frame_ns)} bars",
            where="the made market's history",
            mend="begin and end on the frame's clock",
        )
    symbols, count = len(made.values), (until_ns - at_ns) // frame_ns
    funding_ns = int(made.terms["funding_ns"][0])
    settled = until_ns // funding_ns - at_ns // funding_ns
    bars, funding = np.zeros((symbols, count), layout(Bar)), np.zeros((symbols, settled), layout(FundingRow))
    drifts = np.zeros((symbols, count))
    steps = max(1, round(_MINUTE_S / settings.history_step_seconds))
    minutes, candles, forming = rows(MinuteRow, symbols), rows(Bar, symbols), rows(Forming, symbols)
    _pass(made, steps, frame_ns, minutes, candles, forming, bars, funding, drifts)
    return History(frame_ns, bars, funding, drifts)


@kernel
def _pass(made: Any, steps: int, frame_ns: int, minutes: Any, candles: Any, forming: Any, bars: Any, funding: Any, drifts: Any) -> None:
    """Fill bars (S, N), funding (S, K) and drifts (S, N)."""
    settled = 0
    for n in range(bars.shape[1]):
        for _ in range(frame_ns // MINUTE_NS):
            _minute_step(made, steps, minutes)
            for s in range(len(made.values)):
                _make_candle(made, s, minutes[s], candles[s])
                absorb(forming[s], candles[s], MINUTE_NS, frame_ns, bars[s, n])
            if made.market[0].at_ns % made.terms[0].funding_ns == 0:
                settle(made, funding, settled)
                settled += 1
        for s in range(len(made.values)):
            drifts[s, n] = made.values[s].lean


@kernel
def _minute_step(made: Any, steps: int, minutes: Any) -> None:
    """One minute passes, in equal steps but for the ns that do not divide."""
    market = made.market[0]
    for s in range(len(made.values)):
        begun = made.values[s].log_ticks
        minutes[s].open = begun
        minutes[s].high = begun
        minutes[s].low = begun
        minutes[s].busy_s = 0.0
        minutes[s].bought_s = 0.0
    step_ns = MINUTE_NS // steps
    for k in range(steps):
        advance_market(made, step_ns if k < steps - 1 else MINUTE_NS - step_ns * (steps - 1))
        for s in range(len(made.values)):
            minute, value = minutes[s], made.values[s]
            minute.high = max(minute.high, value.log_ticks)
            minute.low = min(minute.low, value.log_ticks)
            minute.busy_s += market.busy_s
            minute.bought_s += market.busy_s * value.buy_share


@kernel
def _make_candle(made: Any, s: int, minute: Any, bar: Any) -> None:
    """The minute that has passed as a bar."""
    at_ns = made.market[0].at_ns
    trades = count_of(made.tapes[s], made.listed[s].trades * minute.busy_s)
    bar.opened_ns = at_ns - MINUTE_NS
    bar.closed_ns = at_ns
    bar.known_ns = at_ns
    bar.parts = 1
    bar.parts_due = 1
    bar.trades = trades
    if trades == 0:
        bar.open = made.tapes[s].close
        bar.high = bar.open
        bar.low = bar.open
        bar.close = bar.open
        bar.volume = 0.0
        bar.quote_volume = 0.0
        bar.taker_volume = 0.0
        return
    bar.open = ticks_of(minute.open)
    bar.high = ticks_of(minute.high)
    bar.low = ticks_of(minute.low)
    bar.close = ticks_of(made.values[s].log_ticks)
    made.tapes[s].close = bar.close
    _trade(made, s, trades, minute.bought_s / minute.busy_s, bar)


@kernel
def _trade(made: Any, s: int, trades: int, buy_share: float, bar: Any) -> None:
    """The volumes of so many trades, around the middle of the bar's four prices; at least a lot each."""
    tape, units = made.tapes[s], made.bar_terms[s]
    price = 0.25 * (bar.open + bar.high + bar.low + bar.close)
    spread = math.expm1(made.terms[0].trade_spread * made.terms[0].trade_spread) / trades  # variance of the turnover over its squared mean
    deviation = math.sqrt(math.log1p(spread))
    turnover = trades * made.listed[s].size_turnover * math.exp(deviation * normal(tape) - 0.5 * deviation * deviation)
    lots = max(trades, math.floor(turnover / price + 0.5))
    scatter = math.sqrt(buy_share * (1.0 - buy_share) * (spread + 1.0 / trades))
    bought = math.floor(lots * max(0.0, min(1.0, buy_share + scatter * normal(tape))) + 0.5)
    bar.volume = lots * units.lot_step / units.lot_over
    bar.taker_volume = bought * units.lot_step / units.lot_over
    bar.quote_volume = math.floor(lots * price + 0.5) * units.turnover_step / units.turnover_over
