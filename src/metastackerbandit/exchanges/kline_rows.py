"""What REST answers tell of candles and best prices: whole bars, exact in ticks, with what a venue does not say left unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec
import numpy as np

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import AnswerRefused
from metastackerbandit.domain.instrument import MOST_TICKS, Instrument
from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.exchanges.streams import Best

MS = 1_000_000  # ns
_LAST_MS = 2**62 // MS


def decoded_json(body: bytes, kind: Any, what: str) -> Any:
    """A body as typed JSON; AnswerRefused where it is something else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AnswerRefused(f"{what}: {error}", where=body[:80].decode(errors="replace"), mend="it is asked again") from None


Told = tuple[int, tuple[str, str, str, str], tuple[str, str, str], int]


def bars_of(told: Iterable[Told], one: Instrument, frame_ns: int, known_ns: int) -> np.ndarray:
    """Candles (opening in ms, open/high/low/close, volume/quote volume/taker volume, trades) -> bars (N,), oldest first.

    Those that had not ended by `known_ns` are left out. A volume that is not told is an empty text, a count of trades -1.

    Raises:
        AnswerRefused: a candle off the frame's clock or out of order, prices that are off the grid or contradict each other, no numbers.
    """
    made: list[tuple[Any, ...]] = []
    last = -1
    for opened_ms, prices, volumes, trades in told:
        if not 0 < opened_ms < _LAST_MS or opened_ms * MS % frame_ns or opened_ms <= last:
            _refuse(one, f"the candle of {opened_ms} does not follow that of {last} on the clock of {frame_ns // 10**9} s")
        last = opened_ms
        opened_ns = opened_ms * MS
        if opened_ns + frame_ns > known_ns:
            continue
        first, high, low, close = (_ticks(text, one) for text in prices)
        if not low <= min(first, close) <= max(first, close) <= high:
            _refuse(one, f"the candle of {opened_ms} has open {prices[0]}, high {prices[1]}, low {prices[2]}, close {prices[3]}")
        volume, quote_volume, taker_volume = (_volume(text, one) for text in volumes)
        count = float(trades) if trades >= 0 else math.nan
        made.append((opened_ns, opened_ns + frame_ns, known_ns, first, high, low, close, volume, 1, 1, quote_volume, taker_volume, count))
    bars = rows(Bar, len(made))
    if made:
        bars[:] = np.array(made, dtype=layout(Bar))
    return bars


def funding_of(told: Iterable[tuple[int, str, str]], one: Instrument) -> np.ndarray:
    """Settlements (time in ms, rate, mark price) as rows (K,) of FundingRow; rates go to 1e-8, marks to the next tick, 0 where none is told.

    Raises:
        AnswerRefused: a time that does not follow the one before, a rate of half of the notional or more, no numbers.
    """
    made: list[tuple[int, int, int]] = []
    for at_ms, rate_text, mark_text in told:
        rate = _number(rate_text, one)
        if not 0 < at_ms < _LAST_MS or (made and at_ms * MS <= made[-1][0]) or abs(rate) >= Decimal("0.5"):
            _refuse(one, f"the settlement of {at_ms} at rate {rate_text}")
        mark = positive(mark_text, one) if mark_text not in ("", "0") else 0.0
        made.append((at_ms * MS, round(rate * RATE_ONE), round(mark / float(one.tick_size))))
    found = rows(FundingRow, len(made))
    if made:
        found[:] = np.array(made, dtype=layout(FundingRow))
    return found


def positive(text: str, one: Instrument) -> float:
    """A price in quote currency; AnswerRefused where it is none."""
    value = _number(text, one)
    if not 0 < value < Decimal(10) ** 15:
        _refuse(one, f"{text!r} is no price")
    return float(value)


def _ticks(text: str, one: Instrument) -> int:
    ticks = _number(text, one) / Decimal(one.tick_size)
    if ticks != ticks.to_integral_value() or not 0 < ticks <= MOST_TICKS:
        _refuse(one, f"price {text!r} is no multiple of the tick {one.tick_size}")
    return int(ticks)


def _volume(text: str, one: Instrument) -> float:
    if not text:
        return math.nan
    value = _number(text, one)
    if value < 0:
        _refuse(one, f"volume {text!r} is below zero")
    return float(value)


def _number(text: str, one: Instrument) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        _refuse(one, f"{text!r} is no number")
    if not value.is_finite():
        _refuse(one, f"{text!r} is no number")
    return value


def _refuse(one: Instrument, what: str) -> NoReturn:
    raise AnswerRefused(what, where=one.id, mend="it is asked again; an instrument's rules may have changed")


def arrays_of(body: bytes, kinds: tuple[Any, ...], what: str) -> Iterator[tuple[Any, ...]]:
    """The rows of an answer that is an array of arrays, each beginning with values of these kinds; what stands behind them is not read."""
    for row in decoded_json(body, list[list[int | str | float | None]], what):
        try:
            yield msgspec.convert(row[: len(kinds)], tuple[kinds])  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise AnswerRefused(f"{what}: {error}", where=str(row)[:80], mend="it is asked again") from None


def best_of(symbol: str, bid: str, ask: str, one: Instrument) -> Best:
    """Best prices as they were told; AnswerRefused where they are of another symbol, are no prices, or cross."""
    told = Best(positive(bid, one), positive(ask, one))
    if symbol != one.symbol or told.bid >= told.ask:
        _refuse(one, f"best prices {bid} and {ask} of {symbol}")
    return told
