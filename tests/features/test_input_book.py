"""The tensor of the consolidated book: differences by absolute bucket, ages, trades by bucket, and scores by the past against plain arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.features.input_book import CHANGE, COLUMNS, RESTS, STANDING, TRADED
from metastackerbandit.features.input_state import LEAST_SEEN
from metastackerbandit.features.model_input import InputStream
from tests.covering import covers
from tests.features.inputs import FIRST, MIDDLE, ONE, REFLECTED, UNIT, WIDTH, Second, empty_market, made, play


def tensor(seconds: list[Second]) -> tuple[np.ndarray, InputStream]:
    """The tensor's newest rows (4, N, 41), a row a second."""
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob)
    at_ns = play(seconds, bars, cob, stream.advance)
    return stream.at(at_ns).values["cob"][:, -len(seconds) :], stream


def amounts(one: Second) -> tuple[np.ndarray, int]:
    """What rests by column (41,) in quote currency, and the middle's bucket: each level added to its bucket."""
    assert one.book is not None
    bids, asks = one.book
    centre = (max(bids) + min(asks)) // (2 * WIDTH)
    found = np.zeros(COLUMNS)
    for side in (bids, asks):
        for ticks, money in side.items():
            if abs(ticks // WIDTH - centre) <= 20:
                found[ticks // WIDTH - centre + 20] += ticks * money * (REFLECTED - ticks) * UNIT
    return found, centre


@settings(max_examples=3)
@given(seed=st.integers(0, 999))
def test_each_value_is_what_plain_arithmetic_gives(seed: int) -> None:
    seconds = made(seed, 90, lost=0.0)
    given_rows, _ = tensor(seconds)
    logs, centres = [], []
    for n, one in enumerate(seconds):
        resting, centre = amounts(one)
        logs.append(np.log1p(resting))
        centres.append(centre)
        past = np.array(logs[:-1]).reshape(n, COLUMNS)
        if n < LEAST_SEEN:
            assert np.isnan(given_rows[RESTS, n]).all()
            continue
        mean, sigma = past.mean(axis=0), past.std(axis=0)  # plain until half a day was seen
        assert given_rows[RESTS, n] == pytest.approx((logs[-1] - mean) / sigma, rel=1e-4, abs=1e-4)
        for c in range(COLUMNS):
            before = c + centres[-1] - centres[-2]
            if 0 <= before < COLUMNS:
                assert given_rows[CHANGE, n, c] == pytest.approx((logs[-1][c] - logs[-2][before]) / sigma[c], rel=1e-3, abs=1e-4)
            else:
                assert math.isnan(given_rows[CHANGE, n, c])


@covers("2.043", "B03")
def test_where_only_the_middle_moves_nothing_is_told_to_have_come_or_gone() -> None:
    still = made(1, 80, lost=0.0)
    book = still[-1].book
    assert book is not None
    bids, asks = book
    moved = {ticks: money for ticks, money in asks.items() if ticks > min(asks) + 12}  # the best asks are gone, the middle is higher
    rows, _ = tensor([*still, Second((bids, moved), ())])
    change, shift = rows[CHANGE, -1], (max(bids) + min(moved)) // (2 * WIDTH) - (max(bids) + min(asks)) // (2 * WIDTH)
    gone = {ticks // WIDTH for ticks in set(asks) - set(moved)}
    centre = (max(bids) + min(moved)) // (2 * WIDTH)
    told = {c - 20 + centre for c in range(COLUMNS) if not math.isnan(change[c]) and change[c] != 0.0}
    assert shift >= 1 and told <= gone and told
    assert np.nanmax(change) <= 0.0


def test_a_bucket_is_as_old_as_something_has_rested_in_it_without_a_break() -> None:
    bids, asks = {MIDDLE - 1: 5, MIDDLE - 21: 7}, {MIDDLE + 1: 5}
    full, without = Second((bids, asks), ()), Second(({MIDDLE - 1: 5}, asks), ())
    rows, _ = tensor([*[full] * 3, without, full, Second(None, ()), full])
    column = (MIDDLE - 21) // WIDTH - MIDDLE // WIDTH + 20
    ages = np.expm1(rows[STANDING, :, column].astype(np.float64))
    assert ages[[0, 1, 2, 3, 4, 6]] == pytest.approx([1, 2, 3, 0, 1, 1]) and math.isnan(ages[5])
    long, _ = tensor([full] * 320)
    assert np.expm1(float(long[STANDING, -1, column])) == pytest.approx(300.0)


def test_trades_are_told_by_the_bucket_of_their_price_signed_by_their_takers_and_counted_in_the_middle() -> None:
    bids, asks = {MIDDLE - 1: 5, MIDDLE - 9: 5}, {MIDDLE + 1: 5, MIDDLE + 9: 5}
    trades = ((MIDDLE + 1, 4, 1), (MIDDLE + 1, 3, -1), (MIDDLE - 9, 2, -1))
    quiet = [Second((bids, asks), ())] * LEAST_SEEN
    rows, stream = tensor([*quiet, Second((bids, asks), trades)])
    assert np.nansum(np.abs(rows[TRADED, LEAST_SEEN - 1])) == 0.0 and np.isnan(rows[TRADED, 1]).all()
    usual = np.mean([amounts(quiet[0])[0][amounts(quiet[0])[0] > 0]])
    worth = [(MIDDLE + 1) * (REFLECTED - MIDDLE - 1) * UNIT, (MIDDLE - 9) * (REFLECTED - MIDDLE + 9) * UNIT]
    columns = [ticks // WIDTH - MIDDLE // WIDTH + 20 for ticks in (MIDDLE + 1, MIDDLE - 9)]
    assert rows[TRADED, -1, columns] == pytest.approx([math.log1p(worth[0] / usual), -math.log1p(2 * worth[1] / usual)], rel=1e-5)
    assert float(rows[STANDING, -1, 20]) == pytest.approx(math.log1p(3)) and rows[STANDING, -2, 20] == 0.0
    micro = stream.at((FIRST + LEAST_SEEN + 1) * 10**9).values["micro"][-1]
    assert micro[3] == pytest.approx((4 - 3 - 2) / 9, rel=1e-4) and micro[5] == pytest.approx(math.log1p(3))
