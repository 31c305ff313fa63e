"""The report: curves by tiny examples, no trades means no ratios, and a fee costs exactly what it says."""

from __future__ import annotations

import json

import numpy as np

from metastackerbandit.backtest.report import as_json, baselines, last_states, report_of
from metastackerbandit.backtest.run import Result, block_of
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import CANCELLED, FILLED, ON_TARGET, SENT, DecisionRow, FillRow, OrderRow
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.engine.plan import Plan, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.account import equity_of, exposure_of, traded_of
from metastackerbandit.evaluation.verdict import Word
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.simulation.settings import SimulationSettings
from tests.covering import covers
from tests.markets import ARMS_ON_BARS, by_block, generated, instrument, recorded

UNIT = instrument().rules().unit
NEVER = EngineSettings(sizing=SizingSettings(mode="notional", notional="0.01"))  # below every minimum
FIXED = SizingSettings(mode="quantity", quantity="0.01")
OPEN = RiskSettings(max_symbol_exposure=20.0, max_gross_exposure=20.0, max_daily_loss=1.0, max_drawdown=1.0)


def decisions(*values: tuple[int, int, int, int, int]) -> np.ndarray:
    """Rows of (closed_ns, instrument, position, close, equity), decided when their bar closed."""
    made = rows(DecisionRow, len(values))
    for n, value in enumerate(values):
        made["at_ns"][n] = value[0]
        for name, item in zip(("closed_ns", "instrument", "position", "close", "equity"), value, strict=True):
            made[name][n] = item
    return made


def fills(*values: tuple[int, int, int, int]) -> np.ndarray:
    """Rows of (at_ns, instrument, lots, ticks)."""
    made = rows(FillRow, len(values))
    for n, value in enumerate(values):
        for name, item in zip(("at_ns", "instrument", "lots", "ticks"), value, strict=True):
            made[name][n] = item
    return made


def two() -> Plan:
    """A plan of two symbols."""
    return plan_of(generated(1, 10), "5m", "sma_cross", EngineSettings())


def final_of(result: Result) -> int:
    """Equity in money when the run ended."""
    account = result.world.account[0]
    return int(account.cash + account.marked)


# -- tiny examples ---------------------------------------------------------------------------------------------------------------


def test_the_last_decision_of_an_instant_stands_for_it() -> None:
    times, equity = equity_of(decisions((10, 0, 0, 1, 100), (10, 1, 0, 1, 101), (20, 0, 0, 1, 102), (30, 0, 0, 1, 103), (30, 1, 0, 1, 99)))
    assert times.tolist() == [10, 20, 30]
    assert equity.tolist() == [101, 102, 99]


def test_decisions_that_come_late_belong_to_the_bar_that_they_are_on() -> None:
    seen = decisions((10, 0, 1, 1, 100), (20, 0, 1, 1, 102), (10, 1, 0, 1, 101), (20, 1, 0, 1, 103))
    seen["at_ns"] = [10, 20, 25, 26]
    times, equity = equity_of(seen)
    assert times.tolist() == [10, 20] and equity.tolist() == [101, 103]


def test_a_curve_of_one_point() -> None:
    times, equity = equity_of(decisions((10, 0, 0, 1, 100)))
    assert (times.tolist(), equity.tolist()) == ([10], [100])


def test_exposure_adds_symbols_with_their_signs_and_carries_the_last_position() -> None:
    money = 1_000 * UNIT
    seen = decisions((10, 0, 2, 50, money), (20, 0, 2, 60, money), (20, 1, -3, 100, money), (30, 0, 0, 70, money))
    times, equity = equity_of(seen)
    assert exposure_of(two().instruments, seen, times, equity).tolist() == [0.1, (120 - 300) / 1_000, -0.3]


def test_traded_notional_counts_both_sides_in_the_bar_after_its_open() -> None:
    """A fill at the open that is also a bar's close belongs to the bar that opens; what comes after the last bar counts in it."""
    money = np.full(3, 1_000 * UNIT)
    traded = traded_of(two().instruments, fills((10, 0, 2, 50), (15, 0, -2, 50), (20, 1, -3, 100), (30, 0, 1, 10)), np.array([10, 20, 30]), money)
    assert traded.tolist() == [0.0, 0.2, 0.31]


def test_without_fills_nothing_was_traded() -> None:
    assert traded_of(two().instruments, MemorySink().kept().fills, np.array([10, 20]), np.array([5, 5])).tolist() == [0.0, 0.0]


def test_the_last_state_of_each_order_in_order_of_number() -> None:
    made = rows(OrderRow, 5)
    made["order"] = [3, 1, 3, 1, 7]
    made["state"] = [SENT, SENT, CANCELLED, FILLED, SENT]
    last = last_states(made)
    assert last["order"].tolist() == [1, 3, 7]
    assert last["state"].tolist() == [FILLED, CANCELLED, SENT]
    assert len(last_states(made[:0])) == 0


# -- no trades -------------------------------------------------------------------------------------------------------------------


