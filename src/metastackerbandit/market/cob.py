"""The consolidated order book (COB): what rests around the middle price, by bucket, venue and second, and how lopsided it is.

A bucket is an absolute whole number, tick // width. Columns are relative to the bucket of the middle, -20 .. 20; the middle's own holds
both sides. History keeps where its columns were centred, so that two seconds are compared bucket by bucket before they are centred again.
One row is a second's end; a second in which no venue's book could be trusted is NaN throughout. Every ring exists from the start and is
written twice, once a length apart, so that the newest LENGTH rows are always one stretch of memory: asking for them costs a view.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.market.settings import CobSettings

RADIUS = 20  # buckets on each side of the middle's
COLUMNS = 2 * RADIUS + 1
LENGTH = 300  # seconds kept
NEAR = 5  # buckets on each side that the headline imbalance is of
AVERAGED = (1, 5, 15, 60)  # seconds that its averages are over
SECOND_NS = 1_000_000_000


class CobTerms(Struct, frozen=True):
    """An instrument's buckets: `width` ticks each (0: nobody chose one, and `follow_volatility` does, in whole multiples of `step` ticks; 0 is 1);
    one lot at one tick is worth `unit` of the quote currency."""

    width: int
    unit: float
    step: int


class CobRow(Struct, frozen=True):
    """Where an instrument's rings stand: the newest second (0: none yet), seconds written, and the newest imbalance and its averages.

    `is_ruled` is 1 where nobody chose the width; `day` the UTC day of the newest middle price, `moves` how many moves of its log over five minutes
    ended in that day, and `squares` the sum of theirs.
    """

    second: int
    written: int
    is_ruled: int
    day: int
    moves: int
    squares: float
    imbalance: float
    average_1: float
    average_5: float
    average_15: float
    average_60: float


class Cob(NamedTuple):
    """Rings of S instruments at V venues; T is 2 LENGTH, C is COLUMNS. Amounts are in quote currency."""

    terms: Any  # (S,) CobTerms
    row: Any  # (S,) CobRow
    seconds: Any  # (S, T) int64, Unix time
    centres: Any  # (S, T) int64, the middle's bucket
    widths: Any  # (S, T) int64, ticks of a bucket
    mids: Any  # (S, T) float64, ticks (halves too)
    spreads: Any  # (S, T) float64, best ask less best bid in bps of the middle
    imbalances: Any  # (S, T) float64, of the NEAR buckets
    bids: Any  # (S, V, T, C) float64
    asks: Any  # (S, V, T, C) float64


def empty_cob(terms: np.ndarray, venues: int = 1) -> Cob:
    """Rings that hold nothing; `terms` (S,) in the layout of CobTerms."""
    count, length = len(terms), 2 * LENGTH
    nothing = [np.full((count, length), math.nan) for _ in range(3)]
    sides = [np.full((count, venues, length, COLUMNS), math.nan) for _ in range(2)]
    made = Cob(terms, rows(CobRow, count), *(np.zeros((count, length), np.int64) for _ in range(3)), *nothing, *sides)
    for name in ("imbalance", "average_1", "average_5", "average_15", "average_60"):
        made.row[name] = math.nan
    return made


@kernel
def bucket_width(price: float, tick: float, sigma_5m: float = math.nan, fixed: float = math.nan) -> int:
    """Ticks of a bucket, frozen for a UTC day (method.md 7.2).

    `fixed` is a width in quote currency that the user chose; else 1.5 / 20 of the price's volatility over five minutes (`sigma_5m`, a share),
    at least half a basis point and at most ten, and 2 bp where volatility is not known. Rounded up to whole ticks.
    """
    share = 2e-4 if math.isnan(sigma_5m) else min(max(1.5 * sigma_5m / RADIUS, 0.5e-4), 10e-4)
    wanted = price * share if math.isnan(fixed) else fixed
    return max(math.ceil(wanted / tick - 1e-9), 1)


def width_of(symbol: str, settings: CobSettings, price: float, tick: float, sigma_5m: float = math.nan) -> int:
    """Ticks of a symbol's bucket: as the configuration says, else by the rule of `bucket_width`."""
    return bucket_width(price, tick, sigma_5m, settings.bucket.get(symbol, math.nan))


