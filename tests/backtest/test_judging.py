"""Gathering evidence: costs scaled, baselines fixed, what was held agrees with what was earned, and no edge is seen in a random walk."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.backtest.holding import holding_of
from metastackerbandit.backtest.judging import BASELINES, at_costs, baseline_plan, curve_of, evidence_of, final_of, on_bars_of, trial_of
from metastackerbandit.backtest.report import as_json, report_of, weighed
from metastackerbandit.backtest.run import Result, block_of, run
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import EquityRow
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.engine.plan import Plan, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.evidence import Evidence
from metastackerbandit.evaluation.verdict import Word
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.storage.trials import Trial
from tests.covering import covers
from tests.markets import by_block, generated, recorded

CAPITAL = 10**12
OPEN = EngineSettings(
    sizing=SizingSettings(mode="fraction", fraction=0.5),
    risk=RiskSettings(max_symbol_exposure=5.0, max_gross_exposure=5.0, max_daily_loss=1.0, max_drawdown=1.0),
)


def ran(recording: Recording, arm: str, settings: EngineSettings, frame: str = "5m") -> tuple[Plan, Kept, Result]:
    """A run with its rows."""
    kept, result = by_block(recording, frame, arm, settings)
    return plan_of(recording, frame, arm, settings), kept, result


def weigh_up(recording: Recording, arm: str, settings: EngineSettings, frame: str = "5m", others: tuple[Trial, ...] = ()) -> tuple[Evidence, Trial]:
    """The evidence of a run that was tried after others."""
    plan, kept, result = ran(recording, arm, settings, frame)
    trial = trial_of(plan, result, identity=arm, now_ns=1)
    assert trial is not None
    found = evidence_of(plan, block_of(recording), SimulationSettings(), result, kept, (*others, trial))
    assert found is not None
    return found, trial


# -- curves ----------------------------------------------------------------------------------------------------------------------


def a_curve(*points: tuple[int, int, int]) -> Result:
    """A result whose curve has these (at_ns, instrument, equity)."""
    made = np.zeros(len(points), layout(EquityRow))
    for n, (at, instrument, equity) in enumerate(points):
        made[n]["at_ns"], made[n]["instrument"], made[n]["equity"] = at, instrument, equity
    _, result = by_block(generated(1, 10), "5m", "sma_cross", EngineSettings())
    result.world.account[0].cash, result.world.account[0].marked = (points[-1][2] if points else 0), 0
    return Result(made, result.world, {})


def test_a_bar_has_one_point_also_where_a_symbol_came_late():
    curve = curve_of(a_curve((10, 0, 100), (20, 0, 110), (10, 1, 101), (20, 1, 111)), 100)
    assert curve.times.tolist() == [10, 20] and curve.equity.tolist() == [101, 111]
    assert curve.returns == pytest.approx([0.01, 10 / 101])


def test_what_came_after_the_last_close_counts_in_the_last_bar():
    result = a_curve((10, 0, 100), (20, 0, 110))
    result.world.account[0].cash = 99
    assert curve_of(result, 100).returns == pytest.approx([0.0, -0.01])


def test_nothing_is_earned_after_ruin():
    curve = curve_of(a_curve((10, 0, 50), (20, 0, -20), (30, 0, 40), (40, 0, 60)), 100)
    assert curve.returns.tolist() == [-0.5, -1.0, 0.0, 0.0]


def test_a_rival_is_read_on_the_runs_own_bars():
    rival = curve_of(a_curve((10, 0, 100), (20, 0, 110), (30, 0, 121)), 100)
    assert on_bars_of(rival, np.array([5, 20, 25, 40]), 100) == pytest.approx([0.0, 0.1, 0.0, 0.1])
    assert len(curve_of(a_curve(), 100).returns) == 0
    assert on_bars_of(curve_of(a_curve(), 100), np.array([5, 6]), 100).tolist() == [0.0, 0.0]


def test_the_curve_of_a_run_is_its_equity():
    recording = generated(3, 300)
    _, _, result = ran(recording, "sma_cross", OPEN)
    curve = curve_of(result, CAPITAL)
    assert len(curve.times) == 300 and curve.equity[-1] == final_of(result)
    assert CAPITAL * np.prod(1.0 + curve.returns) == pytest.approx(final_of(result), rel=1e-9)


# -- plans -----------------------------------------------------------------------------------------------------------------------


def test_every_cost_is_scaled_and_nothing_else():
    plan = plan_of(generated(1, 10), "5m", "sma_cross", OPEN)
    double = at_costs(plan, 2.0)
    for name in plan.settings.costs.__struct_fields__:
        assert getattr(double.settings.costs, name) == 2.0 * getattr(plan.settings.costs, name) > 0.0
    assert double.tuned(lambda settings: structs.replace(settings, costs=plan.settings.costs)) == plan
    assert structs.replace(double.settings, costs=plan.settings.costs) == plan.settings
    assert at_costs(plan, 1.0) == plan


def test_baselines_keep_their_parameters_whatever_the_run_uses():
    tuned = structs.replace(OPEN, arms=structs.replace(OPEN.arms, sma_cross=structs.replace(OPEN.arms.sma_cross, fast=3, slow=4)))
    plan = plan_of(generated(1, 10), "1h", "breakout", tuned)
    for arm in BASELINES:
        other = baseline_plan(plan, arm)
        assert other.arm == arm and (other.settings.arms.sma_cross.fast, other.settings.arms.sma_cross.slow) == (10, 50)
        assert other.settings.arms.momentum.length == 720, "thirty days of hours"
        assert structs.replace(other.settings, arms=tuned.arms) == tuned
    assert set(BASELINES) == {"buy_and_hold", "sma_cross", "momentum", "reversal"}


# -- what was held ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arm", "frame", "funded"), [("sma_cross", "5m", False), ("random_entries", "15m", True), ("buy_and_hold", "1h", True)])
def test_what_was_held_explains_what_was_earned(arm, frame, funded):
    """Exposure times the market's return less costs is the account's return, but for the gap from a close to the next open (up to 40 ticks)."""
    recording = generated(4, 1_800, funded=funded)
    plan, kept, result = ran(recording, arm, OPEN, frame)
    curve = curve_of(result, CAPITAL)
    holding = holding_of(plan, block_of(recording), kept, curve.times, curve.equity)
    assert holding.exposure.shape == holding.returns.shape == (2, len(curve.times))
    earned = float((holding.exposure * holding.returns).sum()) - holding.charge
    noise = 3.0 * 0.25 * 1e-4 * math.sqrt(max(len(kept.fills), 1))  # a gap is about half a basis point of a quarter of the equity
    assert earned == pytest.approx(float(curve.returns.sum()), abs=noise + 1e-4)
    assert (holding.charge > 0.0) == (len(kept.fills) > 0)


def test_a_bar_in_which_a_stop_struck_counts_as_held():
    recording = generated(6, 1_500, symbols=1)
    chosen = structs.replace(OPEN, exits=ExitSettings(stop_bps=60.0, target_bps=90.0))
    plan, kept, result = ran(recording, "random_entries", chosen)
    curve = curve_of(result, CAPITAL)
    holding = holding_of(plan, block_of(recording), kept, curve.times, curve.equity)
    struck = kept.trips[(kept.trips["reason"] == 4) | (kept.trips["reason"] == 5)]
    assert len(struck) > 30
    places = np.searchsorted(curve.times, struck["closed_ns"])
    assert np.all(holding.exposure[0, places] != 0.0)
    assert np.mean(np.sign(holding.exposure[0, places]) == struck["side"]) > 0.95  # a bar may also have been entered anew


def test_funding_is_in_the_markets_return_and_paid_by_longs():
    recording = generated(4, 400, symbols=1, funded=True)
    plan, kept, result = ran(recording, "buy_and_hold", OPEN)
    curve = curve_of(result, CAPITAL)
    paid = holding_of(plan, block_of(structs.replace(recording, funding=(None,))), kept, curve.times, curve.equity).returns[0]
    paid = paid - holding_of(plan, block_of(recording), kept, curve.times, curve.equity).returns[0]
    series = recording.funding[0]
    assert series is not None
    for at, rate in zip(series["at_ns"], series["rate"], strict=True):
        if at <= curve.times[-1]:
            assert paid[np.searchsorted(curve.times, at)] == pytest.approx(rate * 1e-8, abs=1e-15)
    assert np.count_nonzero(paid) <= len(series)


# -- evidence --------------------------------------------------------------------------------------------------------------------


@covers("K1")
def test_no_edge_is_found_in_a_random_walk():
    """Eight walks, three arms tried on each, and canaries green: nothing is supported."""
    for seed in range(8):
        recording = generated(seed, 6_000, symbols=1)
        tried: tuple[Trial, ...] = ()
        for arm in ("sma_cross", "random_entries", "reversal"):
            plan, kept, result = ran(recording, arm, OPEN)
            trial = trial_of(plan, result, identity=arm, now_ns=1)
            assert trial is not None
            tried = (*tried, trial)
            found = evidence_of(plan, block_of(recording), SimulationSettings(), result, kept, tried, canaries_green=True)
            report = weighed(report_of(plan, kept, final_of(result)), found)
            assert report.verdict is not None and report.verdict.word is not Word.SUPPORTED
            assert report.verdict.sentence.endswith("Recommended allocation: 0.")


def test_evidence_of_several_trials_has_every_part():
    recording = generated(2, 6_000)
    _, one = weigh_up(recording, "sma_cross", OPEN)
    _, two = weigh_up(recording, "ema_cross", OPEN)
    found, own = weigh_up(recording, "breakout", OPEN, others=(one, two))
    assert found.n_trials == 3 and 1.0 <= found.effective_trials <= 3.0
    assert found.bars == own.bars == 6_000 and found.n_eff > 0.0
    for value in (found.deflated_sharpe, found.superiority_p, found.random_entry_p, found.overfitting.value):
        assert 0.0 <= value <= 1.0
    assert found.hardest in ("flat", *BASELINES)
    assert found.costs.free > found.costs.own > found.costs.double
    assert own.annual_sharpe == pytest.approx(own.sharpe * math.sqrt(365.25 * 288))


def test_trials_over_other_bars_count_but_are_not_compared():
    recording = generated(2, 3_000)
    _, other = weigh_up(generated(2, 2_900), "sma_cross", OPEN)
    _, same = weigh_up(recording, "sma_cross", OPEN)
    found, _ = weigh_up(recording, "ema_cross", OPEN, others=(other,))
    assert found.n_trials == 2 and math.isnan(found.overfitting.value)
    found, _ = weigh_up(recording, "ema_cross", OPEN, others=(other, same))
    assert found.n_trials == 3 and not math.isnan(found.overfitting.value)


def test_more_trials_deflate_the_same_run():
    recording = generated(2, 3_000)
    alone, own = weigh_up(recording, "ema_cross", OPEN)
    crowd = tuple(structs.replace(own, identity=str(n), returns=b"", sharpe=0.01 * n) for n in range(9))
    found, _ = weigh_up(recording, "ema_cross", OPEN, others=crowd)
    assert found.n_trials == 10 and found.deflated_sharpe < alone.deflated_sharpe


def test_the_costs_curve_is_that_of_runs_at_those_costs():
    recording = generated(9, 2_000, symbols=1)
    found, _ = weigh_up(recording, "sma_cross", OPEN)
    block = block_of(recording)
    for times, value in ((0.0, found.costs.free), (1.0, found.costs.own), (2.0, found.costs.double)):
        result = run(at_costs(plan_of(recording, "5m", "sma_cross", OPEN), times), block, SimulationSettings(), MemorySink())
        assert value == (final_of(result) - CAPITAL) / CAPITAL


def test_a_run_without_a_closed_bar_has_no_evidence():
    recording = generated(5, 6, symbols=1)
    plan, kept, result = ran(recording, "sma_cross", EngineSettings(), "1h")
    assert trial_of(plan, result, identity="x", now_ns=1) is None
    assert evidence_of(plan, block_of(recording), SimulationSettings(), result, kept, ()) is None
    shown = as_json(plan, recording, weighed(report_of(plan, kept, CAPITAL), None), result.counts, {})
    assert shown["evidence"] is None and shown["costs_curve"] is None and shown["equal_turnover"] is None


def test_a_run_that_never_traded_proves_nothing():
    never = EngineSettings(sizing=SizingSettings(mode="notional", notional="0.01"))
    found, trial = weigh_up(generated(5, 4_000), "sma_cross", never)
    assert math.isnan(trial.sharpe) and math.isnan(found.deflated_sharpe) and math.isnan(found.least_bars)
    assert found.superiority_p == 1.0 and found.random_entry_p == 1.0 and found.n_eff == 0.0


def test_the_report_shows_the_evidence_as_plain_json_and_the_same_each_time():
    recording = recorded(("BTCUSDT",), count=6_000)
    shown = []
    for _ in range(2):
        plan, kept, result = ran(recording, "sma_cross", OPEN)
        trial = trial_of(plan, result, identity="x", now_ns=1)
        assert trial is not None
        found = evidence_of(plan, block_of(recording), SimulationSettings(), result, kept, (trial,))
        report = weighed(report_of(plan, kept, final_of(result)), found)
        shown.append(json.dumps(as_json(plan, recording, report, result.counts, {}), allow_nan=False))
    assert shown[0] == shown[1]
    told = json.loads(shown[0])
    assert set(told["costs_curve"]) == {"0x", "1x", "2x"} and told["costs_curve"]["1x"] == told["net_return"]
    assert {"own", "flipped", "mean", "low", "high", "p"} <= set(told["equal_turnover"])
    assert told["evidence"]["n_trials"] == 1 and told["evidence"]["overfitting"]["value"] is None
    assert any("canaries" in said for said in told["evidence"]["missing"])
    assert told["headline"] == "" or told["verdict_text"].startswith(told["headline"])


def test_a_gain_that_doubled_costs_take_away_heads_the_report():
    plan, kept, result = ran(generated(5, 300), "sma_cross", OPEN)
    report = report_of(plan, kept, final_of(result))
    lost = structs.replace(Evidence(), costs=structs.replace(Evidence().costs, free=0.3, own=0.1, double=-0.02))
    told = as_json(plan, generated(5, 300), weighed(report, lost), result.counts, {})
    assert told["headline"] == "At twice the costs the net return of +10.0% becomes -2.0%."
    assert told["verdict_text"].startswith(told["headline"])
