"""The made market behind a floor: one seed is one market, its past joins its present without a hole, and funding is settled in both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.funding import FundingBoard
from metastackerbandit.practice.made_source import MadeSource
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.made_market import MadeSymbol
from metastackerbandit.simulation.settings import MARKETS, ListingSettings
from tests.practice.walking import instruments

BEGUN_NS = 1_790_000_100 * SECOND_NS  # a whole five minutes
DAYS = 2
ONE = instruments("perp")[0]


class Made:
    """A floor over a made market of one symbol."""

    def __init__(self, seed: int = 1, market: Any = "perp") -> None:
        one = structs.replace(ONE, market=market)
        self.exchange = Exchange([Listing(one)])
        self.funding = FundingBoard(1, 8 * HOUR_NS, BEGUN_NS) if market == "perp" else None
        generator = structs.replace(MARKETS["normal"], seed=seed)
        self.source = MadeSource(generator, [MadeSymbol(one, ListingSettings(price=60_000.0))], DAYS, self.funding)
        self.floor: Floor = Floor(self.exchange, self.source, BEGUN_NS, PracticeSettings())

    def on(self, seconds: int) -> None:
        """Let venue time pass."""
        self.floor.advance(self.floor.now_ns + seconds * SECOND_NS)

    def candles(self, frame_ns: int) -> np.ndarray:
        """All candles of a frame that are over."""
        bars = self.floor.board.candles(0, frame_ns, 0, 2**62, 1_000_000, newest=True)
        return bars[bars["closed_ns"] <= self.floor.now_ns]


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_the_past_joins_the_present_without_a_hole(market: str) -> None:
    assert BEGUN_NS % FIVE_NS == 0
    made = Made(market=market)
    made.on(11 * 60)
    for frame_ns, first_ns in ((FIVE_NS, BEGUN_NS - DAYS * DAY_NS), (MINUTE_NS, BEGUN_NS - DAYS * DAY_NS // 2)):
        bars = made.candles(frame_ns)
        assert np.array_equal(bars["opened_ns"], np.arange(first_ns, made.floor.now_ns - frame_ns + 1, frame_ns)[: len(bars)])
        assert bars["closed_ns"][-1] > BEGUN_NS + FIVE_NS and (bars["volume"] > 0).all()
        seam = int(np.searchsorted(bars["opened_ns"], BEGUN_NS))
        assert abs(bars["open"][seam] / bars["close"][seam - 1] - 1) < 0.002, "the books begin where the past ended"


@settings(max_examples=4)
@given(seed=st.integers(0, 10_000), parts=st.lists(st.integers(5, 40), min_size=1, max_size=4))
def test_one_seed_is_one_market_however_its_time_is_cut(seed: int, parts: list[int]) -> None:
    one, other = Made(seed), Made(seed)
    one.on(sum(parts))
    for part in parts:
        other.on(part)
    for frame_ns in (SECOND_NS, FIVE_NS):
        bars, others = one.candles(frame_ns), other.candles(frame_ns)
        assert len(bars) == len(others) and all(np.array_equal(bars[name], others[name]) for name in bars.dtype.names or () if name != "known_ns")
    assert len(one.candles(FIVE_NS)) >= DAYS * DAY_NS // FIVE_NS
    assert not np.array_equal(Made(seed + 1).candles(FIVE_NS)["close"], one.candles(FIVE_NS)["close"])


def test_funding_was_settled_in_the_past_and_is_settled_when_its_time_comes() -> None:
    made = Made()
    assert made.funding is not None
    past = [one.at_ns for one in made.funding.settled[0]]
    assert past == list(range(past[0], BEGUN_NS + 1, 8 * HOUR_NS)) and len(past) >= 3 * DAYS - 1 and past[-1] + 8 * HOUR_NS == made.funding.next_ns
    made.floor.advance(made.funding.next_ns + SECOND_NS)
    assert [one.at_ns for one in made.funding.settled[0]] == [*past, past[-1] + 8 * HOUR_NS]
    assert all(one.mark > 0 for one in made.funding.settled[0])


def test_what_could_be_foreseen_is_told_of_its_past() -> None:
    made = Made()
    assert made.source.lineage == "simulated" and made.source.past is not None
    assert len(made.source.past.bars[0]) == (DAYS * DAY_NS - DAYS * DAY_NS // 2) // FIVE_NS
