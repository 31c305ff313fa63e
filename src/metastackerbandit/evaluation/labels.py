"""What became of each bar: a long and a short that enter at the next open and leave by the engine's own rules, and the class they make.

Triple barrier (Lopez de Prado 2018, ch. 3) net of costs. Both trades are walked through the source candles as the simulated venue would
fill them: stop before target, an open beyond either fills at the open, time out at the first open after the last bar's close.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.costs.price import taken_at
from metastackerbandit.costs.rates import CostRates, rates_of, round_trip_bps
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import kernel, layout, row, rows
from metastackerbandit.domain.label import DOWN, FLAT, LOWER, UNKNOWN, UP, UPPER, VERTICAL, LabelRow, LabelSpec
from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.evaluation.volatility import horizon_volatility
from metastackerbandit.exits.rules import stop_hit, stop_price, target_hit, target_price

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STOPPED, REACHED, TIMED = LOWER, UPPER, VERTICAL  # how a trade ended, as the barrier that a long meets so
_BPS = 1e4


class Terms(Struct, frozen=True):
    """What a label is made by: barriers and a vertical exit's least move in volatilities, bars, the least tradable barrier, costs."""

    width: float
    vertical_share: float
    horizon: int
    least_barrier: float
    rates: CostRates


def terms_of(spec: LabelSpec, costs: CostSettings) -> Terms:
    """Specification and costs as the kernel reads them."""
    return Terms(
        width=spec.width,
        vertical_share=spec.vertical_share,
        horizon=spec.horizon,
        least_barrier=spec.least_cost_multiple * round_trip_bps(costs) / _BPS,
        rates=rates_of(costs),
    )


@kernel
def find_entries(bars: Any, candles: Any, out: Ints) -> None:
    """Place of the first of candles (M,) that opens at or after each of bars (N,) was known, into out (N,); M where there is none."""
    place = 0
    for n in range(len(bars)):
        while place < len(candles) and candles[place].opened_ns < bars[n].known_ns:
            place += 1
        out[n] = place


@kernel
def leave(candles: Any, entry: int, first: int, last: int, side: int, stop: int, target: int) -> tuple[int, int, int, int]:
    """Walk a trade that entered at the open of candle `entry` from candle `first` on -> (place, reference ticks, how, 1 at an open).

    `last` is the candle at whose open time is up. The place is -1 where the candles end before the trade does.
    """
    for place in range(first, min(last + 1, len(candles))):
        candle = candles[place]
        price = candle.open
        if place > entry:
            if stop_hit(side, stop, price, price):
                return place, price, STOPPED, 1
            if target_hit(side, target, price, price):
                return place, price, REACHED, 1
            if place == last:
                return place, price, TIMED, 1
        if stop_hit(side, stop, candle.low, candle.high):
            return place, stop, STOPPED, 0
        if target_hit(side, target, candle.low, candle.high):
            return place, target, REACHED, 0
    return -1, 0, 0, 0


@kernel
def net_of(side: int, entry: int, exit_: int, is_target: bool, rates: Any, funding: float) -> float:
    """Net return of a trade, fraction of the reference entry: taken in, taken out or, at a target, rested; `funding` ticks paid."""
    paid = taken_at(entry, side, rates.touch)
    got = exit_ if is_target else taken_at(exit_, -side, rates.touch)
    fees = (paid * rates.taker + got * (rates.maker if is_target else rates.taker)) / RATE_ONE
    return (side * (got - paid) - fees - funding) / entry


@kernel
def settled(funding: Any, last_known: Ints, candles: Any, first: int, entry: int, until_ns: int) -> float:
    """Ticks that a long pays at the settlements from place `first` and before `until_ns`: rate x mark, else x the last close since the entry."""
    paid = 0.0
    for k in range(first, len(funding)):
        settlement = funding[k]
        if settlement.at_ns >= until_ns:
            break
        price = settlement.mark
        if price <= 0:
            price = candles[last_known[k]].close if last_known[k] >= entry else candles[entry].open
        paid += settlement.rate / RATE_ONE * price
    return paid


@kernel
def label_one(
    label: Any, candles: Any, lows: Ints, highs: Ints, entry: int, last: int, funding: Any, last_known: Ints, first_funding: int, terms: Any
) -> None:
    """Fill a label whose `volatility` is known, for a trade that enters at candle `entry` and must leave at the open of candle `last`."""
    price = candles[entry].open
    distance = round(terms.width * label.volatility * RATE_ONE)
    long_stop, short_stop = stop_price(1, price, distance), stop_price(-1, price, distance)
    first = entry
    end = min(last, len(lows))
    while first < end and lows[first] > long_stop and highs[first] < short_stop:
        first += 1  # stops are at least as near as targets, so nothing can have ended here
    long_target, short_target = target_price(1, price, distance), target_price(-1, price, distance)
    long_place, long_exit, long_how, long_opens = leave(candles, entry, first, last, 1, long_stop, long_target)
    short_place, short_exit, short_how, short_opens = leave(candles, entry, first, last, -1, short_stop, short_target)
    if long_place < 0 or short_place < 0:
        return
    long_until = candles[long_place].opened_ns + 1 if long_opens else candles[long_place].known_ns
    short_until = candles[short_place].opened_ns + 1 if short_opens else candles[short_place].known_ns
    label.known = 1
    label.entry_ns = candles[entry].opened_ns
    label.exit_ns = candles[max(long_place, short_place)].known_ns
    label.entry = price
    label.exit = long_exit
    label.touched = long_how
    label.gross = (long_exit - price) / price
    label.gross_short = (price - short_exit) / price
    label.net_long = net_of(
        1, price, long_exit, long_how == REACHED, terms.rates, settled(funding, last_known, candles, first_funding, entry, long_until)
    )
    label.net_short = net_of(
        -1, price, short_exit, short_how == REACHED, terms.rates, -settled(funding, last_known, candles, first_funding, entry, short_until)
    )
    long_torn = long_how == STOPPED and long_opens == 0 and highs[long_place] >= long_target
    short_torn = short_how == STOPPED and short_opens == 0 and lows[short_place] <= short_target
    label.ambiguous = 1 if long_torn or short_torn else 0
    least = terms.vertical_share * label.volatility
    if label.net_long > 0.0 and (long_how == REACHED or (long_how == TIMED and label.gross >= least)):
        label.side = UP
    elif label.net_short > 0.0 and (short_how == REACHED or (short_how == TIMED and label.gross_short >= least)):
        label.side = DOWN
    else:
        label.side = FLAT


