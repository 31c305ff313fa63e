"""The test that decides on a change: may be looked at after every outcome, promotes nothing by luck, and finds what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.paired_test import log_e, paired_evidence
from metastackerbandit.evaluation.settings import RolloutSettings
from tests.covering import covers

SETTINGS = RolloutSettings()
RUNS, OUTCOMES = 400, 2_000


def promoted(differences: np.ndarray) -> np.ndarray:
    """Which runs (R,) of differences (R, N) are promoted by one who looks after every outcome, vectorised from the same formula."""
    count = np.arange(1, differences.shape[1] + 1)
    mean = np.cumsum(differences, axis=1) / count
    variance = (np.cumsum(differences * differences, axis=1) - count * mean * mean) / np.maximum(count - 1, 1)
    z = mean * np.sqrt(count) / np.sqrt(np.maximum(variance, 1e-300))
    known = count * SETTINGS.spread
    e = -0.5 * np.log1p(known) + 0.5 * z * z * known / (1.0 + known)
    return np.asarray(((e >= math.log(SETTINGS.evidence)) & (mean > 0) & (count >= SETTINGS.outcomes)).any(axis=1))


@covers("K17")
@pytest.mark.parametrize("shape", ["normal", "heavy", "trades"])
def test_a_change_of_nothing_is_promoted_by_luck_in_less_than_one_run_of_twenty(shape: str) -> None:
    rng = np.random.default_rng(17)
    size = (RUNS, OUTCOMES)
    worthless = {
        "normal": lambda: rng.normal(size=size),
        "heavy": lambda: rng.standard_t(3, size=size),
        "trades": lambda: (rng.random(size) < 0.2) * rng.choice([-1.0, 1.0], size=size) * rng.gamma(1.0, 1.0, size),
    }[shape]()
    assert promoted(worthless).mean() <= 0.05  # measured .005 to .01 in 2,000 runs


def test_one_who_looks_after_every_outcome_sees_what_the_evidence_says() -> None:
    differences = np.random.default_rng(19).normal(0.12, 1.0, 600)
    spoke = [paired_evidence(differences[:n], SETTINGS.spread).speaks_for(SETTINGS) for n in range(2, 601)]
    assert any(spoke) == promoted(differences[None, :])[0]


@covers("K17")
def test_a_change_that_earns_a_tenth_of_a_deviation_an_outcome_is_found_within_2000() -> None:
    assert promoted(np.random.default_rng(18).normal(0.1, 1.0, (RUNS, OUTCOMES))).mean() >= 0.90  # measured .957 in 2,000 runs


def test_a_change_for_the_worse_speaks_against_itself() -> None:
    worse = paired_evidence(np.random.default_rng(1).normal(-0.3, 1.0, 500), SETTINGS.spread)
    assert worse.speaks_against(SETTINGS) and not worse.speaks_for(SETTINGS) and worse.chance_better < 0.01


def test_few_outcomes_say_nothing_however_good() -> None:
    few = paired_evidence(np.random.default_rng(1).normal(5.0, 1.0, 99), SETTINGS.spread)
    assert few.e_value > SETTINGS.evidence and not few.speaks_for(SETTINGS)
    for alike in (np.zeros(0), np.ones(1), np.ones(500)):
        found = paired_evidence(alike, SETTINGS.spread)
        assert math.isnan(found.e_value) and not found.speaks_for(SETTINGS) and not found.speaks_against(SETTINGS)


def test_the_e_value_has_the_known_answer() -> None:
    # n = 400, rho^2 = .0025: n rho^2 = 1, so E = 2^-1/2 exp(z^2 / 4)
    assert log_e(4.0, 400, 0.0025) == pytest.approx(-0.5 * math.log(2.0) + 4.0)


@given(st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=60), st.floats(0.01, 100.0))
def test_the_sign_and_the_unit_of_the_outcomes_do_not_matter(values: list[float], unit: float) -> None:
    differences = np.round(np.array(values), 3)
    one, other = paired_evidence(differences, SETTINGS.spread), paired_evidence(-differences, SETTINGS.spread)
    scaled = paired_evidence(differences * unit, SETTINGS.spread)
    if math.isnan(one.e_value):
        assert math.isnan(other.e_value)
        return
    assert other.e_value == pytest.approx(one.e_value, rel=1e-6) and other.mean == -one.mean
    assert other.chance_better == pytest.approx(1.0 - one.chance_better, abs=1e-9)
    assert scaled.e_value == pytest.approx(one.e_value, rel=1e-6)
