"""Weights of learners: what is planted is found, noise stays equal, a copy changes little, and a row's answer is its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ModelMismatch, TrainingRefused
from metastackerbandit.stacking.classes import turned
from metastackerbandit.stacking.meta import _loss, _ratios_into, blend, fit_weights
from metastackerbandit.stacking.settings import MetaSettings
from tests.covering import covers
from tests.stacking.worlds import drawn, expected_loss, gain, of_lead

ROWS = 4_000


def views(seed: int, spreads: list[float], rows: int = ROWS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Learners that see the true lead (sd .4) through noise of these spreads: answers (L, N, 3), classes, truth."""
    rng = np.random.default_rng(seed)
    lead = rng.normal(0.0, 0.4, rows)
    truth = of_lead(lead)
    answers = np.stack([of_lead(lead / (1.0 + spread**2) + rng.normal(0.0, 0.4, rows) * spread / (1.0 + spread**2)) for spread in spreads])
    return answers, drawn(rng, truth), truth


def noise(seed: int, learners: int, rows: int = ROWS, spread: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Learners that know the base rate and nothing else, and classes that they have nothing to do with."""
    rng = np.random.default_rng(seed)
    answers = np.stack([of_lead(rng.normal(0.0, spread, rows)) for _ in range(learners)])
    return answers, drawn(rng, of_lead(np.zeros(rows)))


def halves(rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(0, rows * 7 // 10), np.arange(rows * 7 // 10, rows)


def test_the_learner_that_sees_more_counts_more_and_the_ensemble_beats_each():
    answers, side, _ = views(1, [0.5, 1.0, 3.0])
    weights = fit_weights(answers, side, np.ones(ROWS), ROWS)
    assert weights[0] > weights[1] > weights[2] >= 0.0
    fresh, _, truth = views(2, [0.5, 1.0, 3.0])
    assert gain(blend(fresh, weights), truth) > max(gain(one, truth) for one in fresh)


@pytest.mark.parametrize("seed", range(5))
def test_of_learners_that_know_nothing_none_is_preferred(seed):
    """Within .1 of equal, with the penalty chosen on later rows; a later gain must be beyond two standard errors, which is luck once in 40."""
    answers, side = noise(seed, 5)
    weights = fit_weights(answers, side, np.ones(ROWS), ROWS, inner=halves(ROWS))
    assert np.abs(weights - 0.2).max() < 0.1
    fresh, _ = noise(100 + seed, 5)
    assert gain(blend(fresh, weights), of_lead(np.zeros(ROWS))) <= 1e-9


@covers("A24")
def test_a_copy_of_a_learner_changes_the_ensemble_little():
    """Measured: .01 mnats for a stack that gains 35."""
    answers, side, _ = views(3, [0.5, 1.0])
    doubled = answers[[0, 1, 1]]
    one = fit_weights(answers, side, np.ones(ROWS), ROWS)
    two = fit_weights(doubled, side, np.ones(ROWS), ROWS)
    fresh, _, truth = views(4, [0.5, 1.0])
    before, after = blend(fresh, one), blend(fresh[[0, 1, 1]], two)
    assert abs(expected_loss(before, truth) - expected_loss(after, truth)) < 0.0002
    assert np.abs(before - after).max() < 0.02
    assert two[1] == pytest.approx(two[2], abs=1e-6) and two[1] + two[2] == pytest.approx(one[1], abs=0.1)


def test_few_effective_rows_a_learner_give_equal_weights():
    answers, side, _ = views(5, [0.5, 1.0, 3.0])
    assert fit_weights(answers, side, np.ones(ROWS), 599.0).tolist() == [1 / 3] * 3
    assert fit_weights(answers, side, np.ones(ROWS), 600.0).tolist() != [1 / 3] * 3
    assert fit_weights(answers, side, np.ones(ROWS), float("nan")).tolist() == [1 / 3] * 3
    assert fit_weights(answers[:1], side, np.ones(ROWS), 1e6).tolist() == [1.0]


def test_more_penalty_pulls_to_equal_weights():
    answers, side, _ = views(6, [0.5, 3.0])
    away = [
        np.abs(fit_weights(answers, side, np.ones(ROWS), ROWS, settings=MetaSettings(penalty_a_row=penalty)) - 0.5).max()
        for penalty in (0.001, 0.1, 10.0)
    ]
    assert away[0] > away[1] > away[2] and away[2] < 0.02


def test_a_learner_against_the_truth_gets_nothing_and_is_not_turned_around():
    answers, side, _ = views(7, [0.5, 1.0])
    weights = fit_weights(np.stack((answers[0], turned(answers[1]))), side, np.ones(ROWS), ROWS)
    assert weights[0] > 0.5 and weights[1] == 0.0


def test_the_order_of_learners_does_not_matter_and_the_fit_repeats_to_the_bit():
    answers, side, _ = views(8, [0.5, 1.0, 2.0])
    one, again = (fit_weights(answers, side, np.ones(ROWS), ROWS, inner=halves(ROWS)) for _ in range(2))
    assert one.tobytes() == again.tobytes()
    other = fit_weights(answers[::-1].copy(), side, np.ones(ROWS), ROWS, inner=halves(ROWS))
    assert other[::-1] == pytest.approx(one, abs=1e-5)


def test_a_row_counts_by_its_weight():
    answers, side, _ = views(9, [0.5, 1.0])
    weight = np.random.default_rng(1).integers(0, 3, ROWS)
    repeated = np.repeat(np.arange(ROWS), weight)
    one = fit_weights(answers, side, weight.astype(float), ROWS)
    assert one == pytest.approx(fit_weights(answers[:, repeated], side[repeated], np.ones(len(repeated)), ROWS), abs=1e-6)


def test_the_gradient_is_that_of_the_loss():
    answers, side, _ = views(10, [0.5, 1.0], rows=200)
    ratios, weight, slopes, unused = np.empty((2, 200, 2)), np.random.default_rng(0).random(200), np.empty(2), np.empty(2)
    _ratios_into(ratios, answers, 1e-6)
    at, step = np.array([0.4, 0.9]), 1e-6
    _loss(ratios, side, weight, at, slopes)
    for k in range(2):
        shift = step * np.eye(2)[k]
        change = _loss(ratios, side, weight, at + shift, unused) - _loss(ratios, side, weight, at - shift, unused)
        assert slopes[k] == pytest.approx(change / (2 * step), abs=1e-8)


def test_the_weights_are_where_loss_and_penalty_balance():
    """Derivative of loss + lambda / n (w - 1/3)^2: zero for a weight that counts, and not falling for one at zero."""
    answers, side, _ = views(12, [0.5, 1.0, 0.7])
    answers[2] = turned(answers[2])
    for penalty in (0.001, 0.01):
        weights = fit_weights(answers, side, np.ones(ROWS), ROWS, settings=MetaSettings(penalty_a_row=penalty))
        ratios, slopes = np.empty((3, ROWS, 2)), np.empty(3)
        _ratios_into(ratios, answers, 1e-6)
        _loss(ratios, side, np.ones(ROWS), weights, slopes)
        slopes += 2 * penalty * (weights - 1 / 3)
        assert weights[2] == 0.0 < slopes[2] and slopes[:2] == pytest.approx([0.0, 0.0], abs=1e-6)


@covers("K6")
@given(seed=st.integers(0, 10_000), learners=st.integers(1, 5))
def test_a_row_is_answered_alone_and_mirrors_exactly(seed, learners):
    rng = np.random.default_rng(seed)
    answers, weights = rng.dirichlet(np.ones(3), (learners, 7)), rng.random(learners)
    together = blend(answers, weights)
    assert np.allclose(together.sum(axis=1), 1.0)
    for row in range(7):
        assert blend(answers[:, row : row + 1], weights).tobytes() == together[row].tobytes()
    assert blend(turned(answers), weights).tobytes() == turned(together).tobytes()


def test_equal_answers_are_kept_by_weights_that_sum_to_one():
    one = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    assert np.allclose(blend(np.stack((one, one)), np.array([0.3, 0.7])), one)


def test_a_silent_learner_silences_the_row():
    answers = np.full((2, 2, 3), 1 / 3)
    answers[1, 0] = np.nan
    out = blend(answers, np.array([0.5, 0.5]))
    assert np.isnan(out[0]).all() and np.isfinite(out[1]).all()


def test_what_cannot_be_weighed_is_refused():
    answers, side, _ = views(11, [0.5, 1.0], rows=500)
    broken = answers.copy()
    broken[0, 3] = np.nan
    with pytest.raises(TrainingRefused, match="finite"):
        fit_weights(broken, side, np.ones(500), 1e6)
    with pytest.raises(TrainingRefused, match="go together"):
        fit_weights(answers, side[:-1], np.ones(500), 1e6)
    with pytest.raises(TrainingRefused, match="not all zero"):
        fit_weights(answers, side, np.zeros(500), 1e6)
    with pytest.raises(TrainingRefused, match="inner rows"):
        fit_weights(answers, side, np.ones(500), 1e6, inner=(np.arange(500), np.arange(0)))
    with pytest.raises(ModelMismatch):
        blend(answers, np.ones(3))
