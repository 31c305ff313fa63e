"""Steps that several venues share: prices and sizes mean the same in them, what was known stays known, and what does not fit is not used."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.book import BookRow
from metastackerbandit.market.common_steps import MOST_FINER, common_steps, lay_book, lay_side
from tests.markets import instrument

STEP = st.tuples(st.integers(1, 50), st.integers(0, 4)).map(lambda pair: Decimal(pair[0]).scaleb(-pair[1]))
LEVELS = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), max_size=8)


@given(steps=st.lists(st.tuples(STEP, STEP), min_size=1, max_size=4))
def test_every_venue_s_steps_are_whole_numbers_of_the_largest_shared_ones(steps: list[tuple[Decimal, Decimal]]) -> None:
    shared = common_steps([instrument(tick_size=f"{tick:f}", lot_size=f"{lot:f}") for tick, lot in steps])
    assert [shared.tick * int(count) for count in shared.ticks] == [tick for tick, _ in steps]
    assert [shared.lot * int(count) for count in shared.lots] == [lot for _, lot in steps]
    assert np.gcd.reduce(shared.ticks) == np.gcd.reduce(shared.lots) == 1  # no larger step would do
    assert all(shared.step % int(count) == 0 for count in shared.ticks)
    assert shared.unit == float(shared.tick) * float(shared.lot)


def test_one_venue_alone_keeps_its_steps() -> None:
    shared = common_steps([instrument(tick_size="0.10", lot_size="0.00100000")])
    assert (shared.tick, shared.lot, shared.ticks.tolist(), shared.lots.tolist(), shared.step) == (Decimal("0.1"), Decimal("0.001"), [1], [1], 1)


def test_spot_futures_and_another_venue_meet() -> None:
    ones = [instrument(tick_size=tick, lot_size=lot) for tick, lot in (("0.01", "0.00001"), ("0.1", "0.001"), ("0.25", "1"))]
    shared = common_steps(ones)
    assert (shared.ticks.tolist(), shared.lots.tolist(), shared.step) == ([1, 10, 25], [1, 100, 100_000], 50)


def test_steps_that_64_bits_could_not_hold_are_refused() -> None:
    ones = [instrument(tick_size="0.00000001"), instrument("ETHUSDT", tick_size="0.1")]
    with pytest.raises(InstrumentRefused, match=r"ETH-USDT.*tick_size 0\.1 is 10,000,000 of the steps") as refused:
        common_steps(ones)
    assert refused.value.mend and f"{MOST_FINER:,}" in str(refused.value)


@given(
    bids=LEVELS, asks=LEVELS, ticks=st.integers(1, 1_000), lots=st.integers(1, 1_000), known=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))
)
def test_a_book_in_finer_steps_is_the_same_book(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], ticks: int, lots: int, known: tuple[int, int]
) -> None:
    row, laid = rows(BookRow, 1)[0], rows(BookRow, 1)[0]
    row["bids"], row["asks"], (row["known_bid"], row["known_ask"]) = len(bids), len(asks), known
    sides = [np.zeros((8, 2), np.int64) for _ in range(4)]
    for side, levels in zip(sides, (bids, asks), strict=False):
        side[: len(levels)] = np.array(levels, np.int64).reshape(-1, 2)
    assert lay_book(row, sides[0], sides[1], ticks, lots, laid, sides[2], sides[3])
    assert (laid["bids"], laid["asks"]) == (len(bids), len(asks))
    for one, finer in zip(sides[:2], sides[2:], strict=True):
        assert (finer == one * (ticks, lots)).all()
    below, above = known
    # What is known: all prices above the own tick below the last known one, and below the own tick above it.
    assert laid["known_bid"] == ((below - 1) * ticks + 1 if below else 0) and laid["known_ask"] == ((above + 1) * ticks - 1 if above else 0)


def test_a_level_that_does_not_fit_is_told() -> None:
    side, out = np.array([[2**60, 1], [1, 2**60]], np.int64), np.zeros((2, 2), np.int64)
    assert lay_side(side, 2, 2, 2, out) and out.tolist() == [[2**61, 2], [2, 2**61]]  # together 2**62
    assert not lay_side(side, 2, 8, 1, out) and not lay_side(side, 2, 1, 8, out) and not lay_side(side, 2, 4, 2, out)
    assert lay_side(side, 0, 8, 8, out)
    row, laid = rows(BookRow, 1)[0], rows(BookRow, 1)[0]
    row["bids"] = row["asks"] = 1
    fits, wide = np.array([[100, 1]], np.int64), np.array([[2**40, 2**30]], np.int64)
    for bids, asks, is_whole in ((fits, fits, True), (wide, fits, False), (fits, wide, False)):
        assert lay_book(row, bids, asks, 1, 1, laid, out, out.copy()) is is_whole
