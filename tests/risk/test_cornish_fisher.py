"""Cornish and Fisher's quantile: the normal one without shape, monotone exactly in its domain, refused outside, its shortfall the integral."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.risk.cornish_fisher import bent, cornish_fisher_tail, refusal
from metastackerbandit.risk.tail import NORMAL, normal_tail
from tests.covering import covers

SKEWNESSES = st.integers(-300, 300).map(lambda hundredths: hundredths / 100)
KURTOSES = st.integers(-100, 1_200).map(lambda hundredths: hundredths / 100)


@covers("2.129")
@pytest.mark.parametrize("level", (0.95, 0.99))
def test_without_skewness_and_kurtosis_it_is_normal(level: float) -> None:
    assert refusal(0.0, 0.0) == ""
    assert cornish_fisher_tail(3.0, 0.0, 0.0, level) == normal_tail(3.0, level)


@covers("2.129")
@given(SKEWNESSES, KURTOSES)
def test_it_refuses_exactly_where_quantiles_would_cross(skewness: float, kurtosis: float) -> None:
    far = np.geomspace(60.0, 1e6, 400)
    near = np.linspace(-60.0, 60.0, 24_001)
    z = np.concatenate((-far[::-1], near, far))
    slope = (z * z) * (kurtosis / 8 - skewness**2 / 6) + z * skewness / 3 + (1 - kurtosis / 8 + 5 * skewness**2 / 36)
    least = slope.min()
    if least > 1e-3:
        assert not refusal(skewness, kurtosis)
    elif least < -1e-3:
        assert refusal(skewness, kurtosis)
    curve = np.array([bent(float(one), skewness, kurtosis) for one in near[::200]])
    if not refusal(skewness, kurtosis):
        assert (np.diff(curve) >= -1e-9).all()


@covers("2.129")
def test_the_edge_of_the_domain_is_where_the_curve_s_own_slope_first_touches_zero() -> None:
    places = np.array([-3.0, -1.0, 1.0, 3.0])
    for skewness in np.linspace(-1.5, 1.5, 31):
        for kurtosis in np.linspace(0.0, 9.0, 91):
            cubic = np.polyfit(places, [bent(float(z), float(skewness), float(kurtosis)) for z in places], 3)  # the expansion is a cubic
            slope = np.polyder(cubic)
            least = np.polyval(slope, -slope[1] / (2.0 * slope[0])) if slope[0] > 1e-9 else -1.0 if abs(skewness) > 1e-9 else 1.0
            if abs(least) > 1e-6 and abs(slope[0]) > 1e-6:
                assert bool(refusal(float(skewness), float(kurtosis))) == (least < 0.0), (skewness, kurtosis)


@given(SKEWNESSES, KURTOSES, st.floats(-4.0, 4.0))
def test_the_mirrored_shape_has_the_mirrored_quantile(skewness: float, kurtosis: float, z: float) -> None:
    assert bent(z, skewness, kurtosis) == pytest.approx(-bent(-z, -skewness, kurtosis), abs=1e-12)
    assert bool(refusal(skewness, kurtosis)) == bool(refusal(-skewness, kurtosis))


@covers("2.129")
def test_the_published_expansion_by_hand() -> None:
    # z = -2.3263, S = -0.5, K = 2: -2.3263 - 0.3677 - 0.4674 + 0.0941, term by term of the formula of Maillard 2012
    assert bent(-2.3263, -0.5, 2.0) == pytest.approx(-2.3263 + 4.41167 * -0.5 / 6 + -5.61056 * 2 / 24 - -13.54762 * 0.25 / 36, abs=2e-4)
    assert bent(-2.3263, -0.5, 2.0) == pytest.approx(-3.0674, abs=2e-4)


def test_with_little_skewness_the_domain_ends_at_an_excess_kurtosis_of_eight() -> None:
    assert not refusal(0.0, 7.99) and not refusal(0.0, 8.0) and "cross" in refusal(0.0, 8.01)
    assert refusal(0.5, 0.0) and refusal(0.0, -0.1) and refusal(2.0, 5.0)


@covers("2.129")
@pytest.mark.parametrize(("skewness", "kurtosis"), ((0.0, 0.0), (0.3, 2.0), (-0.5, 3.0), (0.8, 5.0)))
@pytest.mark.parametrize("level", (0.95, 0.99))
def test_its_shortfall_is_the_mean_of_its_quantiles_beyond_the_level(skewness: float, kurtosis: float, level: float) -> None:
    chances = level + (1.0 - level) * (np.arange(200_000) + 0.5) / 200_000
    quantiles = [bent(NORMAL.inv_cdf(float(chance)), skewness, kurtosis) for chance in chances[::10]]
    # the midpoint rule over 20,000 strips loses about the last half strip: 1e-4 of a quantile
    assert cornish_fisher_tail(1.0, skewness, kurtosis, level).shortfall == pytest.approx(float(np.mean(quantiles)), rel=1e-3)
