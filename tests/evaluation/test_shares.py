"""Evidence on a share: no more than chance would bring while the share is in its range, much once it is out of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln

from metastackerbandit.domain.kernel import rows
from metastackerbandit.evaluation.shares import (
    MOST_LOG,
    Share,
    evidence,
    least_share,
    log_beta,
    mixture_log_e,
    share_over,
    share_step,
    times_log,
)
from tests.covering import covers

SEED_SHARE = 190 / 1361  # DOWN among the predecessors' 5m signals (method 0.10)

LEAST = st.floats(0.02, 0.45)


def first_trade(prior: float, limit: float) -> int:
    """At which trade in a row on the other side the evidence reaches a limit, where one in seven should be on this one."""
    return next(n for n in range(1, 500) if evidence(mixture_log_e(0.0, float(n), prior, SEED_SHARE, 1 - SEED_SHARE)) >= limit)


def followed(answers: list[int], least_hit: float, least_miss: float, prior: float, memory: float) -> tuple[Any, np.ndarray]:
    """The share after these answers, and the log evidence after each."""
    share, logs = rows(Share, 1), np.zeros(len(answers))
    share_over(np.array(answers, np.int64), least_hit, least_miss, prior, memory, share, logs)
    return share[0], logs


@given(answers=st.lists(st.integers(0, 1), max_size=40), least_hit=LEAST, least_miss=LEAST, prior=st.floats(0.1, 3.0))
@settings(max_examples=40)
def test_no_share_within_the_range_makes_the_next_answer_pay_on_average(
    answers: list[int], least_hit: float, least_miss: float, prior: float
) -> None:
    before = followed(answers, least_hit, least_miss, prior, 30.0)[0].log_e
    hit, miss = (math.exp(followed([*answers, one], least_hit, least_miss, prior, 30.0)[0].log_e - before) for one in (1, 0))
    for share in np.linspace(least_hit, 1.0 - least_miss, 9):
        assert share * hit + (1.0 - share) * miss <= 1.0 + 1e-9


@given(answers=st.lists(st.integers(0, 1), min_size=1, max_size=60), memory=st.integers(1, 20))
@settings(max_examples=40)
def test_what_is_remembered_is_as_much_as_memory_holds_and_the_most_is_the_most_there_was(answers: list[int], memory: int) -> None:
    share, logs = followed(answers, 0.3, 0.3, 0.5, float(memory))
    assert share.seen == len(answers)
    assert share.hits + share.misses == pytest.approx(min(len(answers), memory))
    assert (share.log_e, share.most) == (logs[-1], max(0.0, logs.max()))
    fade = memory / (memory + 1.0)  # of all that is remembered, for each answer that memory has no room for
    weights = [fade ** min(len(answers) - memory, len(answers) - k) if len(answers) > memory else 1.0 for k in range(len(answers))]
    assert share.hits == pytest.approx(sum(weight for weight, answer in zip(weights, answers, strict=True) if answer))


def test_five_answers_by_hand() -> None:
    """Hits should be a quarter to a half; from the third answer on two are remembered."""
    share, logs = followed([1, 1, 1, 1, 0], 0.25, 0.5, 0.5, 2.0)
    factors = [1.0, (1.5 / 2) / 0.5, (2.5 / 3) / 0.5, (2.5 / 3) / 0.5, (0.5 / 3) / 0.5]
    assert np.exp(logs) == pytest.approx(np.cumprod(factors))
    assert (share.hits, share.misses) == pytest.approx((2 * 2 / 3, 2 * 1 / 3))
    assert share.most == pytest.approx(math.log(1.5 * (5 / 3) ** 2))
    one = rows(Share, 1)
    share_step(one[0], False, 0.25, 0.5, 0.5, 9.0)
    assert (one[0].seen, one[0].hits, one[0].misses, one[0].log_e) == (1, 0.0, 1.0, 0.0)


@given(hits=st.integers(0, 40), misses=st.integers(0, 40), prior=st.floats(0.1, 3.0), least_hit=LEAST, least_miss=LEAST)
@settings(max_examples=40)
def test_the_mixture_is_what_a_learner_foretold_over_the_best_share_of_the_range(
    hits: int, misses: int, prior: float, least_hit: float, least_miss: float
) -> None:
    foretold, seen = 0.0, [prior, prior]
    for answer in [1] * hits + [0] * misses:
        foretold += math.log(seen[answer] / sum(seen))
        seen[answer] += 1.0
    shares = np.linspace(least_hit, 1.0 - least_miss, 4_001)
    best = float((hits * np.log(shares) + misses * np.log(1.0 - shares)).max())
    assert mixture_log_e(float(hits), float(misses), prior, least_hit, least_miss) == pytest.approx(foretold - best, abs=1e-4)


@given(a=st.floats(0.01, 200.0), b=st.floats(0.01, 200.0))
@settings(max_examples=40)
def test_the_log_of_the_beta_function_is_scipys(a: float, b: float) -> None:
    assert log_beta(a, b) == pytest.approx(float(betaln(a, b)), rel=1e-9, abs=1e-9)


def test_nothing_times_the_log_of_nothing_is_nothing() -> None:
    assert (times_log(0.0, 0.0), times_log(0.0, 0.3), times_log(1.0, 1.0)) == (0.0, 0.0, 0.0)
    assert times_log(3.0, 0.25) == 3.0 * math.log(0.25)


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
    # Ville: at most 5 % of streams ever reach 20; of 100 streams at the very edge, three standard errors more is 11.5 %.
    rng, alarmed = np.random.default_rng(2), 0
    for _ in range(100):
        share, logs = rows(Share, 1), np.zeros(600)
        share_over((rng.random(600) < 0.35).astype(np.int64), 0.35, 0.35, 0.5, 500.0, share, logs)
        alarmed += logs.max() >= math.log(20)
    assert alarmed / 100 <= 0.115


@given(total=st.integers(1, 2_000), share=st.floats(0.0, 1.0))
@settings(max_examples=40)
def test_wilsons_limit_is_the_share_that_lies_its_deviations_below_what_was_seen(total: int, share: float) -> None:
    seen = round(share * total) / total
    least = least_share(seen * total, float(total))
    assert 0.0 <= least <= seen
    assert seen - least == pytest.approx(1.645 * math.sqrt(least * (1.0 - least) / total), abs=1e-9)


def test_nothing_seen_has_no_share_and_one_of_one_has_the_known_limit() -> None:
    assert (least_share(0.0, 0.0), least_share(0.0, 7.0), least_share(3.0, 0.0)) == (0.0, 0.0, 0.0)
    assert least_share(1.0, 1.0) == pytest.approx(1.0 / (1.0 + 1.645**2))


def test_evidence_beyond_what_a_float_holds_stays_a_number() -> None:
    assert (evidence(0.0), evidence(-math.inf)) == (1.0, 0.0)
    assert evidence(2.0) == math.exp(2.0) and evidence(1e9) == math.exp(MOST_LOG) < math.inf
