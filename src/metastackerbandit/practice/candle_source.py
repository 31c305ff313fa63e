"""Recorded candles as what moves a floor: those before it begins are its past, the others are traded second by second until they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import copied, layout, rows
from metastackerbandit.domain.money import BPS_RATE
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.practice.closing import Closing
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.made_source import MINUTES_NS
from metastackerbandit.simulation.candle_board import FIVE_NS, CandleBoard, resampled
from metastackerbandit.simulation.candle_flow import begun_candles, candle_step
from metastackerbandit.simulation.candle_path import CandleTicks
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.flow import Flow
from metastackerbandit.simulation.listing import Sizes
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.settings import GeneratorSettings

_ROOM = 2_048  # rows of flow a symbol


class SymbolCandles(Struct, frozen=True, eq=False):
    """A symbol's candles `bars` (N,) in the layout of Bar, of whole minutes that divide five, without a gap; `funding` (K,) FundingRow or None."""

    symbol: MadeSymbol
    bars: np.ndarray
    funding: np.ndarray | None = None


class CandleSource:
    """Candles of one length, which are traded from `begun_ns` (a whole five minutes) on; `funding` is kept where the market is of perpetuals.

    Each symbol's instrument is closed when its candles are over. Marks are the prices of the path. The rate of funding is the recorded one of the
    settlement that comes next, or the settings' base rate where none is recorded.
    """

    lineage = "replayed candles"

    def __init__(self, settings: GeneratorSettings, candles: Sequence[SymbolCandles], frame_ns: int, funding: FundingBoard | None) -> None:
        self._settings, self._candles, self._frame_ns, self._funding = settings, tuple(candles), frame_ns, funding
        self._flow = rows(Flow, _ROOM * len(candles))
        self._now_ns = 0
        self._market: Any = None
        self._ahead: list[np.ndarray] = []  # settlements of each symbol that are still to come
        self.closing = Closing([int(one.bars[-1]["closed_ns"]) for one in candles])

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """The past up to `now_ns`, and the first second."""
        traded = []
        for s, one in enumerate(self._candles):
            place = int(np.searchsorted(one.bars["opened_ns"], now_ns))
            board.begin(s, *_past(completed(one.bars[:place], float(one.symbol.instrument.tick_size)), now_ns))
            traded.append(candle_ticks(one.bars[place:], exchange.sizes[s]))
            self._ahead.append(self._settled(s, one, now_ns))
        symbols = [one.symbol for one in self._candles]
        self._market = begun_candles(self._settings, symbols, traded, now_ns, self._frame_ns)
        self._now_ns = now_ns
        self._step(exchange)

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Let the seconds pass that have begun by `to_ns`."""
        while self._now_ns + SECOND_NS <= to_ns:
            self._now_ns += SECOND_NS
            self._step(exchange)

    def _settled(self, s: int, one: SymbolCandles, now_ns: int) -> np.ndarray:
        """Tell what was settled up to a time, at the price of then where no mark was recorded; the settlements (K,) that are still to come."""
        settled = rows(FundingRow, 0) if one.funding is None else one.funding
        passed = int(np.searchsorted(settled["at_ns"], now_ns, "right"))
        for row in settled[:passed] if self._funding is not None else ():
            at_ns = int(row["at_ns"])
            place = max(int(np.searchsorted(one.bars["opened_ns"], at_ns)) - 1, 0)
            self._funding.keep(s, at_ns, int(row["rate"]), int(row["mark"] or one.bars["close"][place]))  # type: ignore[union-attr]
        return settled[passed:]

    def _step(self, exchange: Exchange) -> None:
        """One second."""
        self.closing.close_due(exchange, self._now_ns)
        count = int(candle_step(self._market, exchange.queues, self._now_ns, self._flow))
        exchange.flow(self._flow[:count])
        if self._funding is not None:
            self._mark(exchange, self._funding)

    def _mark(self, exchange: Exchange, funding: FundingBoard) -> None:
        """Marks follow the path, and funding is settled when its time has come; a symbol that is closed keeps its last mark."""
        for s, place in enumerate(self._market.paths[:, self._now_ns % self._frame_ns // SECOND_NS, 0].tolist()):
            if exchange.listings[s].is_trading:
                exchange.mark(s, place, self._now_ns)
            ahead = self._ahead[s]
            passed = int(np.searchsorted(ahead["at_ns"], self._now_ns))
            self._ahead[s] = ahead = ahead[passed:]
            funding.rates[s] = int(ahead[0]["rate"]) if len(ahead) else round(self._settings.funding_bps * BPS_RATE)
        funding.settle_due(exchange, self._now_ns)


def candle_ticks(bars: np.ndarray, sizes: Sizes) -> np.ndarray:
    """Bars (N,) with real volumes as (N,) CandleTicks: volumes rounded to whole lots, the buyers' part no more than the whole."""
    made = rows(CandleTicks, len(bars))
    for name in ("open", "high", "low", "close"):
        made[name] = bars[name]
    per_lot = 1e8 / sizes.lot
    made["lots"] = np.rint(bars["volume"] * per_lot)
    known = np.isfinite(bars["taker_volume"])
    made["bought"] = np.where(known, np.minimum(np.rint(np.where(known, bars["taker_volume"], 0.0) * per_lot), made["lots"]), -1)
    return made


def completed(bars: np.ndarray, tick: float) -> np.ndarray:
    """Bars (N,) with what they do not say made: the volume at their mean price, half of it the buyers', one trade a second."""
    made = copied(bars)
    middle = 0.25 * tick * (bars["open"] + bars["high"] + bars["low"] + bars["close"])
    seconds = (bars["closed_ns"] - bars["opened_ns"]) // SECOND_NS
    for name, instead in (
        ("quote_volume", bars["volume"] * middle),
        ("taker_volume", 0.5 * bars["volume"]),
        ("trades", np.where(bars["volume"] > 0.0, seconds, 0)),
    ):
        made[name] = np.where(np.isfinite(bars[name]), bars[name], instead)
    return made


def _past(bars: np.ndarray, now_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Bars (N,) before `now_ns` as five-minute ones and the newest as they are, both ending at whole five minutes."""
    if not len(bars):
        return np.zeros(0, layout(Bar)), np.zeros(0, layout(Bar))
    frame_ns = int(bars[0]["closed_ns"] - bars[0]["opened_ns"])
    if frame_ns == FIVE_NS:
        return bars, bars[:0]
    bars = bars[np.searchsorted(bars["opened_ns"], -(-int(bars[0]["opened_ns"]) // FIVE_NS) * FIVE_NS) :]  # from a whole five minutes on
    place = int(np.searchsorted(bars["opened_ns"], max(now_ns - MINUTES_NS, int(bars[0]["opened_ns"])))) if len(bars) else 0
    return resampled(bars[:place], FIVE_NS), bars[place:]
