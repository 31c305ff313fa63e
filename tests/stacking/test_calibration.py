"""Calibrators: no more freedom than the rows pay for, never an opinion turned around, and bytes that know when they are damaged."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ModelRefused, TrainingRefused
from metastackerbandit.stacking.calibration import _DEFAULTS, Calibrator, Kind, _fitted, fit_calibrator
from metastackerbandit.stacking.classes import turned
from metastackerbandit.stacking.packing import sealed
from metastackerbandit.stacking.settings import CalibrationSettings
from tests.covering import covers
from tests.stacking.worlds import drawn, gain, of_lead

KINDS: tuple[Kind, ...] = ("temperature", "vector", "beta", "isotonic")


def overconfident(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A model that sees a weak truth (oracle 18 mnats) and claims three times as much: answers, classes, truth."""
    rng = np.random.default_rng(seed)
    lead = rng.normal(0.0, 0.25, rows)
    truth = of_lead(lead)
    return of_lead(3.0 * lead + rng.normal(0.0, 0.3, rows)), drawn(rng, truth), truth


@cache
def fitted(kind: Kind, symmetric: bool = False, rows: int = 4_000) -> Calibrator:
    raw, side, _ = overconfident(77, rows)
    return _fitted(kind, raw, side, np.random.default_rng(1).random(rows), float(rows), symmetric, _DEFAULTS)


def mean_gain(kind: Kind, rows: int, seeds: int) -> float:
    fresh, _, truth = overconfident(9_999, 6_000)
    found = []
    for seed in range(seeds):
        raw, side, _ = overconfident(seed, rows)
        found.append(gain(_fitted(kind, raw, side, np.ones(rows), float(rows), False, _DEFAULTS).apply(fresh), truth))
    return float(np.mean(found))


@covers("K15")
def test_at_two_hundred_rows_isotonic_is_worse_than_the_base_rate_and_temperature_is_better():
    """Measured over 40 seeds: +9.4 and -42 mnats (standard errors .5 and 2); estimating the base rate itself costs 5."""
    assert mean_gain("temperature", 200, 30) > 6.0
    assert mean_gain("isotonic", 200, 30) < -20.0


@covers("K15")
def test_what_is_best_depends_on_the_rows():
    """Measured: temperature leads at 100, vector from 500 on; isotonic needs thousands to gain at all."""
    assert mean_gain("temperature", 100, 20) > mean_gain("vector", 100, 20)
    assert mean_gain("vector", 3_000, 8) > mean_gain("temperature", 3_000, 8)
    assert mean_gain("vector", 3_000, 8) > mean_gain("isotonic", 3_000, 8)


def test_calibrated_input_has_slope_one():
    """|slope - 1| <= 2 standard errors in at least 17 of 20 draws (19 expected; the chance of fewer is 1.6 %); identity weight 20 shrinks a bit."""
    hits = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        truth = of_lead(rng.normal(0.0, 0.4, 3_000))
        found = fit_calibrator(truth, drawn(rng, truth), np.ones(3_000), 3_000.0)
        assert np.abs(found.apply(truth) - truth).max() < 0.08
        hits += abs(found.slope - 1.0) <= 2.0 * found.scaling.error
    assert hits >= 17


def test_overconfidence_shows_as_a_slope_below_one():
    raw, side, truth = overconfident(5, 4_000)
    found = fit_calibrator(raw, side, np.ones(4_000), 4_000.0)
    assert 0.1 < found.slope < 0.5 and found.is_sound
    assert gain(found.apply(raw), truth) > 10.0 > 0.0 > gain(raw, truth)


@covers("A23")
@pytest.mark.parametrize("n_eff", [200.0, 2_000.0, 8_000.0])
def test_a_source_that_points_the_wrong_way_is_unsound_and_is_not_turned_into_a_flip_by_a_curve(n_eff):
    raw, side, _ = overconfident(6, 8_000)
    found = fit_calibrator(turned(raw), side, np.ones(8_000), n_eff)
    assert found.slope < 0.0 and not found.is_sound
    for kind in ("beta", "isotonic"):
        curve = _fitted(kind, turned(raw), side, np.ones(8_000), n_eff, True, _DEFAULTS)
        sure = curve.apply(of_lead(np.array([-1.0, 0.0, 1.0])))
        assert sure[0, 0] >= sure[0, 2] and sure[2, 2] >= sure[2, 0]


def test_the_ladder_goes_by_effective_rows():
    raw, side, _ = overconfident(8, 6_000)
    kinds = [fit_calibrator(raw, side, np.ones(6_000), n_eff).kind for n_eff in (299.0, 300.0, 5_000.0)]
    assert kinds == ["temperature", "vector", "vector"]


def test_a_curve_is_chosen_only_where_it_proves_itself():
    """A world in which confidence beyond a point means nothing more: scaling cannot bend, a curve can."""
    rng = np.random.default_rng(3)
    lead = rng.normal(0.0, 2.0, 20_000)
    side = drawn(rng, of_lead(np.clip(lead, -0.5, 0.5)))
    bent = fit_calibrator(of_lead(lead), side, np.ones(20_000), 20_000.0, gap=10)
    assert bent.kind == "isotonic"
    assert fit_calibrator(of_lead(lead), side, np.ones(20_000), 4_900.0).kind == "vector"


