"""Forecasts through a history: each from its past alone, beside what then came."""

from __future__ import annotations

import math

import numpy as np
import pytest

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.risk.forecasts import foretold, moments_of
from metastackerbandit.risk.loss_laws import METHODS, tails
from metastackerbandit.risk.past import seen_of
from metastackerbandit.risk.settings import RiskSettings
from tests.covering import covers
from tests.risk.portfolios import BEGIN_NS, SETTINGS, garch, joint, past_of

MARKET = garch(1, 1_600, 3, tails=9.0)
HELD = np.array([1_000.0, -400.0, 250.0])


@covers("2.129")
@pytest.mark.parametrize("method", METHODS)
def test_a_figure_knows_nothing_of_what_comes_after_it(method: str) -> None:
    at = 1_500
    poisoned = MARKET.copy()
    poisoned[at:] = 5.0
    found = []
    for market in (MARKET, poisoned):
        one = foretold(seen_of(joint(market), SETTINGS), HELD, np.array([at]), 6, (0.95,), SETTINGS, RiskSettings(), (method,))[0]
        found.append((one.value_at_risk[0], one.shortfall[0]))
    alone, given = past_of(MARKET[:at], HELD)
    law = METHODS[method](alone, 6, given, SETTINGS)
    told = tails(law, (0.95,))[0]
    assert found[0] == found[1] == (told.value_at_risk, told.shortfall)


def test_what_came_is_the_loss_of_who_held_on_after_the_forecast() -> None:
    seen = seen_of(joint(MARKET), SETTINGS)
    at = np.array([1_000, 1_594])
    told = foretold(seen, np.stack((HELD, np.array([0.0, 100.0, 0.0]))), at, 6, (0.95,), SETTINGS, RiskSettings(), ("normal",))[0]
    assert (told.at_ns == seen.joint.ended_ns[at - 1]).all()
    assert told.loss[0] == pytest.approx(-float((np.prod(1.0 + MARKET[1_000:1_006], axis=0) - 1.0) @ HELD))
    assert told.loss[1] == pytest.approx(-100.0 * (np.prod(1.0 + MARKET[1_594:, 1]) - 1.0))
    assert list(moments_of(seen, 6, 6)[:3]) == [0, 6, 12] and moments_of(seen, 6, 6)[-1] == 1_590  # 1,600 returns: the last six begin at 1,594
    flat = foretold(seen, np.zeros(3), at, 6, (0.95,), SETTINGS, RiskSettings())
    assert all(np.isnan(one.value_at_risk).all() and np.isnan(one.loss).all() for one in flat)


def test_a_method_is_asked_at_every_level_and_told_in_that_order() -> None:
    seen = seen_of(joint(MARKET), SETTINGS)
    told = foretold(seen, HELD, np.array([900, 1_000]), 1, (0.95, 0.99), SETTINGS, RiskSettings(), ("normal", "historical"))
    assert [(one.method, one.level) for one in told] == [("normal", 0.95), ("normal", 0.99), ("historical", 0.95), ("historical", 0.99)]
    for one, wider in ((told[0], told[1]), (told[2], told[3])):
        assert (one.value_at_risk > 0.0).all() and (one.value_at_risk < wider.value_at_risk).all() and (one.shortfall > one.value_at_risk).all()
        assert one.loss.tobytes() == wider.loss.tobytes() == told[0].loss.tobytes()
    assert [one.method for one in foretold(seen, HELD, np.array([1_000]), 1, (0.95,), SETTINGS, RiskSettings())] == list(METHODS)


def test_a_level_that_a_short_history_refuses_is_left_open_and_the_other_is_told() -> None:
    seen = seen_of(joint(MARKET), SETTINGS)
    low, high = foretold(seen, HELD, np.array([1_560]), 24, (0.95, 0.99), SETTINGS, RiskSettings(), ("historical",))
    assert low.value_at_risk[0] > 0.0 and math.isnan(high.value_at_risk[0]) and math.isnan(high.shortfall[0])
    early = foretold(seen, HELD, np.array([5]), 1, (0.95,), SETTINGS, RiskSettings(), ("normal",))[0]
    assert math.isnan(early.value_at_risk[0]) and not math.isnan(early.loss[0])


def test_a_loss_is_unknown_where_a_held_symbol_s_return_is_and_only_there() -> None:
    market = MARKET.copy()
    market[1_000, 2] = math.nan
    seen, at = seen_of(joint(market), SETTINGS), np.array([1_000])
    assert math.isnan(foretold(seen, HELD, at, 1, (0.95,), SETTINGS, RiskSettings(), ("normal",))[0].loss[0])
    without = foretold(seen, np.array([1_000.0, -400.0, 0.0]), at, 1, (0.95,), SETTINGS, RiskSettings(), ("normal",))[0]
    assert without.loss[0] == pytest.approx(-(1_000.0 * market[1_000, 0] - 400.0 * market[1_000, 1]))


def test_forecasts_are_made_when_the_clock_is_a_multiple_of_so_many_steps() -> None:
    seen = seen_of(joint(MARKET), SETTINGS)  # the first return begins at midnight
    for every in (1, 5, 24):
        begins = BEGIN_NS + HOUR_NS * moments_of(seen, 2, every)
        assert (begins // HOUR_NS % every == 0).all() and (np.diff(begins) == every * HOUR_NS).all()
    assert list(moments_of(seen, 1_600, 24)) == [0] and len(moments_of(seen, 1_601, 24)) == 0
