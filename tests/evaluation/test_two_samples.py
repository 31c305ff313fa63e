"""Two samples of yes and no: Fisher's p, evidence that may be looked at at any time, and which of many tables are named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, xlogy

from metastackerbandit.evaluation.shares import evidence
from metastackerbandit.evaluation.two_samples import fisher_p, many_log_e, named_by_many, two_samples_log_e
from tests.covering import covers

COUNTS = (st.integers(0, 50),) * 4
LOGS = st.lists(st.floats(-5.0, 12.0), min_size=1, max_size=12)


@given(st.tuples(st.integers(0, 40), st.integers(0, 40)), st.tuples(st.integers(0, 40), st.integers(0, 40)))
@settings(max_examples=50)
def test_fishers_p_is_the_share_of_tables_with_these_margins_that_are_no_likelier(one: tuple[int, int], other: tuple[int, int]) -> None:
    """In whole numbers, so that tables as likely as the one seen are told from those that are not."""
    (yes, no), (other_yes, other_no) = one, other
    positives = yes + other_yes
    ways = [math.comb(yes + no, k) * math.comb(other_yes + other_no, positives - k) for k in range(positives + 1)]
    expected = sum(way for way in ways if way <= ways[yes]) / sum(ways)
    assert fisher_p(yes, yes + no, other_yes, other_yes + other_no) == pytest.approx(expected, rel=1e-6)


def test_without_answers_on_one_side_fishers_test_says_nothing() -> None:
    assert (fisher_p(0, 0, 3, 9), fisher_p(3, 9, 0, 0), fisher_p(0, 5, 0, 7)) == (1.0, 1.0, 1.0)
    assert fisher_p(1, 1, 0, 1) == 1.0
    assert fisher_p(1, 1, 0, 9) == fisher_p(0, 9, 1, 1) == pytest.approx(0.1)
    assert fisher_p(3, 3, 0, 3) == pytest.approx(2 / 20)  # the two corners of twenty tables


@covers("3.07", "3.32")
def test_the_seeds_gate_has_the_p_that_the_method_names() -> None:
    assert fisher_p(0, 190, 137, 1171) == pytest.approx(7.5e-10, rel=0.01)


@given(*(st.integers(0, 50),) * 4)
def test_which_sample_is_named_first_does_not_matter(a: int, b: int, c: int, d: int) -> None:
    found = two_samples_log_e(float(a), float(b), float(c), float(d), 0.5)
    assert found == two_samples_log_e(float(c), float(d), float(a), float(b), 0.5)
    assert found == pytest.approx(two_samples_log_e(float(b), float(a), float(d), float(c), 0.5), abs=1e-9)


@given(*COUNTS, st.floats(0.2, 2.0))
@settings(max_examples=40)
def test_evidence_is_that_of_two_learners_over_the_best_common_rate(a: int, b: int, c: int, d: int, prior: float) -> None:
    learners = sum(float(betaln(prior + yes, prior + no) - betaln(prior, prior)) for yes, no in ((a, b), (c, d)))
    rate = (a + c) / max(a + b + c + d, 1)
    common = float(xlogy(a + c, rate) + xlogy(b + d, 1.0 - rate))
    assert two_samples_log_e(float(a), float(b), float(c), float(d), prior) == pytest.approx(learners - common, abs=1e-9)


def test_two_samples_of_one_rate_seldom_show_evidence_whenever_one_looks() -> None:
    rng, alarmed = np.random.default_rng(4), 0
    for _ in range(300):
        yes, side = rng.random(400) < 0.3, rng.random(400) < 0.2
        a, b, c, d = (np.cumsum(part) for part in (yes & side, ~yes & side, yes & ~side, ~yes & ~side))
        alarmed += max(two_samples_log_e(float(a[n]), float(b[n]), float(c[n]), float(d[n]), 0.5) for n in range(9, 400, 10)) >= math.log(20)
    assert alarmed / 300 <= 0.05  # a bound with much slack: universal inference is cautious


@given(LOGS)
@settings(max_examples=40)
def test_the_best_of_many_looks_is_the_largest_rank_times_its_value(values: list[float]) -> None:
    logs = np.array([*values, 99.0])  # what stands behind `count` is not looked at
    count = len(values)
    found = many_log_e(logs, count)
    falling = sorted(values, reverse=True)
    assert found == pytest.approx(max(log + math.log(k / count) for k, log in enumerate(falling, 1)))
    assert logs.tolist() == [*falling, 99.0]


@given(LOGS, st.sampled_from((0.01, 0.05, 0.3)))
@settings(max_examples=40)
def test_as_many_are_named_as_reach_the_limit_of_their_own_number(values: list[float], level: float) -> None:
    named = named_by_many(np.array(values), level)
    counts = [k for k in range(1, len(values) + 1) if sum(math.exp(log) >= len(values) / (k * level) for log in values) >= k]
    assert len(named) == max(counts, default=0)
    strongest = sorted(range(len(values)), key=lambda place: -values[place])  # the first of equals first
    assert list(named) == strongest[: len(named)]


def test_e_bh_names_what_it_should_and_no_more() -> None:
    logs = np.log(np.array([1.0, 700.0, 0.5, 90.0, 350.0, 20.0]))
    assert named_by_many(logs, 0.05) == (1, 4, 3)  # k e_(k) / 6 is 117, 117, 45, 13.3, ... against 20
    assert named_by_many(np.zeros(4), 0.05) == ()
    assert evidence(many_log_e(logs.copy(), 6)) == pytest.approx(350 * 2 / 6)
    assert named_by_many(np.zeros(1), 1.0) == (0,), "at the limit is enough"
    assert named_by_many(np.zeros(0), 0.05) == () and many_log_e(np.zeros(0), 0) == -math.inf
