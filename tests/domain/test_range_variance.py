"""The variance of a bar from its range: what the formulas give by hand, what they ignore, and what they recover of a walk that is known."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.range_variance import garman_klass, parkinson, rogers_satchell

FEW = settings(max_examples=50)
Bar = tuple[float, float, float, float]


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    """Open, high, low, close of a bar that moved by up to a few percent."""
    start = draw(st.floats(0.01, 1e6))
    low, one, other, high = sorted(start * math.exp(draw(st.floats(-0.03, 0.03))) for _ in range(4))
    return (one, high, low, other) if draw(st.booleans()) else (other, high, low, one)


def three(bar: Bar) -> tuple[float, float, float]:
    """All estimates of one bar."""
    return parkinson(bar[1], bar[2]), garman_klass(*bar), rogers_satchell(*bar)


@FEW
@given(bar=bars(), scale=st.floats(1e-3, 1e3))
def test_the_unit_of_the_price_does_not_matter(bar: Bar, scale: float) -> None:
    scaled = (bar[0] * scale, bar[1] * scale, bar[2] * scale, bar[3] * scale)
    assert three(scaled) == pytest.approx(three(bar), abs=1e-15)


@FEW
@given(bars())
def test_a_market_turned_over_varies_as_much(bar: Bar) -> None:
    """Log prices negated: what was the high is the low."""
    turned = (1.0 / bar[0], 1.0 / bar[2], 1.0 / bar[1], 1.0 / bar[3])
    assert three(turned) == pytest.approx(three(bar), abs=1e-15)


@FEW
@given(bars())
def test_a_bar_read_backwards_varies_as_much(bar: Bar) -> None:
    assert three((bar[3], bar[1], bar[2], bar[0])) == pytest.approx(three(bar), abs=1e-15)


@FEW
@given(bars())
def test_no_estimate_is_negative_and_a_bar_that_stood_still_has_none(bar: Bar) -> None:
    assert min(three(bar)) >= -1e-18
    assert three((bar[0],) * 4) == (0.0, 0.0, 0.0)


@FEW
@given(bars())
def test_they_are_the_textbook_s_formulas_of_log_prices_from_the_open(bar: Bar) -> None:
    """u, d, c as Garman and Klass call them: high, low and close, in logarithms from the open."""
    u, d, c = (float(np.log(np.float64(price)) - np.log(np.float64(bar[0]))) for price in bar[1:])
    assume(u > d)
    expected = ((u - d) ** 2 / 2.772588722239781, 0.5 * (u - d) ** 2 - 0.38629436111989057 * c**2, u * (u - c) + d * (d - c))
    assert three(bar) == pytest.approx(expected, abs=1e-13)


def test_by_hand() -> None:
    e = math.e
    assert parkinson(e, 1.0) == pytest.approx(0.36067376022224085)  # 1 / (4 ln 2)
    assert garman_klass(1.0, e, 1.0, 1.0) == pytest.approx(0.5)
    assert garman_klass(1.0, e, 1.0, e) == pytest.approx(0.11370563888010943)  # 1/2 - (2 ln 2 - 1)
    assert garman_klass(1.0, e * e, 1.0, e) == pytest.approx(2.0 - 0.38629436111989057)
    assert rogers_satchell(1.0, e, 1 / e, 1.0) == pytest.approx(2.0)
    assert rogers_satchell(1.0, e, 1.0, e) == 0.0  # all of the range is drift
    assert rogers_satchell(e, e * e, 1.0, e) == pytest.approx(2.0)


@pytest.mark.parametrize("drift", [0.0, 2.0])
def test_a_walk_s_variance_comes_back_with_drift_only_from_rogers_and_satchell(drift: float) -> None:
    """2,000 bars of 4,000 steps, variance 1e-4 a bar: steps miss the ends of a range, about 5 % of the variance; standard errors under 2 %."""
    rng = np.random.default_rng(7)
    sigma, steps = 0.01, 4_000
    path = np.cumsum(rng.normal(drift * sigma / steps, sigma / math.sqrt(steps), (2_000, steps)), axis=1)
    highs, lows = np.exp(np.maximum(path.max(axis=1), 0.0)), np.exp(np.minimum(path.min(axis=1), 0.0))
    closes = np.exp(path[:, -1])
    found = [three((1.0, *one)) for one in zip(highs.tolist(), lows.tolist(), closes.tolist(), strict=True)]
    ratios = [fmean(column) / sigma**2 for column in zip(*found, strict=True)]
    assert ratios[2] == pytest.approx(1.0, abs=0.10)
    assert all(ratio == pytest.approx(1.0, abs=0.10) for ratio in ratios) if drift == 0.0 else min(ratios[:2]) > 1.3
