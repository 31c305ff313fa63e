"""Recorded candles as the background of books: trades at the prices of each candle's path, and made quotes around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.simulation.candle_path import PARTS, CandleTicks, lay_path
from metastackerbandit.simulation.chance import chance_of, seed_row
from metastackerbandit.simulation.flow import PRINT
from metastackerbandit.simulation.made_market import MadeMarket, MadeSymbol, begun_market
from metastackerbandit.simulation.order_flow import Background, begun_background, make_quotes, put_row
from metastackerbandit.simulation.queues import BUY, SELL
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value import NORMAL, activity_of

_STEP_S = 1.0  # a path has a price for each second


class PathRow(Struct, frozen=True):
    """A symbol's chance, and the place of the candle whose path is laid (-1: none is)."""

    word_a: int
    word_b: int
    word_c: int
    word_d: int
    place: int


class CandleMarket(NamedTuple):
    """Candles of S symbols, which all begin at `begun_ns` and are `frame_ns` long; those of symbol s are candles[first[s] : first[s + 1]].

    `paths` (S, K, PARTS) are of the candle that passes. Of `made` only the time and the values are used, which makers quote around.
    """

    made: MadeMarket
    background: Background
    candles: Any  # (N,) CandleTicks
    first: Any  # (S + 1,) int64
    courses: Any  # (S,) PathRow
    paths: Any
    begun_ns: int
    frame_ns: int


def begun_candles(
    settings: GeneratorSettings, symbols: Sequence[MadeSymbol], candles: Sequence[np.ndarray], begun_ns: int, frame_ns: int
) -> CandleMarket:
    """Candles (N_s,) CandleTicks of each symbol, at least one, in whole minutes without a gap; makers quote as the settings say."""
    made = begun_market(settings, symbols, begun_ns)
    made.market["regime"], made.market["step_s"] = NORMAL, _STEP_S
    made.market["busy_s"] = _STEP_S * activity_of(NORMAL, made.terms[0])
    for s, own in enumerate(candles):
        made.values["log_ticks"][s] = math.log(int(own[0]["open"]))
    courses = rows(PathRow, len(symbols))
    courses["place"] = -1
    for s, one in enumerate(symbols):
        seed_row(courses[s : s + 1], chance_of(settings.seed, f"candles {one.instrument.symbol}"))
    first = np.concatenate(([0], np.cumsum([len(own) for own in candles]))).astype(np.int64)
    whole = rows(CandleTicks, int(first[-1]))
    for s, own in enumerate(candles):
        whole[first[s] : first[s + 1]] = own
    paths = np.zeros((len(symbols), round(frame_ns * 1e-9 / _STEP_S), PARTS), np.int64)
    return CandleMarket(made, begun_background(settings, symbols, made), whole, first, courses, paths, begun_ns, frame_ns)


@kernel
def candle_step(market: Any, queues: Any, now_ns: int, flow: Any) -> int:
    """What the background does in the second that begins at `now_ns`, a whole one, to flow (K,) Flow; how many rows that are.

    A symbol whose candles are over does nothing. Seconds are asked for in order, each once: what is left out is not traded.
    """
    market.made.market[0].at_ns = now_ns
    passed = now_ns - market.begun_ns
    place = passed // market.frame_ns
    second = passed % market.frame_ns * market.paths.shape[1] // market.frame_ns
    n = 0
    for s in range(len(market.courses)):
        at = market.first[s] + place
        if at >= market.first[s + 1]:
            continue
        path = market.paths[s]
        if market.courses[s].place != place:
            market.courses[s].place = place
            lay_path(market.courses[s], market.candles[at], path)
        market.made.values[s].log_ticks = math.log(path[second, 0])
        n = make_quotes(market.background, market.made, queues, s, flow, n)
        n = put_row(market.made, s, PRINT, BUY, path[second, 0], path[second, 1], flow, n)
        n = put_row(market.made, s, PRINT, SELL, path[second, 0], path[second, 2], flow, n)
    return n
