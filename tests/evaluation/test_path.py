"""The path of equity: textbook risk and drawdown of the sample, and the same of histories walked bar by bar."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.chance import advance, words_of
from metastackerbandit.evaluation.bootstrap import UNKNOWN, interval
from metastackerbandit.evaluation.equity import History
from metastackerbandit.evaluation.path import (
    DEEPEST,
    GROWTH,
    OFFSET,
    PATH_COLUMNS,
    VARIANCE,
    drawdown_over,
    moments_over,
    path_scores,
    sink,
    variance_of,
    walk_path,
)

SMALL = st.lists(st.floats(-0.2, 0.25), min_size=2, max_size=40)
NAMES = ("volatility", "sharpe", "sortino", "max_drawdown", "mean_drawdown", "longest_drawdown_bars")


def history(returns: np.ndarray, start: float = 1_000.0) -> History:
    """An account with these returns."""
    nothing = np.zeros(len(returns))
    return History(start, np.asarray(start * np.cumprod(1.0 + returns), np.float64), returns, nothing, nothing, False)


def depths_of(levels: np.ndarray, start: float) -> tuple[float, float, int]:
    """Deepest and mean depth below the peak so far, and the longest stay below one."""
    whole = np.concatenate(([start], levels))
    depths = (1.0 - whole / np.maximum.accumulate(whole))[1:]
    stays = "".join("u" if depth > 0.0 else " " for depth in depths).split()
    return float(depths.max()), float(depths.mean()), max((len(stay) for stay in stays), default=0)


def walked(returns: np.ndarray, block: float, times: int, seed: int) -> list[np.ndarray]:
    """Returns of R histories: on to the next bar, or with chance 1 / block to any; the end joins the start."""
    state = tuple(int(word) for word in words_of(seed, 0))
    count = len(returns)

    def draw() -> float:
        nonlocal state
        drawn, *rest = advance(*state)
        state = tuple(rest)
        return drawn / 2**32

    found = []
    for _ in range(times):
        at, bars = int(draw() * count), []
        for _ in range(count):
            bars.append(at)
            at = int(draw() * count) if draw() < 1.0 / block else (at + 1) % count
        found.append(returns[bars])
    return found


def row_of(returns: np.ndarray, shift: float) -> list[float]:
    """What a history comes to, in the order of the columns; a ruined account stays where it ended."""
    levels = np.cumprod(1.0 + returns)
    over = np.flatnonzero(levels <= 0.0)
    if len(over):
        levels[over[0] :] = levels[over[0]]
    variance = float(returns.var(ddof=1)) if len(returns) > 1 else math.nan
    return [float(levels[-1]), float(returns.mean()) - shift, variance, float((np.minimum(returns, 0.0) ** 2).mean()), *depths_of(levels, 1.0)]


@given(seed=st.integers(0, 1_000), count=st.integers(1, 30), block=st.sampled_from([1.0, 2.5, 12.0]), shift=st.sampled_from([0.0, 0.01]))
@settings(max_examples=40)
def test_histories_are_what_a_walk_bar_by_bar_comes_to(seed: int, count: int, block: float, shift: float) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.4, count)  # a fall of more than all happens
    drawn = np.zeros((4, PATH_COLUMNS))
    walk_path(returns, shift, block, words_of(seed, 0), drawn)
    for found, sample in zip(drawn, walked(returns, block, 4, seed), strict=True):
        expected = row_of(sample, shift)
        if np.ptp(sample) == 0.0:
            expected[VARIANCE] = math.nan
        assert found.tolist() == pytest.approx(expected, rel=1e-6, abs=1e-12, nan_ok=True)


@given(SMALL)
@settings(max_examples=40)
def test_moments_and_drawdown_are_those_of_the_textbook(values: list[float]) -> None:
    returns = np.array(values)
    mean, variance, losses = moments_over(returns, 0.1)
    assert mean == pytest.approx(returns.mean() - 0.1, abs=1e-12)
    assert losses == pytest.approx((np.minimum(returns, 0.0) ** 2).mean(), abs=1e-15)
    if returns.std() > 1e-4:
        assert variance == pytest.approx(returns.var(ddof=1), rel=1e-6)
    levels = np.asarray(50.0 * np.cumprod(1.0 + returns), np.float64)
    assert drawdown_over(levels, 50.0) == pytest.approx(depths_of(levels, 50.0), abs=1e-12)


@given(SMALL, st.integers(0, 1_000))
def test_a_block_without_end_only_turns_the_history_round(values, seed):
    returns = np.array(values)
    drawn = np.zeros((3, PATH_COLUMNS))
    walk_path(returns, 0.0, 1e12, words_of(seed, 0), drawn)
    mean, variance, _ = moments_over(returns, 0.0)
    assert drawn[:, OFFSET] == pytest.approx(mean, abs=1e-12)
    assert drawn[:, GROWTH] == pytest.approx(np.prod(1.0 + returns), rel=1e-9)
    if not math.isnan(variance):
        assert drawn[:, VARIANCE] == pytest.approx(variance, rel=1e-6, abs=1e-15)
    turned = [drawdown_over(np.cumprod(1.0 + np.roll(returns, -k)).astype(np.float64), 1.0)[0] for k in range(len(returns))]
    assert all(min(abs(depth - other) for other in turned) < 1e-9 for depth in drawn[:, DEEPEST])


@given(SMALL, st.integers(0, 1_000))
def test_negated_returns_give_mirrored_histories_to_the_bit(values, seed):
    returns = np.array(values)
    drawn, mirrored = np.zeros((5, PATH_COLUMNS)), np.zeros((5, PATH_COLUMNS))
    walk_path(returns, 0.01, 3.0, words_of(seed, 0), drawn)
    walk_path(-returns, -0.01, 3.0, words_of(seed, 0), mirrored)
    assert (drawn[:, OFFSET] == -mirrored[:, OFFSET]).all()
    assert np.array_equal(drawn[:, VARIANCE], mirrored[:, VARIANCE], equal_nan=True)


def test_blocks_last_as_long_as_expected():
    # Alternating signs cancel inside a block and remember (1/B - 1)^k over k bars, so that the sum of T has variance T / (2 B - 1).
    count, block = 2_000, 20.0
    returns = np.where(np.arange(count) % 2 == 0, 1e-3, -1e-3)
    drawn = np.zeros((300, PATH_COLUMNS))
    walk_path(returns, 0.0, block, words_of(1, 0), drawn)
    sums = drawn[:, OFFSET] * count / 1e-3
    assert sums.var() == pytest.approx(count / (2 * block - 1), rel=0.2)


def test_a_level_at_its_peak_is_not_below_it() -> None:
    assert sink(110.0, 100.0, 4) == (110.0, 0.0, 0) and sink(100.0, 100.0, 4) == (100.0, 0.0, 0)
    assert sink(75.0, 100.0, 4) == (100.0, 0.25, 5)
    assert drawdown_over(np.array([90.0, 100.0, 60.0, 80.0, 120.0, 120.0]), 100.0) == pytest.approx((0.4, 0.7 / 6, 2))


def test_rounding_is_no_variance_and_two_values_have_one() -> None:
    assert variance_of(0.0, 2.0, 2) == 2.0 and variance_of(3.0, 5.0, 3) == 1.0
    for total, squares, count in ((0.0, 1.0, 1), (0.0, 0.0, 9), (3.0, 3.0, 3), (3.0, 3.0 + 2e-12, 3)):
        assert math.isnan(variance_of(total, squares, count)), (total, squares, count)
    assert variance_of(3.0, 3.0 + 2e-11, 3) == pytest.approx(1e-11, rel=1e-3)


def test_scores_are_annual_with_the_bounds_of_the_walk() -> None:
    returns = np.random.default_rng(4).normal(0.002, 0.01, 90)
    yearly = 100.0
    found = path_scores(history(returns), yearly, 5.0, 200, 9)
    drawn = np.array([row_of(sample, 0.0) for sample in walked(returns, 5.0, 200, 9)])

    def told(rows: np.ndarray) -> dict[str, np.ndarray]:
        growth, mean, variance, losses, deepest, depth, longest = rows.T
        root = math.sqrt(yearly)
        ratios = (np.sqrt(variance) * root, mean / np.sqrt(variance) * root, mean / np.sqrt(losses) * root)
        return dict(zip((*NAMES, "total_return"), (*ratios, deepest, depth, longest, growth - 1.0), strict=True))

    own, spread = told(np.array([row_of(returns, 0.0)])), told(drawn)
    assert list(found) == [*NAMES, "total_return", "annual_return"]
    for name, values in spread.items():
        expected = interval(float(own[name][0]), values)
        assert (found[name].value, found[name].low, found[name].high) == pytest.approx((expected.value, expected.low, expected.high)), name
        assert expected.low < expected.high
    total, annual = found["total_return"], found["annual_return"]
    bounds = [(1.0 + bound) ** (yearly / 90) - 1.0 for bound in (total.value, total.low, total.high)]
    assert (annual.value, annual.low, annual.high) == pytest.approx(tuple(bounds))


def test_drawdown_and_total_are_those_of_the_money_itself() -> None:
    account = History(100.0, np.array([120.0, 60.0, 90.0]), np.array([0.1, -0.1, 0.2]), np.zeros(3), np.zeros(3), False)
    found = path_scores(account, 3.0, 1.0, 50, 0)
    assert (found["max_drawdown"].value, found["mean_drawdown"].value, found["longest_drawdown_bars"].value) == pytest.approx((0.5, 0.25, 2))
    assert found["total_return"].value == found["annual_return"].value == pytest.approx(-0.1)
    assert found["sharpe"].value == pytest.approx((0.2 / 3) / account.returns.std(ddof=1) * math.sqrt(3))


def test_one_history_has_no_bounds_and_no_year_of_them() -> None:
    alone = path_scores(history(np.array([0.1, -0.05])), 2.0, 1.0, 1, 0)
    for name in ("total_return", "annual_return"):
        assert alone[name].value == pytest.approx(1.1 * 0.95 - 1.0) and math.isnan(alone[name].low) and math.isnan(alone[name].high)


def test_half_a_year_is_the_least_that_is_annualised() -> None:
    returns = np.array([0.1, 0.0, -0.05, 0.02])
    assert path_scores(history(returns), 8.0, 1.0, 50, 0)["annual_return"].value == pytest.approx(float(np.prod(1.0 + returns)) ** 2 - 1.0)
    assert path_scores(history(returns), 8.1, 1.0, 50, 0)["annual_return"] == UNKNOWN


def test_ruin_is_a_loss_of_everything_a_year_and_no_growth_is_infinite() -> None:
    for last in (0.0, -30.0):
        ruined = History(100.0, np.array([50.0, last]), np.array([-0.5, last / 50.0 - 1.0]), np.zeros(2), np.zeros(2), True)
        found = path_scores(ruined, 1.0, 1.0, 50, 0)
        assert found["annual_return"].value == -1.0 and found["total_return"].value == (last - 100.0) / 100.0
    rich = History(1.0, np.array([2.0, 1e153]), np.array([1.0, 1e153]), np.zeros(2), np.zeros(2), False)
    assert path_scores(rich, 4.0, 1.0, 50, 0)["annual_return"].value == math.expm1(700.0)


def test_returns_that_never_change_have_no_risk_and_no_ratio() -> None:
    steady = path_scores(history(np.full(7, 0.1)), 7.0, 2.0, 50, 0)
    assert all(steady[name] == UNKNOWN for name in NAMES[:3])
    assert steady["annual_return"].value == pytest.approx(1.1**7 - 1.0)
    losing = path_scores(history(np.array([-0.01, -0.03, -0.02])), 1.0, 2.0, 50, 0)
    assert losing["sortino"].value == pytest.approx(-0.02 / math.sqrt(14e-4 / 3))
    with np.errstate(all="raise"):
        assert math.isnan(path_scores(history(np.array([0.01, 0.03])), 1.0, 2.0, 50, 0)["sortino"].value)


def test_of_no_bar_nothing_is_known() -> None:
    nothing = path_scores(history(np.zeros(0)), 1.0, 1.0, 50, 0)
    assert nothing == dict.fromkeys((*NAMES, "total_return", "annual_return"), UNKNOWN)
