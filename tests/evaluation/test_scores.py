"""Scores are the textbook's numbers, of the account's own money, annualised from the real bar size."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, bars_a_year
from metastackerbandit.evaluation.bootstrap import Interval
from metastackerbandit.evaluation.scores import Scores, as_dict, scores
from tests.covering import covers
from tests.evaluation.books import CAPITAL, autoregressive, equity_of, scored, trips_of
from tests.shared import shared_data

_RETURNS = st.lists(st.integers(-100_000, 100_000).map(lambda millionths: millionths / 1e6), min_size=3, max_size=40)


def _intervals(given_scores: Scores) -> dict[str, Interval]:
    return {name: value for name, value in structs.asdict(given_scores).items() if isinstance(value, Interval)}


# -- laws ------------------------------------------------------------------------------------------------------------


@given(_RETURNS)
@settings(max_examples=50, deadline=None)
@covers("A33")
def test_sharpe_is_mean_over_deviation_scaled_by_the_bars_of_a_year(values):
    returns = np.array(values)
    assume(returns.std() > 1e-4)
    root = math.sqrt(bars_a_year(HOUR_NS))
    made = scored(returns, frame_ns=HOUR_NS)
    assert made.sharpe.value == pytest.approx(returns.mean() / returns.std(ddof=1) * root, rel=1e-6, abs=1e-6)
    assert made.volatility.value == pytest.approx(returns.std(ddof=1) * root, rel=1e-9)
    losses = np.minimum(returns, 0.0)
    if losses.any():
        assert made.sortino.value == pytest.approx(returns.mean() / math.sqrt((losses**2).mean()) * root, rel=1e-6, abs=1e-6)


@given(_RETURNS)
@settings(max_examples=30, deadline=None)
def test_mirrored_returns_negate_sharpe_with_its_interval(values):
    returns = np.array(values)
    assume(returns.std() > 1e-3)
    made, mirrored = scored(returns), scored(-returns)
    assert mirrored.sharpe.value == pytest.approx(-made.sharpe.value, rel=1e-6, abs=1e-6)
    assert mirrored.block_bars == pytest.approx(made.block_bars, rel=1e-6)
    if not math.isnan(made.sharpe.low):
        assert (mirrored.sharpe.low, mirrored.sharpe.high) == pytest.approx((-made.sharpe.high, -made.sharpe.low), rel=1e-5, abs=1e-5)


@given(_RETURNS, st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_bars_of_twice_the_size_tell_the_same_story(values, seed):
    returns = np.array(values[: len(values) // 2 * 2])
    traded = np.random.default_rng(seed).random(len(returns))
    equity = equity_of(returns)
    fine = scores(equity=equity, capital=CAPITAL, exposure=np.ones(len(returns)), traded=traded, trips=trips_of([]), frame_ns=HOUR_NS)
    halves = traded.reshape(-1, 2).sum(axis=1)
    coarse = scores(equity=equity[1::2], capital=CAPITAL, exposure=np.ones(len(halves)), traded=halves, trips=trips_of([]), frame_ns=2 * HOUR_NS)
    assert coarse.years == pytest.approx(fine.years) and coarse.total_return.value == fine.total_return.value
    assert coarse.turnover.value == pytest.approx(fine.turnover.value)
    assert coarse.max_drawdown.value <= fine.max_drawdown.value


@covers("A33")
def test_annual_risk_and_sharpe_do_not_depend_on_the_bar_size():
    fine_returns = autoregressive(1, 40_000, 0.0, 2e-5, 1e-3)
    equity = equity_of(fine_returns)
    made = {}
    for bars in (1, 4, 12):
        count = len(equity[bars - 1 :: bars])
        made[bars] = scores(
            equity=equity[bars - 1 :: bars], capital=CAPITAL, exposure=np.ones(count), traded=np.zeros(count), trips=trips_of([]),
            frame_ns=bars * 5 * MINUTE_NS,
        )  # fmt: skip
    for bars in (4, 12):
        assert made[bars].volatility.value == pytest.approx(made[1].volatility.value, rel=0.03)
        assert made[bars].sharpe.value == pytest.approx(made[1].sharpe.value, rel=0.05)


@given(_RETURNS)
@settings(max_examples=50, deadline=None)
def test_drawdown_is_that_of_equity_from_its_peak(values):
    equity = equity_of(values).astype(float)
    path = np.concatenate(([float(CAPITAL)], equity))
    depths = (1.0 - path / np.maximum.accumulate(path))[1:]
    made = scored(values)
    assert made.max_drawdown.value == pytest.approx(depths.max(), abs=1e-12)
    assert made.mean_drawdown.value == pytest.approx(depths.mean(), abs=1e-12)
    stays = "".join("u" if depth > 0 else " " for depth in depths).split()
    assert made.longest_drawdown_bars.value == max((len(stay) for stay in stays), default=0)


@given(_RETURNS, st.lists(st.integers(-1_000, 1_000), max_size=30))
@settings(max_examples=50, deadline=None)
def test_no_score_is_ever_infinite_and_bounds_are_in_order(values, nets):
    for value in _intervals(scored(values, nets=nets)).values():
        assert not math.isinf(value.value) and not math.isinf(value.low) and not math.isinf(value.high)
        assert math.isnan(value.low) or value.low <= value.high
        assert math.isnan(value.low) == math.isnan(value.high)


# -- known answers ---------------------------------------------------------------------------------------------------


def test_four_days_by_hand():
    made = scores(
        equity=np.array([110, 99, 99, 132]) * 10**10,
        capital=100 * 10**10,
        exposure=np.array([1.0, -0.5, 0.0, 0.5]),
        traded=np.array([1.0, 1.5, 0.5, 0.5]),
        trips=trips_of([30, -10, 20, -20, 0], [1, 1, -1, -1, 1]),
        frame_ns=DAY_NS,
    )
    root = math.sqrt(365.25)
    mean = (0.1 - 0.1 + 0.0 + 1 / 3) / 4
    deviation = math.sqrt(((0.1 - mean) ** 2 + (-0.1 - mean) ** 2 + mean**2 + (1 / 3 - mean) ** 2) / 3)
    assert made.total_return.value == pytest.approx(0.32)
    assert made.sharpe.value == pytest.approx(mean / deviation * root)
    assert made.sortino.value == pytest.approx(mean / math.sqrt(0.01 / 4) * root)
    assert (made.max_drawdown.value, made.mean_drawdown.value, made.longest_drawdown_bars.value) == pytest.approx((0.1, 0.05, 2))
    assert made.turnover.value == pytest.approx(3.5 / 4 * 365.25)
    assert (made.exposure.value, made.in_market.value) == pytest.approx((0.5, 0.75))
    assert made.hit_rate.value == pytest.approx(2 / 5)
    assert made.payoff.value == pytest.approx(25 / 15)
    assert made.profit_factor.value == pytest.approx(50 / 30)
    assert (made.n_trips, made.long_trips, made.short_trips, made.long_hits, made.short_hits) == (5, 3, 2, 1, 1)
    assert (made.n_bars, made.years, made.resamples) == (4, pytest.approx(4 / 365.25), 2_000)


def test_two_years_of_growth_by_21_percent_are_10_a_year():
    rate = 1.21 ** (1 / 730.5) - 1.0
    days = np.full(731, rate) + np.where(np.arange(731) % 2, 1e-4, -1e-4)
    made = scored(days)
    assert made.annual_return.value == pytest.approx(0.1, abs=1e-3)
    assert made.annual_return.low <= made.annual_return.value <= made.annual_return.high


@covers("A33", "C23")
def test_hit_rate_counts_closed_round_trips_net_of_their_costs_only():
    gross = np.array([100, 100, 100, -50, 40])
    fees = np.array([30, 120, 90, 20, 30])
    funding = np.array([0, 0, 20, 0, 10])
    trips = trips_of(gross - fees - funding, gross=gross, fees=fees, funding=funding)
    made = scores(equity=equity_of([0.01, -0.02]), capital=CAPITAL, exposure=np.ones(2), traded=np.zeros(2), trips=trips, frame_ns=DAY_NS)
    assert made.n_trips == 5
    assert made.hit_rate.value == pytest.approx(1 / 5)  # four earn before costs, one after; a trip that ends at 0 is no hit
    assert made.payoff.value == pytest.approx(70 / ((20 + 10 + 70) / 3))


@covers("C23")
def test_an_open_position_gains_equity_and_no_hit():
    made = scored([0.02, 0.03, -0.01])
    assert made.total_return.value > 0 and made.n_trips == 0 and math.isnan(made.hit_rate.value)


# -- what does not exist ---------------------------------------------------------------------------------------------


@covers("A33")
def test_an_account_without_fills_has_no_ratios():
    made = scored(np.zeros(500), exposure=np.zeros(500))
    for name in ("volatility", "sharpe", "sortino", "hit_rate", "payoff", "profit_factor"):
        assert math.isnan(getattr(made, name).value), name
    assert (made.total_return.value, made.max_drawdown.value, made.turnover.value, made.in_market.value) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("count", [0, 1])
def test_no_bar_or_one_bar_has_no_variance(count):
    made = scored([0.01] * count)
    assert math.isnan(made.sharpe.value) and math.isnan(made.volatility.value) and made.n_bars == count
    assert math.isnan(made.total_return.value) == (count == 0)


def test_a_sample_without_losses_has_no_sortino_payoff_or_profit_factor():
    made = scored([0.01, 0.02, 0.03], nets=[5, 6])
    assert math.isnan(made.sortino.value) and math.isnan(made.payoff.value) and math.isnan(made.profit_factor.value)
    assert made.hit_rate.value == 1.0
    lost = scored([0.01, 0.02], nets=[-5, -6])
    assert lost.profit_factor.value == 0.0 and math.isnan(lost.payoff.value)


def test_no_year_is_claimed_from_a_month():
    assert math.isnan(scored(autoregressive(1, 30, 0.0, 0.01, 0.01)).annual_return.value)


def test_one_trade_in_a_thousand_bars_has_a_sharpe_but_no_interval():
    returns = np.zeros(1_000)
    returns[500] = 0.05
    made = scored(returns, nets=[10**12])
    assert made.sharpe.value > 0 and math.isnan(made.sharpe.low)


def test_a_ruined_account_is_scored_to_its_ruin():
    made = scores(
        equity=np.array([90, -20, 5, 500]) * 10**8, capital=100 * 10**8, exposure=np.array([1.0, np.nan, 1.0, 1.0]),
        traded=np.array([1.0, np.inf, 0.0, 0.0]), trips=trips_of([-120]), frame_ns=DAY_NS,
    )  # fmt: skip
    assert made.ruined and made.n_bars == 2
    assert made.total_return.value == pytest.approx(-1.2) and made.max_drawdown.value == pytest.approx(1.2)


def test_plain_dicts_hold_none_where_nothing_exists():
    plain = as_dict(scored([0.0, 0.0]))
    assert plain["sharpe"] == {"value": None, "low": None, "high": None}
    assert "NaN" not in json.dumps(plain)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capital": 0}, "capital"),
        ({"exposure": np.ones(3)}, "shape"),
        ({"exposure": np.array([1.0, np.nan])}, "exposure is nan at bar 1"),
        ({"traded": np.array([1.0, -1.0])}, "negative"),
        ({"frame_ns": 0}, "0 ns"),
    ],
)
def test_broken_input_is_refused_in_words(changes, words):
    whole = {
        "equity": equity_of([0.01, 0.02]), "capital": CAPITAL, "exposure": np.ones(2), "traded": np.zeros(2),
        "trips": trips_of([]), "frame_ns": DAY_NS,
    }  # fmt: skip
    with pytest.raises(DataRefused, match=words):
        scores(**(whole | changes))


# -- recorded --------------------------------------------------------------------------------------------------------


def test_holding_recorded_bitcoin_scores_as_its_candles_do():
    import polars as pl

    closes = pl.read_parquet(shared_data() / "klines" / "binance_spot_1h" / "BTCUSDT.parquet")["close"].to_numpy()[:8_000]
    cents = np.rint(closes * 10**8).astype(np.int64)
    count = len(cents) - 1
    made = scores(equity=cents[1:], capital=int(cents[0]), exposure=np.ones(count), traded=np.zeros(count), trips=trips_of([]), frame_ns=HOUR_NS)
    returns = closes[1:] / closes[:-1] - 1.0
    assert made.sharpe.value == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(8_766), rel=1e-6)
    assert made.total_return.value == pytest.approx(closes[-1] / closes[0] - 1.0)
    assert made.max_drawdown.value == pytest.approx((1.0 - closes / np.maximum.accumulate(closes)).max())
    assert made.sharpe.low < made.sharpe.value < made.sharpe.high
    assert 0.2 < made.volatility.value < 1.5
