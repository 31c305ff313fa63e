"""The stack: what it shrinks, how it mirrors, and that it comes back from its files as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import ModelRefused, TrainingRefused
from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.training.expectation import fit_expectation
from metastackerbandit.training.fit import FittedStack, fit_stack
from metastackerbandit.training.mirroring import with_mirror
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import unpack
from metastackerbandit.training.version import is_one_sided
from tests.covering import covers
from tests.training.worlds import bull_sample

FAMILIES = ("prior", "persistence", "logistic")
SETTINGS = TrainingSettings()


@pytest.fixture(scope="module")
def fitted() -> FittedStack:
    return fit_stack(bull_sample(1), FAMILIES, 218.0, DAY_NS, SETTINGS, 7)


@covers("K8")
@pytest.mark.parametrize("seed", range(4))
def test_a_bull_sample_teaches_one_side_unless_its_rows_are_mirrored(seed: int) -> None:
    sample = bull_sample(seed)
    plain = fit_stack(sample, FAMILIES, 218.0, DAY_NS, structs.replace(SETTINGS, mirror=False), 7)
    turned = fit_stack(sample, FAMILIES, 218.0, DAY_NS, SETTINGS, 7)
    assert is_one_sided(plain.share_up, SETTINGS)
    assert 0.4 <= turned.share_up <= 0.6
    assert not is_one_sided(turned.share_up, SETTINGS)


@covers("K6")
def test_mirrored_rows_get_mirrored_answers_to_the_bit(fitted: FittedStack) -> None:
    rows = bull_sample(2).rows
    straight, turned = fitted.stack.predict(rows), fitted.stack.predict(mirrored(rows))
    assert np.array_equal(turned.p[:, ::-1], straight.p)
    assert np.array_equal(turned.short, straight.long) and np.array_equal(turned.long, straight.short)
    assert np.array_equal(turned.error, straight.error)


@covers("A19")
def test_a_stack_comes_back_from_its_files_and_answers_the_same_to_the_bit(fitted: FittedStack) -> None:
    rows = bull_sample(3).rows
    rows[::7, ::5] = np.nan
    files = fitted.stack.pack()
    again = unpack(files)
    assert again.pack() == files
    together = fitted.stack.predict(rows)
    for name in together.__struct_fields__:
        alone = np.concatenate([getattr(again.predict(rows[place : place + 1]), name) for place in range(len(rows))])
        assert alone.tobytes() == getattr(together, name).tobytes(), name


def test_answers_are_probabilities_and_returns_are_symmetric_about_their_level(fitted: FittedStack) -> None:
    said = fitted.stack.predict(bull_sample(4).rows)
    assert np.allclose(said.p.sum(axis=1), 1.0, atol=1e-12) and (said.p > 0.0).all()
    assert np.allclose(said.long + said.short, 2.0 * fitted.stack.facts.expectation.level)
    assert (said.error > 0.0).all() and ((said.credibility > 0.0) & (said.credibility <= 1.0)).all()
    assert np.array_equal(said.p_values.max(axis=1), said.credibility)
    inside = said.p_values > fitted.stack.conformal.alpha_now
    assert np.array_equal(inside @ np.array([1, 2, 4]), said.conformal_set)


def test_baselines_stand_beside_the_stack_without_a_weight(fitted: FittedStack) -> None:
    assert fitted.stack.facts.weights[:2] == (0.0, 0.0) and fitted.stack.facts.weights[2] > 0.0


def test_learners_without_a_weight_need_not_be_asked(fitted: FittedStack) -> None:
    stack = fitted.stack
    rows = np.random.default_rng(9).normal(size=(50, len(stack.facts.names)))
    images = mirrored(rows)
    asked, spared = stack.parts(rows, images), stack.heard(rows, images)
    assert min(stack.facts.weights) == 0.0 and not np.array_equal(asked, spared)
    assert stack.probabilities(asked).tobytes() == stack.probabilities(spared).tobytes()


@pytest.mark.parametrize("missing", ["stack.json", "calibrator.base64", "logistic.facts"])
def test_a_missing_or_damaged_file_is_refused_by_name(fitted: FittedStack, missing: str) -> None:
    files = fitted.stack.pack()
    with pytest.raises(ModelRefused):
        unpack({name: content for name, content in files.items() if name != missing})
    with pytest.raises(ModelRefused):
        unpack(files | {missing: b"{}"})


def test_rows_of_another_width_are_refused(fitted: FittedStack) -> None:
    with pytest.raises(ModelRefused, match=r"shape \(2, 3\)"):
        fitted.stack.predict(np.zeros((2, 3)))


def test_the_mirror_doubles_rows_halves_weights_and_exchanges_sides() -> None:
    sample = bull_sample(5)
    both = with_mirror(sample)
    assert len(both) == 2 * len(sample) and both.weight.sum() == pytest.approx(sample.weight.sum())
    assert np.array_equal(both.rows[1::2], mirrored(sample.rows)) and np.array_equal(both.rows[::2], sample.rows)
    assert np.array_equal(both.side[1::2] == UP, sample.side == DOWN)
    assert np.array_equal(both.long[1::2], sample.short)
    assert (both.side == UP).sum() == (both.side == DOWN).sum()


def test_a_sample_of_one_class_or_of_still_features_is_refused() -> None:
    sample = bull_sample(6)
    for broken in (structs.replace(sample, side=np.full_like(sample.side, UP)), structs.replace(sample, rows=np.ones_like(sample.rows))):
        with pytest.raises(TrainingRefused):
            fit_stack(broken, FAMILIES, 218.0, DAY_NS, SETTINGS, 7)


@given(st.integers(0, 2**31), st.floats(-2.0, 2.0), st.floats(10.0, 1e5))
def test_an_expectation_never_stretches_or_turns_a_forecast(seed: int, truth: float, n_eff: float) -> None:
    rng = np.random.default_rng(seed)
    lead, head, noise = rng.normal(0.0, 0.1, (3, 200))
    long = truth * lead + 10.0 * noise
    found = fit_expectation(lead, head, long, -long, np.ones(200, np.bool_), np.ones(200), n_eff)
    assert 0.0 <= found.slope <= 1.0 and found.level <= 0.0 < found.noise
    lead, head = np.array([0.2]), np.array([0.0])
    up, down = found.long_short(lead, head)
    assert up[0] >= down[0] and found.error(lead, head)[0] >= found.noise


def test_a_forecast_that_outcomes_follow_is_believed_and_one_they_do_not_is_not() -> None:
    """Two thousand independent outcomes of deviation 1, forecasts of deviation .3: the slope's own error is .075."""
    rng = np.random.default_rng(0)
    lead, noise = rng.normal(0.0, 0.3, 2_000), rng.normal(0.0, 1.0, 2_000)
    right, weight = np.ones(2_000, np.bool_), np.ones(2_000)
    true = fit_expectation(lead, lead, lead + noise, -lead - noise, right, weight, 2_000.0)
    false = fit_expectation(lead, lead, noise, -noise, right, weight, 2_000.0)
    assert true.slope > 0.8 and false.slope < 0.25
