"""The past of a portfolio: cut at a moment, of the symbols that are held."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.risk.past import correlations_before, past_at, seen_of, terms_of
from metastackerbandit.risk.settings import RiskSettings
from tests.risk.portfolios import SETTINGS, STRESS, garch, joint

MARKET = garch(1, 400, 3, tails=9.0)


def test_the_terms_are_the_settings_in_steps_whatever_the_step() -> None:
    for step_ns in (5 * MINUTE_NS, HOUR_NS, DAY_NS):
        terms = terms_of(SETTINGS, step_ns)
        assert terms.keep ** (SETTINGS.half_life_days * DAY_NS / step_ns) == pytest.approx(0.5)
        assert terms.history == SETTINGS.history_days * DAY_NS / step_ns and terms.block == SETTINGS.block_days * DAY_NS / step_ns
        assert terms.run == SETTINGS.run_hours * HOUR_NS / step_ns
        assert terms.warm_up == SETTINGS.half_life_days * DAY_NS / step_ns  # known after one half-life
    short = msgspec.structs.replace(SETTINGS, half_life_days=0.1, run_hours=1.0, block_days=0.1, history_days=1.0)
    week = terms_of(short, 7 * DAY_NS)
    assert (week.history, week.run, week.block, week.warm_up) == (1, 1, 1, 2)  # never nothing


def test_a_past_holds_its_history_s_length_of_the_symbols_that_are_held() -> None:
    settings = msgspec.structs.replace(SETTINGS, history_days=5.0)
    seen = seen_of(joint(MARKET), settings)
    matrix = correlations_before(joint(MARKET), RiskSettings(), np.array([300]))[0]
    past = past_at(seen, np.array([7.0, 0.0, -2.0]), 300, matrix, STRESS)
    assert list(past.exposures) == [7.0, -2.0]
    assert past.returns.tobytes() == np.ascontiguousarray(MARKET[180:300, [0, 2]]).tobytes()
    assert past.standard.tobytes() == np.ascontiguousarray(seen.filtered.standard[180:300, [0, 2]]).tobytes()
    assert list(past.variance) == [seen.filtered.variance[300, 0], seen.filtered.variance[300, 2]]
    assert (past.correlation == matrix[[0, 2]][:, [0, 2]]).all() and past.stress == STRESS and past.known == 120
    early = past_at(seen, np.array([1.0, 0.0, 0.0]), 100, matrix, STRESS)
    assert np.isnan(past_at(seen, np.ones(3), 5, matrix, STRESS).variance).all()
    assert len(early.returns) == 100 and early.known == 100 - 72  # of three days nothing was forecast


def test_the_least_known_symbol_says_how_much_is_known() -> None:
    market = MARKET.copy()
    market[200:210, 1] = math.nan
    seen = seen_of(joint(market), SETTINGS)
    matrix = np.eye(3)
    assert past_at(seen, np.array([1.0, 1.0, 0.0]), 300, matrix, STRESS).known == 300 - 72 - 10
    assert past_at(seen, np.array([1.0, 0.0, 1.0]), 300, matrix, STRESS).known == 300 - 72


def test_correlations_are_made_on_the_returns_own_step() -> None:
    found = correlations_before(joint(MARKET), RiskSettings(correlation_days=2.0), np.array([350, 400]))
    slow = correlations_before(joint(MARKET), RiskSettings(correlation_days=50.0), np.array([350, 400]))
    assert found.shape == (2, 3, 3) and (found[0] != found[1]).any() and (found != slow).any()