def test_a_curve_that_is_better_by_luck_is_not_chosen():
    """Where probabilities are right as they are: with a margin of one standard error some of these take a curve."""
    for seed in range(4, 14):
        rng = np.random.default_rng(seed)
        right = of_lead(rng.normal(0.0, 0.5, 8_000))
        assert fit_calibrator(right, drawn(rng, right), np.ones(8_000), 8_000.0).kind == "vector"


def test_isotonic_is_never_fitted_to_be_compared_on_fewer_than_three_thousand_rows():
    rng = np.random.default_rng(3)
    lead = rng.normal(0.0, 2.0, 20_000)
    side = drawn(rng, of_lead(np.clip(lead, -0.5, 0.5)))
    eager = CalibrationSettings(curve_rows=1_000.0, least_margin=0.0)
    assert fit_calibrator(of_lead(lead), side, np.ones(20_000), 4_400.0, settings=eager).kind == "isotonic"  # 3,080 in the first part
    assert fit_calibrator(of_lead(lead), side, np.ones(20_000), 4_200.0, settings=eager).kind != "isotonic"


@covers("K6")
@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10_000))
def test_a_row_is_answered_alone_and_a_symmetric_calibrator_mirrors_exactly(kind, seed):
    raw = np.random.default_rng(seed).dirichlet(np.ones(3), 6)
    calibrator = fitted(kind, symmetric=True)
    together = calibrator.apply(raw)
    assert np.allclose(together.sum(axis=1), 1.0) and (together > 0.0).all()
    for row in range(6):
        assert calibrator.apply(raw[row : row + 1]).tobytes() == together[row].tobytes()
    assert calibrator.apply(turned(raw)).tobytes() == turned(together).tobytes()


@covers("A23")
@pytest.mark.parametrize("kind", KINDS)
def test_a_larger_lead_stays_a_larger_lead(kind):
    """Up against down rises with the lead, along the whole range."""
    leads = fitted(kind, symmetric=True).apply(of_lead(np.linspace(-2.0, 2.0, 101)))
    ratio = np.log(leads[:, 2] / leads[:, 0])
    assert (np.diff(ratio) >= -1e-12).all() and ratio[0] < 0.0 < ratio[-1] and ratio[50] == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_symmetric_calibrator_learns_the_same_from_the_mirrored_rows_and_as_much(kind):
    raw, side, truth = overconfident(12, 3_000)
    one = _fitted(kind, raw, side, np.ones(3_000), 3_000.0, True, _DEFAULTS)
    other = _fitted(kind, turned(raw), 2 - side, np.ones(3_000), 3_000.0, True, _DEFAULTS)
    plain = _fitted(kind, raw, side, np.ones(3_000), 3_000.0, False, _DEFAULTS)
    assert one.apply(raw) == pytest.approx(other.apply(raw), abs=1e-5)
    assert one.slope == pytest.approx(plain.slope, abs=0.05)
    assert gain(one.apply(raw), truth) > gain(plain.apply(raw), truth) - 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_zero_one_and_unknown_probabilities_have_an_answer(kind):
    out = fitted(kind).apply(np.array([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [np.nan] * 3]))
    assert np.isfinite(out[:2]).all() and (out[:2] > 0.0).all() and np.isnan(out[2]).all()


def test_a_model_that_always_says_the_same_is_left_as_it_is():
    side = drawn(np.random.default_rng(0), np.full((250, 3), 1 / 3))
    found = fit_calibrator(np.full((250, 3), 1 / 3), side, np.ones(250), 250.0)
    assert found.slope == pytest.approx(1.0) and np.allclose(found.apply(np.full((1, 3), 1 / 3)), 1 / 3)


def test_rows_that_separate_perfectly_give_a_finite_slope():
    side = np.tile([0, 1, 2], 40)
    found = fit_calibrator(0.8 * np.eye(3)[side] + 0.2 / 3, side, np.ones(120), 120.0)
    assert 1.0 < found.slope <= 30.0 and np.isfinite(found.apply(np.eye(3))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_give_the_same_calibrator_back(kind):
    calibrator = fitted(kind)
    again = Calibrator.unpack(calibrator.pack())
    assert again == calibrator and again.pack() == calibrator.pack()


def test_bytes_that_were_cut_or_contradict_themselves_are_refused():
    calibrator = fitted("vector")
    for data in (b"", calibrator.pack()[:-1], sealed(calibrator.scaling)):
        with pytest.raises(ModelRefused):
            Calibrator.unpack(data)
    liar = Calibrator("beta", calibrator.scaling, 1.0, False, 1e-6)
    with pytest.raises(ModelRefused, match="does not hold"):
        Calibrator.unpack(liar.pack())


def test_what_cannot_be_fitted_is_refused():
    raw, side, _ = overconfident(1, 100)
    with pytest.raises(TrainingRefused):
        fit_calibrator(raw[:0], side[:0], np.ones(0), 10.0)
    with pytest.raises(TrainingRefused):
        fit_calibrator(raw, side, np.ones(100), 0.0)
    with pytest.raises(TrainingRefused):
        fit_calibrator(raw, side + 1, np.ones(100), 10.0)