@kernel
def follow_volatility(cob: Any, s: int, second: int, middle: float) -> None:
    """The width of buckets, where nobody chose one, before the second with this `middle` price (ticks) is written; and what it says of volatility.

    2 bp of the first price; from a UTC day on that follows one with an hour of moves over five minutes, as the root mean square of those says, so
    that a day's width is of what was before the day, and stays.
    """
    terms, state = cob.terms[s], cob.row[s]
    step, day = max(terms.step, 1), second // 86_400
    if terms.width == 0:
        terms.width = bucket_width(middle, float(step)) * step
        state.is_ruled = 1
    elif state.is_ruled == 1 and day > state.day and state.moves >= 3_600:
        terms.width = bucket_width(middle, float(step), math.sqrt(state.squares / state.moves)) * step
    if day > state.day:
        state.day = day
        state.moves = 0
        state.squares = 0.0
    place = second % 300  # where the second stands still that began five minutes ago
    before = cob.mids[s, place]
    if cob.seconds[s, place] == second - 300 and not math.isnan(before):
        move = math.log(middle / before)
        state.moves += 1
        state.squares += move * move


@kernel
def fill_side(side: Any, count: int, sign: int, known: int, width: int, centre: int, unit: float, out: Any) -> None:
    """Amounts of one side (D, 2) of a book by bucket around `centre` -> out (C,). Levels beyond the last column are left out.

    Buckets that reach beyond the `known` price (ticks; 0: each is known) are NaN: what rests there was in no snapshot.
    """
    for c in range(41):
        first = (centre - 20 + c) * width
        is_known = known == 0 or (first >= known if sign > 0 else first + width - 1 <= known)
        out[c] = 0.0 if is_known else math.nan
    n = count - 1
    while n >= 0:
        place = side[n, 0] // width - centre  # once a bucket: its levels stand next to each other
        if sign * place < -20:
            return
        first = (centre + place) * width
        end = first + width
        amount = 0.0
        while n >= 0 and first <= side[n, 0] < end:
            amount += side[n, 0] * side[n, 1] * unit
            n -= 1
        if -20 <= place <= 20:
            out[place + 20] += amount


@kernel
def close_second(cob: Any, s: int, second: int, live: Any, row: Any, bids: Any, asks: Any) -> None:
    """Write the second that ends now: `live` (V,) says which venues' books (V,) of row (V,), bids (V, D, 2), asks (V, D, 2) are to be trusted.

    Best prices are the best of all trusted venues. Seconds between the last one written and this one are NaN: nothing was written in them.
    """
    state = cob.row[s]
    if state.second >= second:
        return
    if state.written > 0:
        for missed in range(max(state.second + 1, second - 300), second):
            _write_nothing(cob, s, missed)
    terms = cob.terms[s]
    bid, ask = 0, 0
    for v in range(len(live)):
        if live[v] and row[v].bids > 0 and row[v].asks > 0:
            bid = max(bid, bids[v, row[v].bids - 1, 0])
            best = asks[v, row[v].asks - 1, 0]
            ask = best if ask == 0 else min(ask, best)
    if bid == 0:
        _write_nothing(cob, s, second)
        return
    place, middle = second % 300, 0.5 * (bid + ask)
    follow_volatility(cob, s, second, middle)
    centre = (bid + ask) // (2 * terms.width)
    for v in range(len(live)):
        if live[v] and row[v].bids > 0 and row[v].asks > 0:
            fill_side(bids[v], row[v].bids, 1, row[v].known_bid, terms.width, centre, terms.unit, cob.bids[s, v, place])
            fill_side(asks[v], row[v].asks, -1, row[v].known_ask, terms.width, centre, terms.unit, cob.asks[s, v, place])
        else:
            cob.bids[s, v, place, :] = math.nan
            cob.asks[s, v, place, :] = math.nan
        for c in range(41):
            cob.bids[s, v, place + 300, c] = cob.bids[s, v, place, c]
            cob.asks[s, v, place + 300, c] = cob.asks[s, v, place, c]
    spread = (ask - bid) / middle * 1e4
    shift = _shift(middle, terms.width, centre)
    imbalance = imbalance_of(cob.bids[s, :, place], cob.asks[s, :, place], 5, shift)
    for at in (place, place + 300):
        cob.seconds[s, at] = second
        cob.centres[s, at] = centre
        cob.widths[s, at] = terms.width
        cob.mids[s, at] = middle
        cob.spreads[s, at] = spread
        cob.imbalances[s, at] = imbalance
    _remember(cob, s, second)


