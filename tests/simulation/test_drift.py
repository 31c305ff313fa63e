"""The closed forms of the drift agree with each other, and with what the setting says of an hour."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.simulation.drift import (
    HOUR_S,
    drift_deviation,
    drift_pull,
    edge_bps,
    foreseen,
    neighbours,
    pull_of,
    reach,
    variance,
    wandering,
)
from metastackerbandit.simulation.settings import GeneratorSettings
from tests.covering import covers

SPANS = st.floats(10.0, 1e6)
PULLS = st.floats(1e-6, 1e-3)
MADE = st.builds(GeneratorSettings, predictability=st.floats(0.0, 0.2), drift_half_life_hours=st.floats(0.25, 1_000.0))


@covers("0.30")
@given(MADE)
def test_the_setting_is_the_share_of_an_hour_s_return_that_the_drift_foresees(made):
    assert foreseen(made, HOUR_S) == pytest.approx(made.predictability, rel=1e-6, abs=1e-12)


@given(MADE, SPANS)
def test_nothing_is_foreseen_wholly_and_nothing_without_predictability(made, horizon_s):
    assert 0.0 <= foreseen(made, horizon_s) < 1.0
    assert foreseen(GeneratorSettings(predictability=0.0), horizon_s) == 0.0 == drift_deviation(GeneratorSettings(predictability=0.0))


@given(MADE, SPANS, SPANS)
def test_neighbouring_returns_add_up(made, past_s, horizon_s):
    together = variance(made, past_s) + variance(made, horizon_s)
    together += 2.0 * neighbours(made, past_s, horizon_s) * math.sqrt(variance(made, past_s) * variance(made, horizon_s))
    assert variance(made, past_s + horizon_s) == pytest.approx(together, rel=1e-7)


@given(PULLS, SPANS)
def test_the_reach_is_an_integral_of_what_is_left(pull, horizon_s):
    steps = 2_000 + math.ceil(10 * pull * horizon_s)  # a tenth of what halves it, or finer
    middle = [(k + 0.5) * horizon_s / steps for k in range(steps)]
    assert reach(pull, horizon_s) == pytest.approx(sum(math.exp(-pull * at) for at in middle) * horizon_s / steps, rel=1e-2)
    assert wandering(pull, horizon_s) == pytest.approx(2.0 * sum(reach(pull, at) for at in middle) * horizon_s / steps, rel=1e-2)


def test_half_is_lost_after_a_half_life():
    assert math.exp(-pull_of(120.0) * 120.0) == pytest.approx(0.5)
    assert drift_pull(GeneratorSettings(drift_half_life_hours=3.0)) == pull_of(3.0 * HOUR_S)


def test_the_default_market_moves_13_bps_an_hour_for_one_standard_deviation_of_its_drift():
    assert edge_bps(GeneratorSettings(), HOUR_S) == pytest.approx(0.2 * 0.6 / math.sqrt(8_766.0) * 1e4, rel=0.03)
    assert edge_bps(GeneratorSettings(annual_volatility=1.2), HOUR_S) == pytest.approx(2.0 * edge_bps(GeneratorSettings(), HOUR_S))
