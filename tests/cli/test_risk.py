"""`msb risk` as a user asks for it: a recorded run at its end and in its middle, flat, without candles, and with garbage."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from metastackerbandit.cli.main import app
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.rows import BY_DAILY_LOSS, RESET, TRIP, ControlRow
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.evaluation.exceedances import exceedances
from metastackerbandit.risk.forecasts import foretold, moments_of
from metastackerbandit.risk.joint_returns import joint_returns
from metastackerbandit.risk.past import seen_of
from metastackerbandit.risk.settings import RiskSettings, TailSettings
from metastackerbandit.storage.candles import load_recording
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.standing import in_force
from tests.cli.asking import RUNNER, candles, msb
from tests.covering import covers
from tests.shared import shared_data
from tests.storage.runs import BTC, record

SPAN = ("--symbols", "BTCUSDT,ETHUSDT", "--frames", "1h", "--arm", "sma_cross", "--since", "2025-10-20", "--until", "2025-11-14")
SIZED = ("--set", "sizing.mode=fraction", "--set", "sizing.fraction=1.8", "--set", "exits.stop_bps=800")


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which two recorded symbols were traded for weeks, with stops."""
    home = tmp_path_factory.mktemp("home")
    code, told, errors = msb("run", "--replay", "--data", candles(), *SPAN, *SIZED, home=home)
    assert code == 0, errors or told
    return home


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which one coin was traded on spot, where a sale leaves nothing; 60 days count as its past."""
    home = tmp_path_factory.mktemp("spot")
    spot = str(shared_data() / "klines" / "binance_spot_5m")
    code, told, errors = msb("run", "--replay", "--data", spot, "--symbols", "BTCUSDT", *SPAN[2:], "--set", "tail.history_days=60", home=home)
    assert code == 0, errors or told
    return home


@covers("2.129")
def test_the_end_of_a_run_has_its_positions_caps_and_figures(traded: Path) -> None:
    code, told, _ = msb("risk", home=traded)
    assert code == 0 and told["run"] == 1 and told["currency"] == "USDT"
    _, status, _ = msb("status", home=traded)
    held = {(one["symbol"], one["side"], one["quantity"]) for one in told["positions"]}
    assert held == {(one["symbol"], one["side"], one["quantity"]) for one in status["positions"]} and held
    exposure = told["exposure"]
    assert exposure["gross"] == pytest.approx(sum(abs(one["notional"]) for one in told["positions"]))
    assert exposure["net"] == pytest.approx(exposure["long"] - exposure["short"])
    assert exposure["by_symbol"] == pytest.approx(told["tail"]["exposures"])
    caps = {one["name"]: one for one in told["caps"]}
    assert caps["gross_exposure"]["used"] == pytest.approx(exposure["gross"] / told["equity"])
    assert caps["gross_exposure"]["limit"] == RiskSettings().max_gross_exposure
    stops = sum(one["to_stop"] for one in told["positions"])
    assert 0.0 < stops <= 0.1 * exposure["gross"] and caps["heat"]["used"] == pytest.approx(stops / told["equity"])
    assert caps["correlated_heat"]["used"] <= caps["heat"]["used"]
    figures = {(one["method"], one["horizon_ns"], one["level"]): one for one in told["tail"]["figures"]}
    assert len(figures) == 20
    day = figures["filtered", DAY_NS, 0.99]
    assert day["value_at_risk_low"] < day["value_at_risk"] < day["value_at_risk_high"] < day["shortfall_high"]
    assert day["value_at_risk"] > figures["filtered", HOUR_NS, 0.99]["value_at_risk"] > 0.0
    assert told["tail"]["of"] == "the positions" and told["tail"]["history"]["joint_returns"] > 7_000


@covers("2.129")
def test_a_tail_beyond_the_daily_loss_breaker_and_a_cap_near_its_limit_alarm(traded: Path) -> None:
    _, told, _ = msb("risk", home=traded)
    day = max(
        one["value_at_risk"]
        for one in told["tail"]["figures"]
        if one["method"] in ("filtered", "stress") and one["horizon_ns"] == DAY_NS and one["level"] == 0.99
    )
    assert day > 0.03 * told["tail"]["equity"]
    near = [one for one in told["caps"] if one["share"] >= TailSettings().near]
    assert near and all(any(line.startswith(one["name"]) for line in told["alarms"]) for one in near)
    assert any(line.startswith("one day in 100 loses") and "daily-loss breaker is at 3%" in line for line in told["alarms"])
    text = RUNNER.invoke(app, ["risk", "1", "--home", str(traded)])
    assert text.exit_code == 0 and "alarm: one day in 100 loses" in text.stdout and "filtered history, 24h 99%" in text.stdout
    assert "symbol exposure" in text.stdout and "nan" not in text.stdout


@covers("2.129")
def test_a_time_in_the_middle_knows_nothing_of_later(traded: Path) -> None:
    code, told, _ = msb("risk", "--at", "2025-11-01T12:30", home=traded)
    assert code == 0 and told["at"] == "2025-11-01T12:30:00Z"
    assert told["tail"]["history"]["until"] <= told["tail"]["at"] <= told["at"]
    assert all(one["marked"] <= told["at"] for one in told["positions"])
    journal = Journal.open(traded, create=False)
    view = journal.run("last")
    fills, rows = view.fills(), view.decisions().rows
    at_ns = told["at_ns"]
    for book, symbol in enumerate(view.row.symbols):
        lots = int(fills["lots"][(fills["instrument"] == book) & (fills["at_ns"] <= at_ns)].sum())
        found = [one for one in told["positions"] if one["symbol"] == symbol]
        assert [one["quantity"] for one in found] == ([view.row.instruments[book].quantity_text(abs(lots))] if lots else [])
    known = rows[rows["at_ns"] <= at_ns]
    assert told["equity"] == pytest.approx(int(known["equity"][-1]) / 1e8)
    journal.close()


@covers("2.129")
def test_the_path_sets_each_day_against_what_was_foretold(traded: Path) -> None:
    code, told, _ = msb("risk", "--path", home=traded)
    assert code == 0 and told["path"]["refused"] == ""
    days = told["path"]["days"]
    assert 15 <= len(days) <= 25 and all(day["gross"] > 0.0 for day in days)
    held = next(one for one in told["path"]["held"] if (one["method"], one["level"]) == ("filtered", 0.95))
    foretold_ = [day["value_at_risk"]["filtered 0.95"] for day in days]
    assert held["hits"] == sum(day["held"] > value for day, value in zip(days, foretold_, strict=True))
    assert held["expected"] == pytest.approx(0.05 * len(days))
    text = RUNNER.invoke(app, ["risk", "--path", "--home", str(traded)])
    assert "as they were traded, costs included" in text.stdout and "nan" not in text.stdout


@covers("2.129")
def test_the_backtest_judges_every_hour_and_day_before(sold: Path) -> None:
    code, told, _ = msb("risk", "--backtest", home=sold)
    assert code == 0 and told["backtest"]["refused"] == ""
    hours, day = told["backtest"]["horizons"]
    assert (hours["horizon"], day["horizon"]) == ("1h", "24h")
    judged = {(one["method"], one["level"]): one for one in hours["judged"]}
    assert judged["filtered", 0.95]["forecasts"] > 6_000 and 0.03 < judged["filtered", 0.95]["rate"] < 0.07
    assert judged["normal", 0.99]["coverage"] < 0.001 < judged["filtered", 0.99]["coverage"]
    assert judged["normal", 0.99]["most_evidence"] > 1_000
    refused = next(one for one in day["judged"] if (one["method"], one["level"]) == ("historical", 0.99))
    assert refused["forecasts"] == 0 and refused["rate"] is None  # 60 days tell nothing beyond 99 % of days


def test_without_its_candles_a_run_still_tells_what_it_holds(traded: Path, tmp_path: Path) -> None:
    code, told, _ = msb("risk", "--data", str(tmp_path / "nowhere"), "--path", "--backtest", home=traded)
    assert code == 0 and told["positions"] and not told["tail"]["figures"]
    assert told["tail"]["refused"].startswith("no figure without returns") and told["path"]["refused"] and told["backtest"]["refused"]
    caps = {one["name"]: one["used"] for one in told["caps"]}
    assert 0.0 < caps["correlated_heat"] <= caps["heat"] + 1e-12  # what is not known of correlations is taken for a crash's
    assert "value at risk: no figure" in RUNNER.invoke(app, ["risk", "--data", str(tmp_path / "nowhere"), "--home", str(traded)]).stdout
    other = str(shared_data() / "klines" / "binance_spot_5m")
    _, told, _ = msb("risk", "--data", other, home=traded)
    assert "are not those that the run traded" in told["tail"]["refused"]


@covers("2.129")
def test_a_flat_account_says_so_and_tells_of_the_largest_past_exposure(traded: Path, sold: Path) -> None:
    journal = Journal.open(traded, create=False)
    first = int(journal.run("last").fills()["at_ns"][0])
    journal.close()
    before = str(np.datetime64(first - 1, "ns"))[:19]
    _, told, _ = msb("risk", "--at", before, home=traded)
    assert told["is_flat"] and told["tail"]["refused"] == "nothing is held, and nothing ever was"
    journal = Journal.open(sold, create=False)
    fills = journal.run("last").fills()
    journal.close()
    flat = fills[np.cumsum(fills["lots"]) == 0]
    assert len(flat)
    _, told, _ = msb("risk", "--at", str(np.datetime64(int(flat["at_ns"][0]) + 1, "ns"))[:23], home=sold)
    assert told["is_flat"] and not told["positions"] and told["tail"]["of"] == "the largest past exposure"
    assert all(use["used"] == 0.0 for use in told["caps"]) and told["tail"]["at"] <= told["at"]
    assert any(one["value_at_risk"] for one in told["tail"]["figures"])
    assert not any("loses" in line for line in told["alarms"])


@covers("2.129")
def test_breakers_are_told_as_they_stood_at_the_time(tmp_path: Path) -> None:
    controls = np.zeros(2, layout(ControlRow))
    controls["at_ns"], controls["kind"], controls["cause"] = (100, 200), (TRIP, RESET), BY_DAILY_LOSS
    controls["observed"], controls["limit"] = 0.031, 0.03
    controls["instrument"] = -1
    journal = Journal.open(tmp_path)
    writer = journal.begin(record(instruments=(BTC,)), 1)
    writer.controls(controls)
    writer.finish("finished", {}, 2)
    view = journal.run("last")
    found = {at_ns: in_force(view, at_ns) for at_ns in (99, 100, 150, 200)}
    journal.close()
    assert not found[99] and not found[200]
    assert all("daily loss breaker is tripped" in found[at_ns][0] for at_ns in (100, 150))


def test_garbage_is_refused_in_words(traded: Path, tmp_path: Path) -> None:
    assert msb("risk", home=tmp_path / "empty")[0] == 6
    assert msb("risk", "77", home=traded)[0] == 6
    code, told, _ = msb("risk", "--at", "soon", home=traded)
    assert code == 2 and "not a time" in told["error"]["what"]
    code, told, _ = msb("risk", "--at", "2031-01-01", home=traded)
    assert code == 2 and "decided last at 2025-11-14" in told["error"]["what"]
    code, told, _ = msb("risk", "--at", "2024-01-01", home=traded)
    assert code == 6 and "decided nothing by then" in told["error"]["what"]
    journal = Journal.open(tmp_path)
    journal.begin(record(instruments=(BTC,)), 1).finish("finished", {}, 2)
    journal.close()
    code, told, _ = msb("risk", home=tmp_path)
    assert code == 6 and "has decided nothing" in told["error"]["what"]


@covers("2.129")
@pytest.mark.parametrize("side", (1.0, -1.0))
def test_the_default_keeps_its_promise_on_two_years_of_recorded_days(side: float) -> None:
    recording = load_recording(shared_data() / "klines" / "binance_usdm_1h", ("BTCUSDT",), market="perp", instruments_file=None)
    joint = joint_returns([bars["closed_ns"] for bars in recording.bars], [bars["close"] for bars in recording.bars], HOUR_NS)
    seen = seen_of(joint.last(2 * 8_760), TailSettings())
    at = moments_of(seen, 24, 24)[270:]
    told = foretold(seen, np.array([side]), at, 24, (0.95, 0.99), TailSettings(), RiskSettings(), ("filtered",))
    for one in told:
        assert np.isfinite(one.value_at_risk).all() and (one.shortfall > one.value_at_risk).all()
        found = exceedances(one.loss > one.value_at_risk, 1.0 - one.level)
        assert found.forecasts > 400 and found.coverage > 0.01 and not math.isnan(found.rate), found