@kernel
def _write_nothing(cob: Any, s: int, second: int) -> None:
    """A second of which nothing is known."""
    for at in (second % 300, second % 300 + 300):
        cob.seconds[s, at] = second
        cob.centres[s, at] = 0
        cob.widths[s, at] = cob.terms[s].width
        cob.mids[s, at] = math.nan
        cob.spreads[s, at] = math.nan
        cob.imbalances[s, at] = math.nan
        cob.bids[s, :, at, :] = math.nan
        cob.asks[s, :, at, :] = math.nan
    _remember(cob, s, second)


@kernel
def _remember(cob: Any, s: int, second: int) -> None:
    """The newest second, its imbalance and the averages over the seconds behind it."""
    state = cob.row[s]
    state.second = second
    state.written += 1
    place = second % 300 + 300
    state.imbalance = cob.imbalances[s, place]
    state.average_1 = average_back(cob.imbalances[s], place, 1)
    state.average_5 = average_back(cob.imbalances[s], place, 5)
    state.average_15 = average_back(cob.imbalances[s], place, 15)
    state.average_60 = average_back(cob.imbalances[s], place, 60)


@kernel
def average_back(values: Any, place: int, seconds: int) -> float:
    """Mean of the known values (T,) of so many seconds up to `place` in the ring's upper half; NaN where none is known."""
    total, known = 0.0, 0
    for n in range(place - seconds + 1, place + 1):
        if not math.isnan(values[n]):
            total += values[n]
            known += 1
    return total / known if known > 0 else math.nan


@kernel
def imbalance_of(bids: Any, asks: Any, near: int, shift: int) -> float:
    """(bid - ask) / (bid + ask) over the middle's bucket and the `near` ones on each side, all venues (V, C) together.

    Where the middle lies between two buckets (`shift` 1), the lower is the bids' and the upper the asks': each side has as many buckets as the
    other, or a market whose spread is one tick would always seem to be bid for. A venue that is not known at the middle is left out. NaN where
    nothing rests, or a venue's book is not known as far as that.
    """
    bid, ask = 0.0, 0.0
    for v in range(len(bids)):
        if not (math.isnan(bids[v, 20]) or math.isnan(asks[v, 20 + shift])):
            for c in range(20 - near, 21 + near):
                bid += bids[v, c]
                ask += asks[v, c + shift]
    return (bid - ask) / (bid + ask) if bid + ask > 0.0 else math.nan


@kernel
def _shift(middle: float, width: int, centre: int) -> int:
    """1 where the middle lies between two buckets, of which `centre` is the lower; else 0."""
    return math.ceil(middle) // width - centre


@kernel
def _fill_leaning(cob: Any, s: int, first: int, venues: Any, sides: Any, out: Any) -> None:
    """The headline imbalance of some venues (places (W,), with room `sides` (2, W, C)) in the rings' rows from `first` on -> out (T,)."""
    for t in range(len(out)):
        at = first + t
        out[t] = math.nan
        if not math.isnan(cob.mids[s, at]):
            for n in range(len(venues)):
                for c in range(41):
                    sides[0, n, c] = cob.bids[s, venues[n], at, c]
                    sides[1, n, c] = cob.asks[s, venues[n], at, c]
            out[t] = imbalance_of(sides[0], sides[1], 5, _shift(cob.mids[s, at], cob.widths[s, at], cob.centres[s, at]))


