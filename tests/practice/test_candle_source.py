"""Recorded candles on a venue's floor: its own candles are the recorded ones, before it began and after, until they end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.practice.candle_source import CandleSource, SymbolCandles, candle_ticks, completed
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import NewOrder, Order, Refusal
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.queues import BUY, SELL
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings
from tests.practice.walking import GIVEN, instruments

BEGUN_NS = 1_790_000_100 * SECOND_NS  # a whole five minutes
NAMES = ("open", "high", "low", "close")


def walked(seed: int, count: int, price: int, begin_ns: int, frame_ns: int = MINUTE_NS, lot: float = 1e-5) -> np.ndarray:
    """Candles (N,) of a walk from `begin_ns` on, of at least four lots each."""
    chance, made = np.random.default_rng(seed), np.zeros(count, layout(Bar))
    made["opened_ns"] = begin_ns + frame_ns * np.arange(count)
    made["closed_ns"] = made["known_ns"] = made["opened_ns"] + frame_ns
    closes = price + np.cumsum(chance.integers(-40, 41, count))
    made["open"], made["close"] = np.concatenate(([price], closes[:-1])), closes
    made["high"] = np.maximum(made["open"], made["close"]) + chance.integers(0, 30, count)
    made["low"] = np.minimum(made["open"], made["close"]) - chance.integers(0, 30, count)
    lots = chance.integers(4, 5_000_000, count)
    made["volume"], made["taker_volume"] = lots * lot, chance.integers(0, lots + 1) * lot
    made["quote_volume"], made["trades"], made["parts"], made["parts_due"] = lots * lot * price / 100, 9, 1, 1
    return made


def floor(parts: list[np.ndarray], market: str = "spot", funding: FundingBoard | None = None, paid: np.ndarray | None = None) -> tuple[Floor, Any]:
    """A floor on candles that begins at BEGUN_NS, with an owner."""
    listings = [Listing(one) for one in instruments(market)[: len(parts)]]
    frame_ns = int(parts[0]["closed_ns"][0] - parts[0]["opened_ns"][0])
    symbols = [MadeSymbol(one.instrument, ListingSettings(price=float(own["open"][0]) / 100)) for one, own in zip(listings, parts, strict=True)]
    source = CandleSource(GeneratorSettings(), [SymbolCandles(one, own, paid) for one, own in zip(symbols, parts, strict=True)], frame_ns, funding)
    exchange = Exchange(listings)
    exchange.open(1, GIVEN)
    return Floor(exchange, source, BEGUN_NS, PracticeSettings()), source


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), minutes=st.sampled_from([1, 5]), steps=st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_its_candles_are_the_recorded_ones_in_price_volume_and_buyers(seed: int, minutes: int, steps: list[int]) -> None:
    frame_ns = minutes * MINUTE_NS
    parts = [
        walked(seed + s, 70, price, BEGUN_NS - 60 * frame_ns, frame_ns, lot) for s, (price, lot) in enumerate([(6_000_000, 1e-5), (300_000, 1e-4)])
    ]
    ground, _ = floor(parts)
    for seconds in steps:
        ground.advance(ground.now_ns + seconds * SECOND_NS)
    ground.advance(BEGUN_NS + 10 * frame_ns)
    for s, (own, lot) in enumerate(zip(parts, (1e-5, 1e-4), strict=True)):
        told, rest = np.split(ground.board.candles(s, frame_ns, 0, 2**62, 1_000, newest=True), [70])
        assert (told["opened_ns"] == own["opened_ns"]).all() and not rest["trades"].any()
        for name in NAMES:
            assert (told[name] == own[name]).all(), name
        for name in ("volume", "taker_volume"):
            assert (np.rint(told[name] / lot) == np.rint(own[name] / lot)).all(), name


def test_the_past_is_kept_by_five_minutes_where_it_is_long() -> None:
    own = walked(1, 21 * 1_440 + 7, 300_000, BEGUN_NS - 21 * DAY_NS - 2 * MINUTE_NS)
    ground, _ = floor([own])
    minutes = ground.board.candles(0, MINUTE_NS, 0, BEGUN_NS, 50_000, newest=True)
    assert len(minutes) == 20 * 1_440 and (minutes["close"] == own["close"][1_442 : 1_442 + 20 * 1_440]).all()
    fives = ground.board.candles(0, FIVE_NS, 0, BEGUN_NS, 50_000, newest=True)
    assert len(fives) == 21 * 288 and (np.diff(fives["opened_ns"]) == FIVE_NS).all(), "what is before a whole five minutes is left out"
    assert fives["high"][0] == own["high"][2:7].max() and abs(fives["volume"].sum() - own["volume"][2:-5].sum()) < 1e-6 * fives["volume"].sum()


@pytest.mark.parametrize(("side", "name", "sign"), [(BUY, "low", 1), (SELL, "high", -1)])
def test_an_order_that_the_path_passes_is_filled_and_one_that_it_does_not_reach_rests(side: int, name: str, sign: int) -> None:
    own = walked(5, 6, 6_000_000, BEGUN_NS)
    own[["low", "high"][side]][4] += -sign * 900  # the fifth minute goes far
    ground, _ = floor([own])
    wished = [int(own[name][4]) + sign * 450, int(own[name][4]) - sign * 50]
    orders = [ground.exchange.place(1, NewOrder(0, side, "limit", 2_000, ticks), ground.now_ns) for ticks in wished]
    ground.advance(BEGUN_NS + 4 * MINUTE_NS - SECOND_NS)
    assert [isinstance(one, Order) and one.filled for one in orders] == [0, 0], "nobody has come so far"
    ground.advance(BEGUN_NS + 5 * MINUTE_NS)
    assert [isinstance(one, Order) and one.status for one in orders] == ["filled", "new"]
    told = ground.board.candles(0, MINUTE_NS, BEGUN_NS, 2**62, 10, newest=True)
    assert (told["open"][4], told["close"][4], told[name][4]) == (own["open"][4], own["close"][4], own[name][4])


def test_what_candles_do_not_say_of_the_past_is_made_and_what_they_say_stays() -> None:
    own = walked(1, 12, 6_000_000, BEGUN_NS - 10 * MINUTE_NS)
    for name in ("quote_volume", "taker_volume", "trades"):
        own[name][3] = np.nan
    own["volume"][7] = own["trades"][7] = 0.0
    made = completed(own, 0.01)
    assert made["trades"].tolist() == [9, 9, 9, 60, 9, 9, 9, 0, 9, 9, 9, 9]
    assert made["taker_volume"][3] == own["volume"][3] / 2 and abs(made["quote_volume"][3] / own["volume"][3] / 60_000 - 1) < 1e-3
    others = np.arange(12) != 3
    assert made[others].tolist() == own[others].tolist() and np.isnan(own["trades"][3])
    assert not np.isnan(floor([own])[0].board.candles(0, MINUTE_NS, 0, 2**62, 20, newest=True)["trades"]).any()


def test_a_symbol_stops_trading_when_its_candles_end_and_the_others_go_on() -> None:
    ground, source = floor([walked(1, 5, 6_000_000, BEGUN_NS), walked(2, 10, 300_000, BEGUN_NS)])
    heard: list[tuple[str, int]] = []
    source.closing.hear = lambda symbol, at_ns: heard.append((symbol, at_ns))
    resting = ground.exchange.place(1, NewOrder(0, SELL, "limit", 10_000, 6_900_000), ground.now_ns)
    ground.advance(BEGUN_NS + 5 * MINUTE_NS)
    assert heard == [("BTCUSDT", BEGUN_NS + 5 * MINUTE_NS)]
    assert [one.is_trading for one in ground.exchange.listings] == [False, True]
    assert ground.exchange.place(1, NewOrder(0, BUY, "market", 10_000), ground.now_ns) == Refusal("closed")
    before = [int(row["trade"]) for row in ground.exchange.queues.row]
    ground.advance(BEGUN_NS + 8 * MINUTE_NS)
    after = [int(row["trade"]) for row in ground.exchange.queues.row]
    assert after[0] == before[0] and after[1] > before[1]
    assert isinstance(resting, Order) and resting.is_open and isinstance(ground.exchange.cancel(1, 0, resting.number, ground.now_ns), Order)
    ground.advance(BEGUN_NS + 20 * MINUTE_NS)
    assert [symbol for symbol, _ in heard] == ["BTCUSDT", "ETHUSDT"] == list(source.closing.closed)
    assert not ground.board.candles(0, MINUTE_NS, BEGUN_NS, 2**62, 100, newest=True)["trades"][5:].any()


def test_marks_follow_the_path_and_funding_is_the_recorded_one() -> None:
    due_ns = (BEGUN_NS // (8 * HOUR_NS) + 1) * 8 * HOUR_NS
    begin_ns = due_ns - 10 * MINUTE_NS
    paid = rows(FundingRow, 3)
    paid[0], paid[1], paid[2] = (due_ns - 8 * HOUR_NS, -7_000, 5_900_000), (begin_ns - 3 * MINUTE_NS, 3, 0), (due_ns, 12_345, 0)
    funding = FundingBoard(1, 8 * HOUR_NS, begin_ns)
    own = walked(3, 40, 6_000_000, begin_ns - 5 * MINUTE_NS)
    listing = Listing(instruments("perp")[0])
    source = CandleSource(
        GeneratorSettings(), [SymbolCandles(MadeSymbol(listing.instrument, ListingSettings(price=60_000)), own, paid)], MINUTE_NS, funding
    )
    ground = Floor(Exchange([listing]), source, begin_ns, PracticeSettings())
    assert ground.exchange.marks[0] == own["open"][5] and funding.rates == [12_345]
    ground.advance(due_ns - SECOND_NS)
    assert ground.exchange.marks[0] == own["close"][14]
    ground.advance(due_ns)
    assert [(one.rate, one.mark) for one in funding.settled[0]] == [(-7_000, 5_900_000), (3, own["close"][1]), (12_345, ground.exchange.marks[0])]
    ground.advance(due_ns + SECOND_NS)
    assert funding.rates == [10_000], "where none is recorded: the base rate of one basis point"


@pytest.mark.parametrize(("taker", "bought"), [(np.nan, -1), (0.00003, 3), (9.0, 12)])
def test_volumes_are_rounded_to_lots_and_buyers_never_have_more_than_all(taker: float, bought: int) -> None:
    own = walked(1, 1, 6_000_000, BEGUN_NS)
    own["volume"], own["taker_volume"] = 0.000118, taker
    made = candle_ticks(own, Exchange([Listing(instruments("spot")[0])]).sizes[0])
    assert (int(made["lots"][0]), int(made["bought"][0])) == (12, bought)
