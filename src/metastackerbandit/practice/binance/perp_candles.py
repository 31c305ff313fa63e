"""Candle streams of Binance USD-M: the candle that forms as it changes, and each once more when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metastackerbandit.practice.binance import perp_streams
from metastackerbandit.practice.binance.klines import candles_of, closed_at, opened_at, trades_of
from metastackerbandit.practice.binance.perp_venue import PerpVenue

_MOST = 1_000  # candles that can pass between two tellings
_EVER = 2**62


class CandleStream:
    """Candles of an instrument and frame; `is_pair` tells them in the form of continuous contracts."""

    is_urgent = False
    is_depth = False

    def __init__(self, venue: PerpVenue, s: int, interval: str, pace_s: float, *, is_pair: bool) -> None:
        self.pace_s, self.symbol = pace_s, venue.steps[s].symbol
        self._venue, self._s, self._interval, self._is_pair = venue, s, interval, is_pair
        self._since, self._seen = opened_at(interval, venue.floor.now_ns), -1

    def told(self, now_ns: int) -> Iterator[Any]:
        """The candles that closed since it was last asked, and the one that forms where it changed."""
        newest = int(self._venue.exchange.queues.row[self._s]["trade"])
        if newest == self._seen and now_ns < closed_at(self._interval, self._since):
            return
        self._seen = newest
        for bar in candles_of(self._venue.floor.board, self._s, self._interval, self._since, _EVER, _MOST, newest=False):
            opened_ns = int(bar["opened_ns"])
            closed_ns = closed_at(self._interval, opened_ns)
            self._since = closed_ns if closed_ns <= now_ns else opened_ns
            yield self._form(bar, closed_ns, now_ns)

    def _form(self, bar: Any, closed_ns: int, now_ns: int) -> dict[str, Any]:
        """One candle in the form that was asked for."""
        trades = trades_of(self._venue.exchange.queues, self._s, bar, closed_ns)
        made = perp_streams.kline(self._venue.steps[self._s], self._interval, bar, trades, closed_ns, now_ns)
        if not self._is_pair:
            return made
        candle = {name: value for name, value in made["k"].items() if name != "s"}
        return {"e": "continuous_kline", "E": made["E"], "ps": self.symbol, "ct": "PERPETUAL", "k": candle, "st": made["st"]}