@covers("A01")
def test_a_run_without_trades_has_no_ratios_and_is_underpowered() -> None:
    recording = generated(5, 200)
    plan = plan_of(recording, "5m", "sma_cross", NEVER)
    kept, result = by_block(recording, "5m", "sma_cross", NEVER)
    assert len(kept.fills) == 0 and len(kept.decisions) == 400
    report = report_of(plan, kept, final_of(result))
    assert report.equity == 10_000.0
    assert report.costs == {"fees": 0.0, "slippage": 0.0, "impact": 0.0, "funding": 0.0}
    assert report.verdict is not None and report.verdict.word is Word.UNDERPOWERED
    shown = json.loads(json.dumps(as_json(plan, recording, report, result.counts, {}), allow_nan=False))
    none = {"value": None, "low": None, "high": None}
    assert shown["win_rate"] is None
    assert shown["sharpe"] == none
    assert all(shown["scores"][name] == none for name in ("sharpe", "sortino", "hit_rate", "payoff", "profit_factor"))
    assert shown["net_return"] == 0.0 and shown["max_drawdown"] == 0.0
    assert shown["verdict"] == "UNDERPOWERED"


def test_a_run_without_a_closed_bar_is_reported_as_such() -> None:
    recording = generated(5, 6, symbols=1)
    plan = plan_of(recording, "1h", "sma_cross", EngineSettings())
    kept, result = by_block(recording, "1h", "sma_cross", EngineSettings())
    assert len(kept.decisions) == 0
    report = report_of(plan, kept, final_of(result))
    assert (report.scores, report.verdict, report.equity) == (None, None, 10_000.0)
    shown = json.loads(json.dumps(as_json(plan, recording, report, result.counts, {}), allow_nan=False))
    assert shown["verdict"] == "UNDERPOWERED" and shown["net_return"] is None


# -- costs ------------------------------------------------------------------------------------------------------------------------


def run_at(taker_fee_bps: float) -> tuple[Kept, int, Plan]:
    """A fixed quantity under a fee: rows and final equity in money."""
    recording = recorded(("BTCUSDT",), count=1_500)
    chosen = EngineSettings(
        sizing=FIXED, risk=OPEN, exits=ExitSettings(stop_bps=100.0, target_bps=150.0), costs=CostSettings(taker_fee_bps=taker_fee_bps)
    )
    kept, result = by_block(recording, "15m", "random_entries", chosen)
    return kept, final_of(result), plan_of(recording, "15m", "random_entries", chosen)


@covers("A42")
def test_doubling_the_taker_fee_lowers_the_net_by_exactly_the_fees() -> None:
    (one, one_equity, plan), (two_, two_equity, double), (none, free_equity, _) = run_at(5.0), run_at(10.0), run_at(0.0)
    assert len(one.fills) > 20
    for name in FillRow.__struct_fields__:
        if name != "fee":
            assert np.array_equal(one.fills[name], two_.fills[name]) and np.array_equal(one.fills[name], none.fills[name]), name
    paid, doubled, least = (int(kept.fills["fee"].sum()) for kept in (one, two_, none))
    assert one_equity - two_equity == doubled - paid
    assert free_equity - one_equity == paid - least
    takers = one.fills["reason"] != ON_TARGET
    apart = 2 * one.fills["fee"][takers] - two_.fills["fee"][takers]
    assert np.all((apart == 0) | (apart == 1))  # each fee is rounded up once
    assert np.array_equal(one.fills["fee"][~takers], two_.fills["fee"][~takers])
    assert report_of(plan, one, one_equity).equity > report_of(double, two_, two_equity).equity


def test_reported_costs_are_the_sums_of_the_rows() -> None:
    kept, equity, plan = run_at(5.0)
    report = report_of(plan, kept, equity)
    assert report.costs["fees"] == int(kept.fills["fee"].sum()) / 1e8
    assert report.costs["slippage"] == int(kept.fills["slippage"].sum()) / 1e8
    assert report.costs["impact"] == int(kept.fills["impact"].sum()) / 1e8
    assert report.costs["funding"] == int(kept.ledger["funding"].sum()) / 1e8
    assert report.equity == equity / 1e8
    off = np.abs(kept.fills["ticks"] - kept.fills["reference"]) * np.abs(kept.fills["lots"]) * plan.instruments[0].rules().unit
    assert np.array_equal(off, kept.fills["slippage"] + kept.fills["impact"])


def test_a_report_names_its_trades_both_ways() -> None:
    kept, equity, plan = run_at(5.0)
    scored = report_of(plan, kept, equity).scores
    assert scored is not None
    assert scored.n_trips == len(kept.trips) == scored.long_trips + scored.short_trips
    assert scored.hit_rate.value == np.mean(kept.trips["net"] > 0)


def test_baselines_are_all_the_other_arms_and_doing_nothing() -> None:
    recording = generated(5, 120, symbols=1)
    plan = plan_of(recording, "5m", "momentum", EngineSettings(sizing=FIXED))
    found = baselines(plan, block_of(recording), SimulationSettings())
    assert set(found) == {"flat", *ARMS_ON_BARS} - {"momentum"}
    assert found["flat"] == 0.0
    _, result = by_block(recording, "5m", "buy_and_hold", plan.settings)
    assert found["buy_and_hold"] == (final_of(result) - 10**12) / 10**12


def test_what_comes_after_the_last_decision_counts_at_the_end() -> None:
    kept, equity, plan = run_at(5.0)
    report = report_of(plan, kept, equity - 5 * 10**8)
    assert report.equity == (equity - 5 * 10**8) / 1e8
    assert report.scores is not None
    assert abs(report.scores.total_return.value - ((equity - 5 * 10**8) / 10**12 - 1)) < 1e-9
