"""Recorded candles as flow: what is traded are the candles, and quotes stand around the price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.candle_flow import begun_candles, candle_step
from metastackerbandit.simulation.candle_path import CandleTicks
from metastackerbandit.simulation.flow import Flow, flow_in
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.matching import best_of
from metastackerbandit.simulation.queues import BUY, SELL, Queues, empty_queues
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings
from tests.simulation.floor import instrument
from tests.simulation.test_candle_path import candles

BEGUN_NS = 1_790_000_100 * SECOND_NS
Told = dict[tuple[int, int], tuple[int, int, int, int, int, int]]


def candle_rows(candles: Sequence[CandleTicks]) -> np.ndarray:
    """Candles (N,) as rows."""
    made = rows(CandleTicks, len(candles))
    for n, one in enumerate(candles):
        made[n] = tuple(getattr(one, name) for name in CandleTicks.__struct_fields__)
    return made


def played(given_candles: Sequence[Sequence[CandleTicks]], minutes: int, seed: int = 1) -> tuple[Queues, Told, list[tuple[int, int, int]]]:
    """Let minutes pass. The books; what was traded, by symbol and minute: open, high, low, close, lots, lots that buyers took; and each second's best
    bid and ask of symbol 0 with its price."""
    symbols = [MadeSymbol(instrument(s, "spot"), ListingSettings(price=float(own[0].open) / 10)) for s, own in enumerate(given_candles)]
    market = begun_candles(GeneratorSettings(seed=seed), symbols, [candle_rows(own) for own in given_candles], BEGUN_NS, MINUTE_NS)
    queues, flow = empty_queues(len(symbols)), rows(Flow, 2_048 * len(symbols))
    told: Told = {}
    seen, quotes = [0] * len(symbols), []
    for second in range(60 * minutes):
        count = int(candle_step(market, queues, BEGUN_NS + second * SECOND_NS, flow))
        assert flow_in(queues, flow[:count], 0) == count and count < 1_000
        for s in range(len(symbols)):
            newest = int(queues.row[s]["trade"])
            for number in range(seen[s] + 1, newest + 1):
                _, at_ns, ticks, lots, is_sold, *_ = queues.trades[s, number % queues.trades.shape[1]].item()
                key, bought = (s, (at_ns - BEGUN_NS) // MINUTE_NS), lots * (1 - is_sold)
                first, high, low, _, all_lots, all_bought = told.get(key, (ticks, ticks, ticks, ticks, 0, 0))
                told[key] = (first, max(high, ticks), min(low, ticks), ticks, all_lots + lots, all_bought + bought)
            seen[s] = newest
        quotes.append((int(best_of(queues, 0, BUY)), int(market.paths[0, second % 60, 0]), int(best_of(queues, 0, SELL))))
    return queues, told, quotes


PLENTY = candles(st.integers(4, 10**9))


@settings(max_examples=20)
@given(first=st.lists(PLENTY, min_size=2, max_size=3), second=st.lists(PLENTY, min_size=1, max_size=2), seed=st.integers(0, 100))
def test_what_is_traded_in_each_minute_is_its_candle(first: list[CandleTicks], second: list[CandleTicks], seed: int) -> None:
    _, told, _ = played([first, second], 4, seed)
    for s, own in enumerate((first, second)):
        for n, one in enumerate(own):
            bought = one.bought if one.bought >= 0 else one.lots // 2
            assert told.pop((s, n)) == (one.open, one.high, one.low, one.close, one.lots, bought)
    assert told == {}, "and nothing after the last"


def test_quotes_stand_around_the_price_and_are_all_of_the_background() -> None:
    given_candles = [CandleTicks(60_000, 60_500, 59_600, 60_100, 9_000, 4_000), CandleTicks(60_100, 60_110, 58_000, 58_500, 0, 0)]
    queues, told, quotes = played([given_candles], 2)
    assert all(0 < bid < price < ask for bid, price, ask in quotes) and int(queues.row[0]["own"]) == 0
    assert min(int(queues.row[0][side]) for side in ("bids", "asks")) >= 20
    assert set(told) == {(0, 0)}, "a candle without volume moves quotes alone"
    assert abs(quotes[-1][0] / 58_500 - 1) < 1e-4
