"""Rule arms: each against a plain calculation over the whole series, and the contract over the catalog."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.stacking.ask import ask_arm
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.names import arm_place
from metastackerbandit.stacking.settings import ArmSettings, BookPressure, Breakout, EmaCross, Momentum, RandomEntries, Reversal, SmaCross
from tests.covering import covers

CLOSES = st.lists(st.integers(1_000, 1_200), min_size=1, max_size=120)


def heard(name: str, table: object, closes: list[int], highs: list[int] | None = None, lows: list[int] | None = None) -> list[int]:
    """An arm's words over a series."""
    place = arm_place(name)
    start = ARMS[place].prepare(table, 2**20)
    rows = zip(highs or closes, lows or closes, closes, strict=True)
    return [int(ask_arm(place, start.memory, start.reals, high, low, close)) for high, low, close in rows]


@settings(deadline=None)
@given(closes=CLOSES, fast=st.integers(1, 8), more=st.integers(1, 12))
def test_sma_cross_is_the_sign_of_exact_averages(closes: list[int], fast: int, more: int) -> None:
    slow = fast + more
    words, last = heard("sma_cross", SmaCross(fast=fast, slow=slow), closes), 0
    for n, word in enumerate(words):
        if n + 1 < slow:
            assert word == 0
            continue
        gap = sum(closes[n + 1 - fast : n + 1]) * slow - sum(closes[n + 1 - slow : n + 1]) * fast
        last = 1 if gap > 0 else -1 if gap < 0 else last
        assert word == last


@settings(deadline=None)
@given(closes=CLOSES)
def test_ema_cross_follows_the_recursion_from_the_first_close(closes: list[int]) -> None:
    words, fast, slow, last = heard("ema_cross", EmaCross(fast=3, slow=9), closes), float(closes[0]), float(closes[0]), 0
    for n, close in enumerate(closes):
        if n:
            fast += 2 / 4 * (close - fast)
            slow += 2 / 10 * (close - slow)
        if n + 1 < 9:
            assert words[n] == 0
            continue
        last = 1 if fast > slow else -1 if fast < slow else last
        assert words[n] == last


@settings(deadline=None)
@given(seed=st.integers(0, 9_999), length=st.integers(1, 12))
def test_breakout_compares_with_the_extremes_of_the_bars_before(seed: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    closes = rng.integers(1_000, 1_020, 100).tolist()
    highs = [close + int(x) for close, x in zip(closes, rng.integers(0, 6, 100), strict=True)]
    lows = [close - int(x) for close, x in zip(closes, rng.integers(0, 6, 100), strict=True)]
    for n, word in enumerate(heard("breakout", Breakout(length=length), closes, highs, lows)):
        if n < length:
            assert word == 0
        elif closes[n] > max(highs[n - length : n]):
            assert word == 1
        elif closes[n] < min(lows[n - length : n]):
            assert word == -1
        else:
            assert word == KEEP


@settings(deadline=None)
@given(closes=CLOSES, length=st.integers(1, 10))
def test_momentum_is_the_sign_of_the_return(closes: list[int], length: int) -> None:
    for n, word in enumerate(heard("momentum", Momentum(length=length), closes)):
        assert word == (0 if n < length else int(np.sign(closes[n] - closes[n - length])))


@settings(deadline=None)
@given(closes=CLOSES, least=st.sampled_from([0.0, 50.0, 100.0]))
def test_reversal_goes_against_the_last_return(closes: list[int], least: float) -> None:
    for n, word in enumerate(heard("reversal", Reversal(min_return_bps=least), closes)):
        if n == 0:
            assert word == 0
        else:
            moved = (closes[n] - closes[n - 1]) * 10_000.0 / closes[n - 1]
            assert word == (-int(math.copysign(1, moved)) if moved and abs(moved) >= least else 0)


def test_random_entries_are_seeded_balanced_and_as_rare_as_said() -> None:
    closes = [1_000] * 20_000
    words = np.array(heard("random_entries", RandomEntries(seed=5, mean_bars=10.0), closes))
    assert words.tolist() == heard("random_entries", RandomEntries(seed=5, mean_bars=10.0), closes)
    assert words.tolist() != heard("random_entries", RandomEntries(seed=6, mean_bars=10.0), closes)
    assert abs(words.mean()) < 0.1
    turns = np.count_nonzero(np.diff(words)) / len(words)
    assert turns == pytest.approx(0.05, rel=0.15)  # a new draw every 10 bars changes the side half of the time


@covers("2.104")
@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_every_arm_speaks_targets_and_is_its_memory(arm: object) -> None:
    spec = arm
    rng = np.random.default_rng(3)
    closes = (50_000 * np.exp(np.cumsum(rng.normal(0, 0.004, 300)))).astype(int).tolist()
    place = arm_place(spec.name)  # type: ignore[attr-defined]
    start = spec.prepare(getattr(ArmSettings(), spec.name), 2**20)  # type: ignore[attr-defined]
    words = []
    for n, close in enumerate(closes):
        if n == 150:
            memory, reals = start.memory.copy(), start.reals.copy()
        words.append(int(ask_arm(place, start.memory, start.reals, close + 5, close - 5, close)))
    assert set(words) <= {-1, 0, 1, KEEP}
    again = [int(ask_arm(place, memory, reals, close + 5, close - 5, close)) for close in closes[150:]]
    assert again == words[150:]
    assert all(word == 0 for word in words[: start.warm_up - 1]) or start.warm_up <= 2


BOOKS = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=60)