@kernel
def resting(side: Any, c: int) -> float:
    """What rests in a column of one side (V, C) at all venues that are known there; NaN where none is."""
    total, known = 0.0, 0
    for v in range(len(side)):
        if not math.isnan(side[v, c]):
            total += side[v, c]
            known += 1
    return total if known > 0 else math.nan


@kernel
def bucket_imbalance(bids: Any, asks: Any, c: int) -> float:
    """(bid - ask) / (bid + ask) of a column of (V, C); NaN where nothing rests, or either side is not known."""
    bid, ask = resting(bids, c), resting(asks, c)
    return (bid - ask) / (bid + ask) if bid + ask > 0.0 else math.nan


@kernel
def _fill_imbalances(bids: Any, asks: Any, out: Any) -> None:
    """Imbalances of sides (V, T, C) by bucket -> out (T, C)."""
    for t in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[t, c] = bucket_imbalance(bids[:, t], asks[:, t], c)


@kernel
def _fill_volumes(bids: Any, asks: Any, out: Any) -> None:
    """What rests on sides (V, T, C) together -> out (T, C); NaN where either side is not known."""
    for t in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[t, c] = resting(bids[:, t], c) + resting(asks[:, t], c)


def newest(cob: Cob, s: int, seconds: int = LENGTH) -> slice:
    """Where the newest `seconds` (at most LENGTH) of an instrument stand in the rings: one stretch."""
    end = int(cob.row[s]["second"]) % LENGTH + LENGTH + 1
    return slice(end - seconds, end)


def leaning(cob: Cob, s: int, seconds: int = LENGTH, venues: tuple[int, ...] | None = None) -> np.ndarray:
    """The headline imbalance (T,) of the newest seconds, over `venues` (places; None: all)."""
    window = newest(cob, s, seconds)
    if venues is None:
        told: np.ndarray = cob.imbalances[s, window]
        return told
    out = np.empty(seconds)
    _fill_leaning(cob, s, window.start, np.array(venues, np.int64), np.empty((2, len(venues), COLUMNS)), out)
    return out


class Heatmap(Struct, frozen=True, eq=False):
    """Rows are the seconds `times` (T,) of Unix time, oldest first; columns `prices` (2R + 1,) buckets from the middle; `mids` (T,) in ticks."""

    times: np.ndarray
    prices: np.ndarray
    values: np.ndarray
    mids: np.ndarray


METRICS = ("imbalance", "volume", "spread")


def heatmap(
    cob: Cob, s: int, *, seconds: int = LENGTH, radius: int = 10, metric: str = "imbalance", venues: tuple[int, ...] | None = None
) -> Heatmap:
    """The newest `seconds` (at most LENGTH) of an instrument.

    `imbalance` and `volume` (quote currency) are by bucket, over `venues` (places; None: all); `spread` (bps) is one number a second, repeated.
    A second of which nothing is known is a row of NaN; so is a bucket in which nothing rests, for its imbalance, and a second of the day before whose
    buckets were of another width.
    """
    if metric not in METRICS or not 1 <= seconds <= LENGTH or not 0 <= radius <= RADIUS:
        raise ValueError(f"metric {metric!r}, {seconds} seconds, radius {radius}: one of {', '.join(METRICS)}, 1 to {LENGTH}, 0 to {RADIUS}")
    window, now = newest(cob, s, seconds), int(cob.row[s]["second"])
    times = np.arange(now - seconds + 1, now + 1)
    columns = slice(RADIUS - radius, RADIUS + radius + 1)
    chosen = slice(None) if venues is None else list(venues)
    if metric == "spread":
        values = np.repeat(cob.spreads[s, window, None], 2 * radius + 1, axis=1)
    else:
        bids, asks = (side[s, chosen, window, columns] for side in (cob.bids, cob.asks))
        values = np.empty(bids.shape[1:])
        (_fill_imbalances if metric == "imbalance" else _fill_volumes)(np.ascontiguousarray(bids), np.ascontiguousarray(asks), values)
        values[cob.widths[s, window] != cob.terms[s]["width"]] = math.nan
    return Heatmap(times, np.arange(-radius, radius + 1), values, cob.mids[s, window])
