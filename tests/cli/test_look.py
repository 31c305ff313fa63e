"""`msb status`, `explain` and `funnel` answer from the journal, in words and in JSON, with their exit codes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from metastackerbandit.cli import explain, funnel, look
from metastackerbandit.cli.answer import Verbs
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import (
    BY_DAILY_LOSS,
    BY_OPERATOR,
    ENTER,
    HOLD,
    KILL,
    PAUSE,
    RESET,
    RESUME,
    TRIP,
    ControlRow,
    DecisionRow,
    FillRow,
    LedgerRow,
)
from metastackerbandit.storage.journal import Journal, RunWriter
from metastackerbandit.storage.lookup import time_of
from metastackerbandit.storage.run_record import GateWords
from metastackerbandit.storage.standing import standing
from tests.covering import covers
from tests.storage.runs import BTC, GATES, record

FIRST_NS = 1_709_296_500 * 10**9  # 2024-03-01 12:35:00 UTC
BAR_NS = 300 * 10**9

app = typer.Typer(cls=Verbs)
app.command("status")(look.status)
app.command("explain")(explain.explain)
app.command("funnel")(funnel.funnel)


def asked(*words: str) -> tuple[int, Any]:
    """Exit code and JSON answer of one command line."""
    answer = CliRunner().invoke(app, [*words, "--json"])
    return answer.exit_code, json.loads(answer.stdout)


def a_run(home: Path, now_ns: int = 1, **changed: Any) -> RunWriter:
    """Four decisions, of BTC and ETH in turn; the second entered, the fourth was blocked by flat_gap."""
    writer = Journal.open(home).begin(record(**changed), now_ns)
    decisions = rows(DecisionRow, 4)
    decisions["decision"] = [1, 2, 3, 4]
    decisions["instrument"] = [0, 1, 0, 1]
    decisions["closed_ns"] = decisions["at_ns"] = FIRST_NS + np.array([0, 0, BAR_NS, 86_400 * 10**9])
    decisions["frame_ns"] = BAR_NS
    decisions["close"] = 612_345
    decisions["binding"] = decisions["sole"] = -1
    decisions["kind"] = [HOLD, ENTER, HOLD, HOLD]
    for place, sent in ((1, 50), (3, 0)):
        decisions["side"][place] = decisions["signal"][place] = decisions["asks_risk"][place] = 1
        decisions["alpha"][place] = 1.0
        decisions["sent"][place] = sent
    decisions["binding"][3] = decisions["sole"][3] = 2
    decisions["blocked"][3] = 1
    verdict = np.ones((4, 3), np.int8)
    verdict[3, 2] = 2
    writer.decisions(decisions, np.ones((4, 3)), np.full((4, 3), 0.5), verdict)
    writer.flush()
    return writer


@covers("3.08")
def test_explain_shows_the_last_decision_and_its_only_blocker(tmp_path: Path) -> None:
    a_run(tmp_path).finish("finished", {}, 2)
    code, told = asked("explain", "--home", str(tmp_path))
    assert code == 0
    assert (told["decision"], told["symbol"], told["frame"], told["kind"], told["side"], told["run"]) == (4, "ETHUSDT", "5m", "HOLD", "BUY", 1)
    assert (told["binding"], told["sole_blocker"]) == ("flat_gap", "flat_gap")
    assert told["trace"][2]["margin"] == 0.5 and told["models"] == []
    words = CliRunner().invoke(app, ["explain", "last", "--home", str(tmp_path)])
    assert "=> HOLD: BUY wanted, blocked by flat_gap (the only gate that did)" in words.stdout
    assert "notice: instrument rules were inferred" in words.stdout


@pytest.mark.parametrize(
    ("which", "decision"),
    [
        ("last", 4),
        ("last-trade", 2),
        ("last-blocked", 4),
        ("3", 3),
        ("BTCUSDT@2024-03-01T12:35:00Z", 1),
        ("btcusdt@2024-03-01 13:00", 3),
        ("ETHUSDT@2024-03-02", 2),
    ],
)
def test_a_decision_is_found_by_word_number_or_time(tmp_path: Path, which: str, decision: int) -> None:
    a_run(tmp_path)  # still running: its decisions are in the tail
    assert asked("explain", which, "--home", str(tmp_path))[1]["decision"] == decision


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["explain", "99"], 6, "NotFound"),
        (["explain", "DOGEUSDT@2024-03-01"], 6, "NotFound"),
        (["explain", "BTCUSDT@2020-01-01"], 6, "NotFound"),
        (["explain", "BTCUSDT@noon"], 2, "UsageError"),
        (["explain", "yesterday"], 2, "UsageError"),
        (["explain", "last", "--run", "7"], 6, "NotFound"),
        (["explain", "BTCUSDT/1h@2024-03-01"], 6, "NotFound"),
        (["explain", "BTCUSDT/7m@2024-03-01"], 4, "ConfigRefused"),
        (["explain", "last-blocked", "--side", "SELL"], 6, "NotFound"),
        (["explain", "--nearest", "--side", "SELL"], 6, "NotFound"),
        (["explain", "--nearest", "--side", "up"], 2, "UsageError"),
        (["explain", "--nearest", "--frame", "1h"], 6, "NotFound"),
        (["explain", "yesterday", "--nearest"], 2, "UsageError"),
        (["explain", "99", "--nearest"], 6, "NotFound"),
        (["explain", "last-trade", "--nearest"], 6, "NotFound"),
        (["explain", "BTCUSDT@2024-03-02", "--nearest", "--symbol", "ETHUSDT"], 6, "NotFound"),
        (["funnel", "--run", "zz"], 6, "NotFound"),
        (["funnel", "--by", "gate,moon"], 2, "UsageError"),
        (["funnel", "--picture", "falls.png"], 2, "UsageError"),
    ],
)
def test_what_is_not_there_is_said_with_a_mend(tmp_path: Path, words: list[str], code: int, kind: str) -> None:
    a_run(tmp_path).finish("finished", {}, 2)
    found, told = asked(*words, "--home", str(tmp_path))
    assert (found, told["error"]["type"]) == (code, kind) and told["error"]["mend"]


@pytest.mark.parametrize("verb", ["explain", "funnel"])
def test_nothing_is_found_or_made_where_nothing_ran(tmp_path: Path, verb: str) -> None:
    code, told = asked(verb, "--home", str(tmp_path / "none"))
    assert (code, told["error"]["type"]) == (6, "NotFound") and not (tmp_path / "none").exists()


def test_the_funnel_counts_the_last_days_of_the_run(tmp_path: Path) -> None:
    a_run(tmp_path).finish("finished", {}, 2)
    code, told = asked("funnel", "--home", str(tmp_path))
    assert code == 0 and told["BUY"] == {"opinion": 2, "decision": 2, "intent": 1, "order": 0, "fill": 0}
    assert told["blocked_by"]["flat_gap"] == {"BUY": 1, "SELL": 0, "sole": {"BUY": 1, "SELL": 0}, "unknown": 0}
    assert "no SELL opinion at all" in told["findings"]
    assert asked("funnel", "--days", "0.5", "--home", str(tmp_path))[1]["decisions"] == 1
    assert "flat_gap blocked BUY 1" in CliRunner().invoke(app, ["funnel", "--home", str(tmp_path)]).stdout


@covers("A36", "3.08")
def test_the_nearest_miss_is_listed_with_its_scale_and_explained(tmp_path: Path) -> None:
    a_run(tmp_path).finish("finished", {}, 2)
    code, told = asked("explain", "--nearest", "--home", str(tmp_path))
    assert (code, told["run"], told["wishes"], told["stopped"], told["no_threshold"]) == (0, 1, 2, 1, 0)
    assert (told["misses"][0]["decision"], told["misses"][0]["lacked"][0]["code"]) == (4, "FLAT_GAP_BELOW_LIMIT")
    assert told["nearest"]["decision"] == 4 and told["nearest"]["change"]["by"] == "inputs"
    words = CliRunner().invoke(app, ["explain", "--nearest", "--symbol", "ethusdt", "--side", "buy", "--days", "1", "--home", str(tmp_path)]).stdout
    assert "run 1: 1 of 1 wishes for new risk were stopped; those that lacked least:" in words and "=> HOLD: BUY wanted" in words


@pytest.mark.parametrize(
    ("words", "found", "until"),
    [
        (["last"], [3, 2, 1], None),
        (["last-blocked"], [3, 2, 1], 3),
        (["last-trade"], [3, 2, 1], 4),
        (["2"], [2, 1], 2),
        (["ETHUSDT@2024-03-02"], [2], 4),
        (["BTCUSDT/5m@2024-03-01T12:35"], [1], 1),
        (["last", "--side", "buy"], [3, 2, 1], None),
        (["4", "--symbol", "BTCUSDT"], None, None),
        (["last-blocked", "--symbol", "ETHUSDT"], [2], 2),
    ],
)
@covers("A36", "3.08")
def test_the_nearest_miss_is_looked_for_up_to_the_decision_that_is_named(
    tmp_path: Path, words: list[str], found: list[int] | None, until: int | None
) -> None:
    """Three wishes blocked by one gate, each nearer to its limit than the one before, and then a trade of ETH."""
    writer = Journal.open(tmp_path).begin(record(), 1)
    decisions = rows(DecisionRow, 4)
    decisions["decision"] = [1, 2, 3, 4]
    decisions["instrument"] = [0, 1, 0, 1]
    decisions["closed_ns"] = decisions["at_ns"] = FIRST_NS + BAR_NS * np.array([0, 0, 1, 1])
    decisions["frame_ns"], decisions["side"], decisions["asks_risk"] = BAR_NS, 1, 1
    decisions["kind"], decisions["sent"] = [HOLD, HOLD, HOLD, ENTER], [0, 0, 0, 50]
    decisions["binding"] = decisions["sole"] = [2, 2, 2, -1]
    observed, verdict = np.ones((4, 3)), np.ones((4, 3), np.int8)
    observed[:, 2], verdict[:3, 2] = [0.1, 0.2, 0.3, 0.6], 2
    writer.decisions(decisions, observed, np.full((4, 3), 0.5), verdict)
    writer.finish("finished", {}, 2)
    code, told = asked("explain", *words, "--nearest", "--home", str(tmp_path))
    if found is None:
        assert (code, told["error"]["type"]) == (6, "NotFound") and told["error"]["mend"]
        return
    assert (code, [miss["decision"] for miss in told["misses"]], told["until"]) == (0, found, until)
    assert told["nearest"]["decision"] == found[0] and told["run"] == 1
    text = CliRunner().invoke(app, ["explain", *words, "--nearest", "--home", str(tmp_path)]).stdout
    assert (f"up to decision {until}" in text) == (until is not None)


@covers("A36")
def test_an_explanation_carries_codes_and_the_settings_that_hold_limits(tmp_path: Path) -> None:
    gates = (*GATES[:2], GateWords("flat_gap", "bars", "at least", "bars since the position was flat", "execution.cooldown_bars", lead=1.0))
    for home, bars, setting, needed, source in (("own", 2, "execution.cooldown_bars", 1.0, "configuration"), ("less", 1, None, None, "derived")):
        writer = Journal.open(tmp_path / home).begin(record(gates=gates, config=f"[execution]\ncooldown_bars = {bars}\n"), 1)
        decision = rows(DecisionRow, 1)
        decision["decision"] = decision["side"] = decision["asks_risk"] = decision["blocked"] = 1
        decision["frame_ns"], decision["binding"], decision["sole"] = BAR_NS, 2, 2
        writer.decisions(decision, np.array([[1.0, 1.0, 2.0]]), np.array([[0.5, 0.5, 3.0]]), np.array([[1, 1, 2]], np.int8))
        writer.finish("finished", {}, 2)
        told = asked("explain", "last-blocked", "--home", str(tmp_path / home))[1]
        line = told["trace"][2]
        assert (told["code"], told["binding_code"], line["setting"]) == ("HOLD_BLOCKED", "FLAT_GAP_BELOW_LIMIT", "execution.cooldown_bars")
        assert line["source"] == source
        (need,) = told["change"]["needs"]
        assert (told["change"]["by"], need["setting_needed"]) == ("settings" if setting else "inputs", needed)
        assert need["limit_needed"] == 2.0 and need["input_needed"] == 3.0
        assert need["note"] == ("" if setting else "execution.cooldown_bars: the setting says 1, and what decides is stricter: 2")


def test_a_symbol_on_two_frames_is_asked_for_by_frame(tmp_path: Path) -> None:
    a_run(tmp_path, instruments=(BTC, BTC), frames=(BAR_NS, 12 * BAR_NS)).finish("finished", {}, 2)
    asked_for = {
        which: asked("explain", which, "--home", str(tmp_path))[1]["decision"]
        for which in ("BTCUSDT/5m@2024-03-01T12:35", "BTCUSDT/1h@2024-03-01T12:35")
    }
    assert asked_for == {"BTCUSDT/5m@2024-03-01T12:35": 1, "BTCUSDT/1h@2024-03-01T12:35": 2}
    assert asked("explain", "last", "--frame", "5m", "--home", str(tmp_path))[1]["decision"] == 3
    assert asked("funnel", "--frame", "1h", "--home", str(tmp_path))[1]["decisions"] == 2
    assert "BTCUSDT/5m, BTCUSDT/1h" in asked("explain", "BTCUSDT/4h@2024-03-01", "--home", str(tmp_path))[1]["error"]["mend"]


@covers("3.08")
def test_the_funnel_is_taken_apart_and_drawn(tmp_path: Path) -> None:
    a_run(tmp_path).finish("finished", {}, 2)
    picture = tmp_path / "falls.svg"
    code, told = asked("funnel", "--by", "gate,side,symbol", "--picture", str(picture), "--home", str(tmp_path))
    assert code == 0 and told["by"] == ["gate", "side", "symbol"] and told["picture"] == str(picture)
    (blocked,) = [group for group in told["groups"] if group["answers"]["blocked"]]
    assert blocked["of"] == {"gate": "flat_gap", "side": "BUY", "symbol": "ETHUSDT"} and blocked["answers"]["pass_rate"] == 0.5
    assert told["symmetry"][0]["p"] is None, "nothing was sold"
    assert told["waterfall"]["BUY"] == 2 and told["waterfall"]["steps"][2]["BUY"] == {"left": 1, "fell": 1, "unknown": 0, "sole": 1}
    drawn = picture.read_text()
    assert drawn.startswith("<svg") and "backtest run 1" in drawn and "2024-03-01 12:35 to 2024-03-02 12:35 UTC · BTCUSDT, ETHUSDT · 5m" in drawn
    words = CliRunner().invoke(app, ["funnel", "--by", "symbol", "--home", str(tmp_path)]).stdout
    assert "  ETHUSDT        2         2       1      0     0" in words


def test_predictions_are_the_first_stage_where_models_spoke(tmp_path: Path) -> None:
    writer = a_run(tmp_path, models=("m",))
    said = rows(Prediction, 4)
    said["frame_ns"] = [BAR_NS, BAR_NS, BAR_NS, 12 * BAR_NS]
    said["closed_ns"] = said["at_ns"] = FIRST_NS
    said["p_up"], said["p_down"], said["long_bps"] = [0.5, 0.2, 0.5, 0.5], [0.3, 0.6, 0.3, 0.3], [5.0, -5.0, 5.0, 5.0]
    said["silence"] = [0, 0, 1, 0]
    writer.predictions(said)
    writer.finish("finished", {}, 2)
    told = asked("funnel", "--by", "side", "--home", str(tmp_path))[1]
    assert told["stages"][0] == "prediction" and (told["BUY"]["prediction"], told["SELL"]["prediction"]) == (1, 1), (
        "silent ones and other frames' are not counted"
    )
    assert "SELL dies at prediction->opinion: none of 1 predictions became an opinion" in told["findings"]


@covers("A03", "3.17")
def test_status_of_a_running_paper_run_tells_hash_code_and_positions(tmp_path: Path) -> None:
    writer = a_run(tmp_path, time.time_ns() - 5 * 10**9, mode="paper")
    writer.fills(row(FillRow(1, 1, 2, 1, 5, 0, 50, 612_345, 612_345, 1, 1, 1)))
    writer.ledger(row(LedgerRow(1, 5, 1, 1, 1, -30 * 10**8, 30 * 10**8, 0, 0, 0, 0)))
    line = {"id": "public", "state": "up", "grade": "green", "taken_from": True, "latency_ms": 23.4, "drops": 1, "uptime": 0.9991}
    symbols = {"ETHUSDT": {"book_live": 0.9995, "candles_heard": None}, "BTCUSDT": {"book_live": 1.0, "candles_heard": 0.5}}
    writer.heartbeat(time.time_ns(), {"equity": 1, "connections": [line], "symbols": symbols})
    code, told = asked("status", "--home", str(tmp_path))
    assert (code, told["state"], told["mode"], told["config_hash"], told["code"]) == (0, "running", "paper", "c0ffee", "1.0+abc")
    assert 5 <= told["uptime_s"] < 60 and told["connections"] == [line] and told["attention"] == []
    text = CliRunner().invoke(app, ["status", "--home", str(tmp_path)]).stdout
    assert "connection public (taken from): green, 23 ms late, up 99.91 % of the time, 1 drops" in text
    assert "ETHUSDT: book live 99.95 % of the time\n" in text and "BTCUSDT: book live 100.00 % of the time, 50.0 % of the candles heard whole" in text
    assert told["positions"] == [{"symbol": "ETHUSDT", "frame": "5m", "side": "LONG", "quantity": "0.050", "cost": "30", "quote": "USDT"}]
    assert "running: paper run 1" in CliRunner().invoke(app, ["status", "--home", str(tmp_path)]).stdout
    writer.finish("stopped", {}, time.time_ns())


def test_status_of_a_finished_run_is_stopped_with_its_facts(tmp_path: Path) -> None:
    a_run(tmp_path).finish("failed", {"error": "disk full"}, 2)
    code, told = asked("status", "--home", str(tmp_path))
    assert (code, told["state"], told["last_state"], told["run"], told["uptime_s"]) == (3, "stopped", "failed", 1, None)
    assert told["attention"] == ["run 1 failed: disk full"]


def test_status_where_nothing_ran_is_stopped(tmp_path: Path) -> None:
    code, told = asked("status", "--home", str(tmp_path / "none"))
    assert (code, told["state"], told["mode"], told["positions"]) == (3, "stopped", None, [])


def test_a_dead_process_and_a_silent_one_are_not_running(tmp_path: Path) -> None:
    a_run(tmp_path, 10**12)
    journal = Journal.open(tmp_path)
    crashed = standing(journal, 10**12 + 1, lambda pid: False)
    assert crashed.state == "stopped" and f"crashed: process {os.getpid()} is gone" in crashed.attention[0]
    silent = standing(journal, 10**12 + 31 * 10**9, lambda pid: True)
    assert silent.state == "stopped" and "is silent: last heard of 31 s ago" in silent.attention[0]
    assert standing(journal, 10**12 + 29 * 10**9, lambda pid: True).state == "running"


def test_a_running_paper_run_is_told_before_a_later_backtest(tmp_path: Path) -> None:
    paper = a_run(tmp_path, 100, mode="paper")
    a_run(tmp_path, 200)
    told = standing(Journal.open(tmp_path), 300, lambda pid: True)
    assert (told.run, told.mode) == (1, "paper")
    paper.finish("stopped", {}, 300)


@pytest.mark.parametrize(
    ("controls", "count"),
    [
        ([(PAUSE, BY_OPERATOR)], 1),
        ([(PAUSE, BY_OPERATOR), (RESUME, BY_OPERATOR)], 0),
        ([(TRIP, BY_DAILY_LOSS)], 1),
        ([(TRIP, BY_DAILY_LOSS), (RESET, BY_DAILY_LOSS)], 0),
        ([(TRIP, BY_DAILY_LOSS), (RESUME, BY_OPERATOR), (KILL, BY_OPERATOR)], 2),
        ([(KILL, BY_OPERATOR), (RESUME, BY_OPERATOR)], 1),
    ],
)
@covers("A16")
def test_controls_in_force_need_attention_until_they_are_lifted(tmp_path: Path, controls: list[tuple[int, int]], count: int) -> None:
    writer = a_run(tmp_path)
    for kind, cause in controls:
        writer.controls(row(ControlRow(1, kind, cause, 0.04, 0.03, 0)))
    writer.finish("finished", {}, 2)
    assert len(standing(Journal.open(tmp_path), 3, lambda pid: True).attention) == count


def test_a_gate_that_may_be_unknown_by_configuration_blocks_nothing(tmp_path: Path) -> None:
    writer = Journal.open(tmp_path).begin(record(config='[decision]\nunknown_passes = ["funding"]\n'), 1)
    decision = rows(DecisionRow, 1)
    decision["side"] = decision["asks_risk"] = decision["decision"] = 1
    writer.decisions(decision, np.full((1, 3), np.nan), np.ones((1, 3)), np.array([[1, 3, 1]], np.int8))
    writer.finish("finished", {}, 2)
    told = asked("funnel", "--home", str(tmp_path))[1]
    assert told["blocked_by"]["funding"] == {"BUY": 0, "SELL": 0, "sole": {"BUY": 0, "SELL": 0}, "unknown": 1}


def test_times_are_utc_where_they_do_not_say() -> None:
    assert time_of("2024-03-01T12:35") == time_of("2024-03-01T13:35+01:00") == FIRST_NS
    assert msgspec.json.encode(time_of("1969-12-31T23:59:59")) == b"-1000000000"