@given(books=BOOKS, least=st.floats(0.05, 0.9))
def test_book_pressure_is_the_weighted_mean_of_the_imbalances_since_the_book_was_last_lost(
    books: list[tuple[bool, bool, int, int]], least: float
) -> None:
    table = BookPressure(half_life_s=3.0, min_imbalance=least)
    arm = ARMS[arm_place("book_pressure")]
    start, seconds = arm.prepare(table, 2**20), rows(SecondRow, len(books))
    known: list[tuple[int, float]] = []  # seconds since the book was last lost, and their imbalance
    second = 1_000
    for row, (is_next, is_trusted, bids, asks) in zip(seconds, books, strict=True):
        second += 1 if is_next else 2
        row["second"], row["is_trusted"], row["bid_depth_10"], row["ask_depth_10"] = second, is_trusted, bids, asks
        assert arm.hears is not None
        arm.hears(start.memory, start.reals, row)
        if not (is_next and is_trusted):
            known = []
        if is_trusted and bids + asks:
            known = [(age + 1, value) for age, value in known] + [(0, (bids - asks) / (bids + asks))]
        weights = [0.5 ** (age / 3.0) for age, _ in known]
        mean = sum(weight * value for weight, (_, value) in zip(weights, known, strict=True)) / sum(weights) if known else 0.0
        enough = sum(weights) * (1.0 - 0.5 ** (1.0 / 3.0)) > 0.5
        word = ask_arm(arm_place("book_pressure"), start.memory, start.reals, 3, 1, 2)
        if abs(abs(mean) - least) > 1e-9 and abs(sum(weights) * (1.0 - 0.5 ** (1.0 / 3.0)) - 0.5) > 1e-9:
            assert word == (0 if not enough or abs(mean) < least else 1 if mean > 0 else -1)


def test_inexact_lengths_are_refused() -> None:
    with pytest.raises(ConfigRefused, match="overflow"):
        ARMS[arm_place("sma_cross")].prepare(SmaCross(fast=90_000, slow=100_000), 2**40)


@covers("B09")
@settings(deadline=None)
@given(seed=st.integers(0, 9_999), name=st.sampled_from(["sma_cross", "breakout", "momentum"]))
def test_arms_turn_around_on_the_mirrored_market(seed: int, name: str) -> None:
    """Prices reflected about a level, highs and lows swapped: every directed word changes its sign, and nothing else changes."""
    rng = np.random.default_rng(seed)
    closes = (65_536 + np.cumsum(rng.integers(-64, 65, 200))).tolist()
    highs = [close + int(x) for close, x in zip(closes, rng.integers(0, 60, 200), strict=True)]
    lows = [close - int(x) for close, x in zip(closes, rng.integers(0, 60, 200), strict=True)]
    table = {"sma_cross": SmaCross(5, 20), "breakout": Breakout(10), "momentum": Momentum(7)}[name]
    words = heard(name, table, closes, highs, lows)
    turned = heard(name, table, [131_072 - x for x in closes], [131_072 - x for x in lows], [131_072 - x for x in highs])
    assert turned == [word if word == KEEP else -word for word in words]
