"""A made market on a venue's floor: the past ends where the exchange begins, nothing lies in the future, and a seed is one market."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import numpy as np

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.practice.binance.amounts import amounts_of
from metastackerbandit.practice.binance.spot_tickers import SpotTickers
from metastackerbandit.practice.day import day_of
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.made_source import MadeSource
from metastackerbandit.practice.replies import Asked, Parameters
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.tape import book_side
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings
from tests.practice.walking import BEGUN_NS, instruments

SYMBOLS = [MadeSymbol(one, ListingSettings(price=price)) for one, price in zip(instruments("spot"), (60_000.0, 3_000.0), strict=True)]


def floor(funding: FundingBoard | None = None, now_ns: int = BEGUN_NS) -> Floor:
    begun_ns = now_ns // FIVE_NS * FIVE_NS
    listings = [Listing(one) for one in instruments("spot" if funding is None else "perp")]
    source = MadeSource(GeneratorSettings(), SYMBOLS, 3, funding, SECOND_NS // 10)
    return Floor(Exchange(listings), source, begun_ns, PracticeSettings())


def test_the_past_meets_the_present_without_a_hole() -> None:
    ground = floor()
    begun_ns = ground.now_ns
    ground.advance(BEGUN_NS + 200 * SECOND_NS)
    minutes = ground.board.candles(0, MINUTE_NS, 0, 2**62, 3_000, newest=True)
    assert (np.diff(minutes["opened_ns"]) == MINUTE_NS).all() and len(minutes) > 1_440
    assert minutes["opened_ns"][-1] == ground.now_ns // MINUTE_NS * MINUTE_NS
    hours = ground.board.candles(0, HOUR_NS, 0, 2**62, 1_000, newest=True)
    assert (np.diff(hours["opened_ns"]) == HOUR_NS).all() and len(hours) >= 72
    before = minutes["close"][minutes["closed_ns"] == begun_ns][0]
    bid, ask = (book_side(ground.exchange.queues, 0, side, 1)[0][0] for side in (0, 1))
    assert bid < ask and abs(bid / before - 1) < 0.01
    newest = int(ground.exchange.queues.row[0]["trade"])
    assert ground.exchange.queues.trades[0][newest % 4_096]["at_ns"] <= ground.now_ns, "nothing is told before it happens"
    day = day_of(ground.days, 0, ground.now_ns)
    fives = ground.board.candles(0, 5 * MINUTE_NS, ground.now_ns - DAY_NS, 2**62, 400, newest=True)
    assert day.trades >= fives["trades"].sum() > 0 and day.high >= fives["high"].max()


def test_before_the_first_trade_the_newest_price_is_that_of_the_past() -> None:
    ground = floor()
    listings, sizes = ground.exchange.listings, ground.exchange.sizes
    tickers = SpotTickers(ground, [amounts_of(one, size) for one, size in zip(listings, sizes, strict=True)])
    assert ground.exchange.queues.row[1]["trade"] == 0, "nothing was traded yet"
    close = ground.board.candles(1, MINUTE_NS, 0, 2**62, 1, newest=True)["close"][0]
    asked = Asked(Parameters({"symbol": "ETHUSDT"}), ground.now_ns)
    assert Decimal(tickers.price(asked)["price"]) == Decimal(int(close)) / 100 == Decimal(tickers.day(asked)["lastPrice"])


def test_markets_of_a_seed_have_the_same_values_and_a_perpetuals_mark_is_the_value() -> None:
    spot, perp = floor(), floor(FundingBoard(len(SYMBOLS), 8 * HOUR_NS, BEGUN_NS))
    for second in range(1, 40):
        for one in (spot, perp):
            one.advance(BEGUN_NS + second * SECOND_NS)
        middles = [sum(book_side(one.exchange.queues, 0, side, 1)[0][0] for side in (0, 1)) / 2 for one in (spot, perp)]
        assert abs(middles[0] / middles[1] - 1) < 3e-4
        assert abs(perp.exchange.marks[0] / middles[1] - 1) < 3e-4
    assert spot.exchange.queues.row[0]["trade"] > 0 < perp.exchange.queues.row[0]["trade"]


def test_funding_goes_on_where_its_past_ended() -> None:
    next_ns = (BEGUN_NS // (8 * HOUR_NS) + 1) * 8 * HOUR_NS
    funding = FundingBoard(len(SYMBOLS), 8 * HOUR_NS, next_ns - HOUR_NS)
    ground = floor(funding, next_ns - 60 * SECOND_NS)
    past = len(funding.settled[0])
    assert past >= 9
    ground.advance(next_ns + SECOND_NS)
    told = list(funding.settled[0])
    assert len(told) == past + 1 and all(after.at_ns - before.at_ns == 8 * HOUR_NS for before, after in pairwise(told))
    assert told[-1].at_ns == next_ns and told[-1].mark > 0 and abs(told[-1].rate) <= 300_000


def test_a_seed_is_one_market_however_time_is_cut() -> None:
    whole, cut = floor(), floor()
    whole.advance(BEGUN_NS + 30 * SECOND_NS)
    for step in range(1, 301):
        cut.advance(BEGUN_NS + step * SECOND_NS // 10)
    for name in ("changes", "trades", "prices"):
        assert np.array_equal(getattr(whole.exchange.queues, name), getattr(cut.exchange.queues, name)), name