@kernel
def label_all(
    bars: Any, candles: Any, lows: Ints, highs: Ints, entries: Ints, volatility: Floats, funding: Any, last_known: Ints, terms: Any, out: Any
) -> None:
    """Label every one of bars (N,) into out (N,); `entries` (N,) from `find_entries`, `last_known` (K,) the last candle known at each settlement.

    `lows`, `highs` (M,) are the candles' own, side by side in memory: most of the work is passing candles in which nothing ends.
    """
    first_funding = 0
    for n in range(len(bars)):
        label = out[n]
        label.closed_ns = bars[n].closed_ns
        label.side = UNKNOWN
        label.volatility = volatility[n]
        label.barrier = terms[0].width * volatility[n]
        label.gross = label.gross_short = label.net_long = label.net_short = math.nan
        label.tradable = 1 if label.barrier >= terms[0].least_barrier else 0
        entry = entries[n]
        if entry == len(candles) or math.isnan(volatility[n]):
            continue
        while first_funding < len(funding) and funding[first_funding].at_ns <= candles[entry].opened_ns:
            first_funding += 1
        end = n + terms[0].horizon
        last = entries[end] if end < len(bars) else len(candles)
        label_one(label, candles, lows, highs, entry, last, funding, last_known, first_funding, terms[0])


def label_bars(
    bars: np.ndarray[Any, Any],
    candles: np.ndarray[Any, Any],
    base_ns: int,
    funding: np.ndarray[Any, Any] | None,
    spec: LabelSpec,
    costs: CostSettings,
) -> np.ndarray[Any, Any]:
    """What became of bars (N,) of the frame, found in candles (M,) of `base_ns`, finer or equal -> (N,) in the layout of LabelRow.

    Time is up at the first open after the `horizon`-th following bar was known: bars are counted, as the engine counts them, so a gap
    lengthens a label. `funding` (K,) in the layout of FundingRow, None where nothing is settled; what is settled while a trade is held counts,
    also at the very instant of an exit at an open, and never at the instant of the entry. `exit_ns` is the end of the candle that ended
    the later of the two trades. `ambiguous` tells that a trade was stopped in a candle that held its target too.
    """
    _refuse_unfit(bars, candles, base_ns, spec)
    given = np.ascontiguousarray(candles).astype(layout(Bar), copy=False)
    settlements = np.zeros(0, layout(FundingRow)) if funding is None else np.ascontiguousarray(funding).astype(layout(FundingRow), copy=False)
    last_known = np.searchsorted(given["known_ns"], settlements["at_ns"], side="right").astype(np.int64) - 1
    whole = np.ascontiguousarray(bars).astype(layout(Bar), copy=False)
    entries, out = np.empty(len(bars), np.int64), rows(LabelRow, len(bars))
    find_entries(whole, given, entries)
    lows, highs = np.ascontiguousarray(given["low"]), np.ascontiguousarray(given["high"])
    volatility, terms = horizon_volatility(whole, spec), row(terms_of(spec, costs))
    label_all(whole, given, lows, highs, entries, volatility, settlements, last_known, terms, out)
    return out


def _refuse_unfit(bars: np.ndarray[Any, Any], candles: np.ndarray[Any, Any], base_ns: int, spec: LabelSpec) -> None:
    """Bars of another frame, candles coarser than it or out of order cannot be labelled."""
    length = frame_ns(spec.frame)
    if len(bars) and int(bars["closed_ns"][0] - bars["opened_ns"][0]) != length:
        other = frame_name(int(bars["closed_ns"][0] - bars["opened_ns"][0]))
        raise DataRefused(f"bars of {other} where the labels are of {spec.frame}", where="labels", mend=f"make bars of {spec.frame}")
    if length % base_ns:
        raise DataRefused(f"candles of {frame_name(base_ns)} cannot resolve labels of {spec.frame}", where="labels", mend="give finer candles")
    for what, times in (("bars", bars["closed_ns"]), ("candles", candles["opened_ns"])):
        if (np.diff(times) <= 0).any():
            raise DataRefused(f"{what} are not in order of time", where="labels", mend="sort them, and drop those that come twice")
