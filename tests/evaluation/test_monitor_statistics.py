"""The statistics of monitors: known answers of the plans, error rates by simulation, and the laws behind them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import kernel, row, rows
from metastackerbandit.domain.rows import DecisionRow, OrderRow
from metastackerbandit.evaluation.betting import BETS, STAKES, bet_log, bet_step
from metastackerbandit.evaluation.longest_run import longest_run
from metastackerbandit.evaluation.monitors import execution_side
from metastackerbandit.evaluation.settings import MonitorSettings
from metastackerbandit.evaluation.shares import Share, evidence, least_share, mixture_log_e, share_over
from metastackerbandit.evaluation.stability import NOISE_RARE, NOISE_RAREST, noise_line, stability_index
from metastackerbandit.evaluation.two_samples import fisher_p, many_log_e, named_by_many, two_samples_log_e
from tests.covering import covers
from tests.evaluation.monitored import book

SEED_SHARE = 190 / 1361  # DOWN among the predecessors' 5m signals (method 0.10)


def first_trade(prior: float, limit: float) -> int:
    """At which trade in a row on the other side the evidence reaches a limit, where one in seven should be on this one."""
    return next(n for n in range(1, 500) if evidence(mixture_log_e(0.0, float(n), prior, SEED_SHARE, 1 - SEED_SHARE)) >= limit)


@covers("A01", "3.02", "K7")
@pytest.mark.parametrize(("prior", "limit", "trade"), [(1.0, 20, 46), (0.5, 20, 36), (0.5, 1_000, 64), (1.0, 1_000, 75)])
def test_the_seed_case_alarms_at_the_trade_that_the_method_names(prior: float, limit: float, trade: int) -> None:
    assert first_trade(prior, limit) == trade


def test_step_by_step_evidence_is_the_mixtures_where_the_null_is_one_share() -> None:
    answers = (np.random.default_rng(1).random(300) < 0.2).astype(np.int64)
    share, logs = rows(Share, 1), np.zeros(300)
    share_over(answers, 0.14, 0.86, 0.5, 1e9, share, logs)
    hits = float(answers.sum())
    assert logs[-1] == pytest.approx(mixture_log_e(hits, 300 - hits, 0.5, 0.14, 0.86), abs=1e-9)


@given(st.lists(st.booleans(), max_size=60), st.floats(0.01, 0.49))
def test_a_mirrored_stream_has_the_same_evidence_to_the_bit(answers: list[bool], least: float) -> None:
    given_rows = np.array(answers, np.int64)
    found = []
    for stream in (given_rows, 1 - given_rows):
        share, logs = rows(Share, 1), np.zeros(len(stream))
        share_over(stream, least, least, 0.5, 40.0, share, logs)
        found.append(logs.tobytes())
    assert found[0] == found[1]


def test_a_share_at_the_edge_of_its_range_seldom_shows_much_evidence() -> None:
    # Ville: at most 5 % of streams ever reach 20; of 400 streams at the very edge, three standard errors more is 8.3 %.
    rng, alarmed = np.random.default_rng(2), 0
    for _ in range(400):
        share, logs = rows(Share, 1), np.zeros(2_000)
        share_over((rng.random(2_000) < 0.35).astype(np.int64), 0.35, 0.35, 0.5, 500.0, share, logs)
        alarmed += logs.max() >= math.log(20)
    assert alarmed / 400 <= 0.083


def test_wilsons_limit_is_what_scipy_says() -> None:
    from scipy.stats import binomtest, norm

    level = 2 * norm.cdf(1.645) - 1  # a two-sided interval whose lower end is a one-sided 95 % limit
    for count, total in ((0, 10), (3, 10), (190, 1361), (500, 500)):
        assert least_share(float(count), float(total)) == pytest.approx(binomtest(count, total).proportion_ci(level, "wilson").low, abs=1e-12)


asked, executed = execution_side.asked, execution_side.executed


@kernel
def stream_of(state: Any, memory: Any, terms: Any, limits: Any, decision: Any, order: Any, nothing: Any, asks: Any, trades: Any) -> None:
    """Asks (N,) by side, each followed by an executed trade (N,) where it is not 0."""
    for n in range(len(asks)):
        decision[0].asks_risk = 1
        decision[0].side = asks[n]
        asked(state[0], memory, terms[0], limits[0], decision[0], nothing, nothing, nothing)
        if trades[n] != 0:
            order[0].lots = trades[n]
            order[0].filled = 1
            executed(state[0], memory, terms[0], limits[0], order[0])


def most_evidence(asks: np.ndarray, trades: np.ndarray) -> float:
    """The most log evidence of the execution monitor over a stream."""
    state, memory = rows(execution_side.ExecutionSide, 1), np.zeros(execution_side.INTENTS)
    nothing = np.zeros(0)
    stream_of(state, memory, row(book()), row(MonitorSettings()), rows(DecisionRow, 1), rows(OrderRow, 1), nothing, asks, trades)
    return float(state[0].most)


@covers("A01", "3.15")
@pytest.mark.parametrize("every", [1, 5])
def test_a_fair_stream_of_ten_thousand_trades_does_not_alarm(every: int) -> None:
    # Simulated with 400 seeds: 0.8 % of streams whose every ask is executed, 2 % where trades are drawn on their own. The bound is the method's.
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        asks = rng.choice(np.array([-1, 1]), 10_000 * every)
        trades = np.where(np.arange(len(asks)) % every == 0, rng.choice(np.array([-1, 1]), len(asks)), 0)
        alarms += most_evidence(asks, trades) >= math.log(20)
    assert alarms <= 10


def test_a_fault_that_begins_late_is_found_within_a_block_of_trades() -> None:
    rng = np.random.default_rng(3)
    sides = rng.choice(np.array([-1, 1]), 5_000)
    faulty = sides.copy()
    faulty[4_500:] = 1
    assert most_evidence(sides, sides) < math.log(20)
    assert most_evidence(sides[:4_700], faulty[:4_700]) >= math.log(20)


# -- two samples -----------------------------------------------------------------------------------------------------


@covers("3.07", "3.32")
def test_the_seeds_gate_has_the_p_that_the_method_names() -> None:
    assert fisher_p(0, 190, 137, 1171) == pytest.approx(7.5e-10, rel=0.01)


@given(st.tuples(st.integers(0, 40), st.integers(0, 40)), st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_fishers_test_is_scipys(one: tuple[int, int], other: tuple[int, int]) -> None:
    from scipy.stats import fisher_exact

    expected = fisher_exact([list(one), list(other)]).pvalue if sum(one) and sum(other) else 1.0
    assert fisher_p(one[0], sum(one), other[0], sum(other)) == pytest.approx(expected, rel=1e-6)


@given(*(st.integers(0, 50),) * 4)
def test_which_sample_is_named_first_does_not_matter(a: int, b: int, c: int, d: int) -> None:
    found = two_samples_log_e(float(a), float(b), float(c), float(d), 0.5)
    assert found == two_samples_log_e(float(c), float(d), float(a), float(b), 0.5)
    assert found == pytest.approx(two_samples_log_e(float(b), float(a), float(d), float(c), 0.5), abs=1e-9)


def test_two_samples_of_one_rate_seldom_show_evidence_whenever_one_looks() -> None:
    rng, alarmed = np.random.default_rng(4), 0
    for _ in range(300):
        yes, side = rng.random(400) < 0.3, rng.random(400) < 0.2
        a, b, c, d = (np.cumsum(part) for part in (yes & side, ~yes & side, yes & ~side, ~yes & ~side))
        alarmed += max(two_samples_log_e(float(a[n]), float(b[n]), float(c[n]), float(d[n]), 0.5) for n in range(9, 400, 10)) >= math.log(20)
    assert alarmed / 300 <= 0.05  # a bound with much slack: universal inference is cautious


def test_e_bh_names_what_it_should_and_no_more() -> None:
    logs = np.log(np.array([1.0, 700.0, 0.5, 90.0, 350.0, 20.0]))
    assert named_by_many(logs, 0.05) == (1, 4, 3)  # k e_(k) / 6 is 117, 117, 45, 13.3, ... against 20
    assert named_by_many(np.zeros(4), 0.05) == ()
    assert evidence(many_log_e(logs.copy(), 6)) == pytest.approx(350 * 2 / 6)


# -- betting, runs, stability ------------------------------------------------------------------------------------------


def test_betting_grows_on_a_mean_above_zero_and_seldom_on_none() -> None:
    rng, alarmed = np.random.default_rng(5), 0
    for _ in range(300):
        capital, most = np.zeros(BETS), 0.0
        for x in rng.choice(np.array([-1.0, 1.0]), 500):
            bet_step(capital, x)
            most = max(most, bet_log(capital, 0))
        alarmed += most >= math.log(20)
    assert alarmed / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    capital = np.zeros(BETS)
    for x in rng.normal(0.3, 0.5, 200):
        bet_step(capital, float(x))
    assert bet_log(capital, 0) > math.log(1_000) and bet_log(capital, STAKES) < 0


@given(st.lists(st.floats(-2, 2), max_size=30))
def test_bets_on_the_other_sign_are_the_mirrored_bets(values: list[float]) -> None:
    one, other = np.zeros(BETS), np.zeros(BETS)
    for x in values:
        bet_step(one, x)
        bet_step(other, -x)
    assert one[:STAKES].tobytes() == other[STAKES:].tobytes()


def test_the_longest_run_of_chance_passes_its_limit_as_rarely_as_it_says() -> None:
    # e^-3 is 5 % at a length; the longest of a sequence passes it in 2.5 to 10 % of 600 sequences (three standard errors of 5 %, doubled for edges).
    rng, beyond = np.random.default_rng(6), 0
    for _ in range(600):
        flips = rng.random(400) < 0.5
        edges = np.flatnonzero(np.diff(flips.astype(int)) != 0)
        longest = int(np.diff(np.concatenate(([-1], edges, [399]))).max())
        beyond += longest > longest_run(400.0, 0.5, 3.0)
    assert 0.01 <= beyond / 600 <= 0.10
    assert longest_run(10.0, 1.0, 6.0) == math.inf
    assert longest_run(69.0, 0.5, 6.0) == pytest.approx((math.log(34.5) + 6) / math.log(2))


def test_the_psi_noise_line_is_where_the_method_puts_it() -> None:
    from scipy.stats import chi2

    assert pytest.approx(chi2.ppf(0.999, 9), abs=1e-3) == NOISE_RARE
    assert pytest.approx(chi2.ppf(1 - 1e-6, 9), abs=1e-2) == NOISE_RAREST
    assert noise_line(200.0, 5_000.0, NOISE_RARE) == pytest.approx(0.145, abs=5e-4)
    # Of 3,000 windows without drift 99.9 % stay below .149 as simulated in the method; half an answer a bin makes ours a little smaller.
    rng = np.random.default_rng(7)
    expected = np.full(10, 500.0)
    found = [stability_index(rng.multinomial(200, np.full(10, 0.1)).astype(float), expected) for _ in range(3_000)]
    assert 0.10 <= np.quantile(found, 0.999) <= 0.165
    assert 0.01 <= np.mean(np.array(found) > 0.1) <= 0.06  # the folklore's .1 is passed by 3.3 % of them


@given(st.lists(st.integers(0, 500), min_size=10, max_size=10), st.lists(st.integers(0, 500), min_size=10, max_size=10))
def test_psi_is_never_negative_and_nothing_where_nothing_moved(one: list[int], other: list[int]) -> None:
    counts, expected = np.array(one, float), np.array(other, float)
    assert stability_index(counts, expected) >= 0.0
    assert stability_index(counts, counts) == 0.0
    assert stability_index(counts, expected) == pytest.approx(stability_index(expected, counts), abs=1e-12)
